"""What one rendering may cost, counted where it is spent: steps, characters made and time.

No signal and no thread is involved, so the same budget holds in any thread of any process. A single step works on
values that were paid for when they were made, so none takes longer than a few milliseconds.
"""

import re
from collections.abc import Iterable
from time import monotonic
from typing import Any, NoReturn

from jinja2 import Undefined
from jinja2.runtime import markup_join, str_join
from markupsafe import Markup, escape

LONGEST_SENTENCE = 300
STEPS = 1_000_000
CALL_DEPTH = 40
NUMBER_BITS = 256
# Characters made on the way (parts that are joined again, macros inside macros) per character of output allowed.
MADE_PER_OUTPUT = 3
MADE_AT_LEAST = 64 * 1024
ITEM_WEIGHT = 16
# The most that one step may work on: a list made of lists of lists grows faster than what it is made of.
HEAVIEST = 4 * 1024 * 1024
# Escaping makes five characters of one; a text longer than this is measured before it is escaped.
LONG_TEXT = 64 * 1024
ESCAPED_GROWTH = 5
HTML_SPECIAL = re.compile("[&<>'\"]").search


class TemplateError(Exception):
    """Why a template cannot be used; the text may be shown to users. ``line`` counts from 1, None when unknown."""

    def __init__(self, sentence: str, line: int | None = None) -> None:
        # A template may spell a name of half a million characters.
        self.sentence = sentence[:LONGEST_SENTENCE]
        super().__init__(f"Line {line}: {self.sentence}" if line else self.sentence)
        self.line = line


class TemplateSyntax(TemplateError):
    """The template is not well written, or uses what letters do not offer."""


class TemplateData(TemplateError):
    """The data lack something the template needs, or are of the wrong kind for what it does with them."""


class TemplateBudget(TemplateError):
    """The template takes too long, or makes too much."""


def weight(value: str) -> int:
    """About the bytes a text takes in memory."""
    return len(value) if value.isascii() else 2 * len(value)


class Budget:
    """What is left of one rendering's steps, characters and time; every method that spends raises TemplateBudget."""

    __slots__ = ("deadline", "depth", "is_html", "made_left", "seconds", "steps_left")

    def __init__(self, *, seconds: float, output: int, is_html: bool) -> None:
        self.seconds = seconds
        self.deadline = monotonic() + seconds
        self.steps_left = STEPS
        self.made_left = MADE_PER_OUTPUT * output + MADE_AT_LEAST
        self.depth = 0
        self.is_html = is_html

    def spend(self, made: int = 0) -> bool:
        """Count one step and the characters it makes, before it makes them. Always true, to stand in an expression."""
        self.steps_left -= 1
        self.made_left -= made
        if self.steps_left < 0 or self.made_left < 0 or monotonic() > self.deadline:
            self._overdrawn()
        return True

    def afford(self, made: int) -> None:
        """Refuse what could make more characters than are left; what it made is spent afterwards."""
        if made > self.made_left:
            self.made_left = -1
            self._overdrawn()

    def _overdrawn(self) -> NoReturn:
        if self.made_left < 0:
            raise TemplateBudget("the template makes more text than a letter may hold")
        if self.steps_left < 0:
            raise TemplateBudget(f"the template takes more than {STEPS:,} steps")
        raise TemplateBudget(f"the template takes longer than {self.seconds:g} s")

    def unfolded(self, value: Any) -> int:
        """What a value weighs with all it holds, however often it holds the same: work on it stays within that."""
        weighed, pending = 0, [value]
        while pending:
            item = pending.pop()
            weighed += ITEM_WEIGHT
            if isinstance(item, str):
                weighed += weight(item)
            elif isinstance(item, (list, tuple, dict, range)):
                weighed += ITEM_WEIGHT * len(item)
                if weighed <= HEAVIEST and not isinstance(item, range):
                    pending.extend(item)
                    if isinstance(item, dict):
                        pending.extend(item.values())
            if weighed > HEAVIEST:
                raise TemplateBudget("the template puts more into one list than a letter may hold")
        self.spend()
        return weighed

    def made(self, value: Any) -> Any:
        """A list or mapping that the template wrote, paid for."""
        self.unfolded(value)
        self.spend(ITEM_WEIGHT * len(value))
        return value

    def text(self, value: Any) -> str:
        """The text of a value; of a mapping that holds ``#text`` (an XML element with attributes), that text."""
        if isinstance(value, str):
            return value
        if value is None or isinstance(value, (bool, int, float, Undefined)):
            return str(value)
        if isinstance(value, dict) and "#text" in value:
            return self.text(value["#text"])
        if isinstance(value, (list, tuple, dict, range)):
            # Quoting makes up to ten characters of one.
            self.spend(10 * self.unfolded(value))
            require_plain(value)
            return str(value)
        raise TemplateData("only texts, numbers and lists can be printed")

    def show_text(self, value: Any) -> str:
        """What a printed value adds to the output of a text template."""
        shown = value if type(value) is str else self.text(value)
        self.spend(weight(shown))
        return shown

    def show_html(self, value: Any) -> str:
        """What a printed value adds to the output of an HTML template: escaped, unless the template made it HTML."""
        shown = value if type(value) is str else self.text(value)
        if type(shown) is str and HTML_SPECIAL(shown):
            if len(shown) > LONG_TEXT:
                self.afford(weight(shown) + (ESCAPED_GROWTH - 1) * sum(map(shown.count, "&<>'\"")))
            shown = escape(shown)
        self.spend(weight(shown))
        return shown

    def concat(self, values: Iterable[Any]) -> str:
        """The texts of the values one after the other; escaped as soon as one of them is HTML."""
        texts = [self.text(value) for value in values]
        growth = ESCAPED_GROWTH if any(isinstance(item, Markup) for item in texts) else 1
        self.afford(growth * sum(map(weight, texts)))
        joined = markup_join(texts) if self.is_html else str_join(texts)
        self.spend(weight(joined))
        return joined


def require_defined(*values: Any) -> None:
    """UndefinedError with its path when one of the values is missing."""
    for value in values:
        if isinstance(value, Undefined):
            str(value)


def require_plain(value: Any) -> None:
    """TemplateData unless the value holds nothing but texts, numbers, lists and mappings."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending.extend(item)
            pending.extend(item.values())
        elif isinstance(item, (list, tuple)):
            pending.extend(item)
        elif not (item is None or isinstance(item, (str, bool, int, float, range))):
            require_defined(item)
            raise TemplateData("only texts, numbers and lists can be printed")


def checked_number(value: Any) -> Any:
    """The number itself, as long as a letter could mean it."""
    if isinstance(value, int) and value.bit_length() > NUMBER_BITS:
        raise TemplateBudget("a number grows too large")
    return value
