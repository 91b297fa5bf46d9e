"""What the filters and methods of a template cost at most, in characters made, before they make them.

Each takes what its filter takes and refuses what no letter needs (TemplateBudget, TemplateData).
"""

import re
from collections.abc import Callable
from typing import Any

from markupsafe import Markup

from sending.sandbox.budget import ESCAPED_GROWTH, ITEM_WEIGHT, TemplateBudget, TemplateData

Cost = Callable[..., int]

LONGEST_NUMERAL = 100
LONGEST_WRAPPED = 10_000
LONGEST_TRIMMED_SET = 100
LONGEST_LIST = 20_000
WIDEST = 10_000
MOST_PARTS = 1_000
PRINTF = re.compile(r"%(?:\((\w*)\))?[#0\- +]*(\d{0,3})(?:\.(\d{0,3}))?[diouxXeEfFgGcs%]")
# A separate text object per piece, beside its characters.
PIECE_WEIGHT = 64


def weigh(value: Any) -> int:
    return 2 * len(value) if isinstance(value, str) else ITEM_WEIGHT


def same(text: str, *args: Any, **options: Any) -> int:
    return weigh(text)


def case(text: str) -> int:
    # One character becomes at most three (the Greek U+0390).
    return 3 * weigh(text)


def escaped(text: str) -> int:
    return ESCAPED_GROWTH * weigh(text)


def urlencoded(text: str) -> int:
    return 12 * len(text)


def padded(text: str, width: int = 80, fill: str = " ") -> int:
    return max(weigh(text), 2 * at_most(WIDEST, width))


def indented(text: str, width: int | str = 4, first: bool = False, blank: bool = False) -> int:
    margin = weigh(width) if isinstance(width, str) else 2 * at_most(WIDEST, width)
    return weigh(text) + line_count(text) * (margin + PIECE_WEIGHT)


def wrapped(text: str, width: int = 79, break_long_words: bool = True, wrapstring: str | None = None) -> int:
    if len(text) > LONGEST_WRAPPED:
        raise TemplateBudget(f"wordwrap takes at most {LONGEST_WRAPPED:,} characters")
    return weigh(text) + (len(text) // max(width, 1) + text.count("\n") + 2) * weigh(wrapstring or "\n")


def truncated(
    text: str, length: int = 255, killwords: bool = False, end: str = "...", leeway: int | None = None
) -> int:
    return weigh(text) + weigh(end)


def replaced(text: str, old: str, new: str, count: int | None = None) -> int:
    places = text.count(str(old)) if old else len(text) + 1
    growth = ESCAPED_GROWTH if any(isinstance(item, Markup) for item in (text, old, new)) else 1
    return growth * (weigh(text) + places * weigh(str(new)))


def trimmed(text: str, chars: str | None = None) -> int:
    if chars is not None and len(chars) > LONGEST_TRIMMED_SET:
        raise TemplateBudget(f"at most {LONGEST_TRIMMED_SET} different characters can be trimmed")
    return weigh(text)


def split(text: str, sep: str | None = None, maxsplit: int = -1) -> int:
    return weigh(text) + (text.count(sep) if sep else len(text) // 2) * PIECE_WEIGHT + PIECE_WEIGHT


def lines(text: str, keepends: bool = False) -> int:
    return weigh(text) + line_count(text) * PIECE_WEIGHT


def line_count(text: str) -> int:
    return 2 + sum(text.count(end) for end in "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029")


def printf(template: str, /, *args: Any, **named: Any) -> int:
    at_most(MOST_PARTS, template.count("%"))
    fields = list(PRINTF.finditer(template))
    if len(fields) + sum(field.group(0) == "%%" for field in fields) != template.count("%"):
        raise TemplateData("a % sign in this format is none that can be used")
    longest = max([400, *(weigh(item) for item in (*args, *named.values()))])
    widest = sum(int(field.group(2) or 0) + int(field.group(3) or 0) + longest for field in fields)
    return ESCAPED_GROWTH * (weigh(template) + 2 * widest)


def at_most(limit: int, number: int) -> int:
    if number > limit:
        raise TemplateBudget(f"{number if number < 10**12 else 'this number'} is more than the {limit:,} allowed here")
    return max(number, 0)


def free(items: Any, *args: Any, **options: Any) -> int:
    return 0


def parts(items: Any, parts: int, fill_with: Any = None) -> int:
    return (at_most(MOST_PARTS, parts) + len(items)) * PIECE_WEIGHT
