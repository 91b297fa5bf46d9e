"""What callers say in the query, made ours (contract job_completed_notifications).

Names and the values of lists are taken in any case. A parameter that is given twice must say the same twice.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar
from urllib.parse import parse_qsl
from uuid import UUID

from gateway.errors import Code, Problem, Refusal, not_found, refuse
from gateway.listing import LARGEST_LIMIT, LARGEST_OFFSET
from gateway.plain_text import on_one_line
from notifications import services
from notifications.payloads.naming import Naming
from notifications.services import Wish

T = TypeVar("T")

JSON_SUFFIX = ".json"
END_POINT, JOB_ID, USER_ID = "notification_end_point", "job_id", "user_id"
FORMAT, NAMING, METHOD = "format", "naming_convention", "notification_http_method"
CREATE_PARAMETERS = (END_POINT, FORMAT, JOB_ID, NAMING, METHOD)
LENGTH, OFFSET, MARKER, LAST = "page_length", "page_offset", "page_start_marker", "last_page"
LIST_PARAMETERS = (LAST, LENGTH, OFFSET, MARKER, USER_ID)
# The core's names as this contract spells them.
_OUTWARD = {"end_point": END_POINT, "format": FORMAT, "naming": NAMING, "method": METHOD}
_STARTS = (OFFSET, MARKER, LAST)
_OF_THE_URI = (Code.REQUIRED, Code.UNKNOWN_FIELD)

_LONGEST_QUERY = 64 * 1024
_MOST_PARAMETERS = 100
_MOST_TOLD, _LONGEST_TOLD = 10, 60
_BROKEN_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")
_UUID = re.compile("[0-9A-Fa-f]{32}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_NUMBER = re.compile("-?[0-9]{1,10}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Which page of whose registrations: from ``offset``, or behind the registration ``marker``, or the last."""

    length: int = LARGEST_LIMIT
    offset: int = 0
    marker: UUID | None = None
    is_last: bool = False
    user_id: UUID | None = None


def read_create(query: str) -> Wish:
    """What is to be registered; raises every problem, named as the caller knows it."""
    given = _Given(query, CREATE_PARAMETERS)
    job_uuid = given.read(JOB_ID, _uuid, None)
    # A value that is missing where its name stands is as wrong as any other.
    wish = Wish(
        end_point=given.values.get(END_POINT, ""),
        format=given.values.get(FORMAT, services.FORMATS[0]).upper(),
        naming=given.values.get(NAMING, Naming.UPPER).upper(),
        method=given.values.get(METHOD, services.METHODS[0]).upper(),
        job_uuid=job_uuid,
    )
    given.problems += [_outward(problem) for problem in services.problems_of(wish)]
    given.check()
    return wish


def read_list(query: str) -> Listed:
    """Which page is asked for; raises every problem."""
    given = _Given(query, LIST_PARAMETERS)
    listed = Listed(
        length=given.read(LENGTH, _between(1, LARGEST_LIMIT), LARGEST_LIMIT),
        offset=given.read(OFFSET, _between(0, LARGEST_OFFSET), 0),
        marker=given.read(MARKER, _uuid, None),
        is_last=LAST in given.values,
        user_id=given.read(USER_ID, _uuid, None),
    )
    starts = [name for name in _STARTS if name in given.values]
    for name in starts[1:]:
        given.tell(Code.EXCLUSIVE, f"not together with {starts[0]}", name)
    given.check()
    return listed


def read_nothing(query: str) -> None:
    """Raises for any parameter at all."""
    _Given(query, ()).check()


def read_id(text: str) -> UUID:
    """The registration that an address names, its suffix left out; what can be none's id is nobody's (3000)."""
    try:
        return _uuid(text.removesuffix(JSON_SUFFIX))
    except ValueError as error:
        raise not_found(f"registration {_shown(text)}") from error


class _Given:
    """The parameters of a query, and what is wrong with them."""

    def __init__(self, query: str, known: Collection[str]) -> None:
        self.values: Mapping[str, str] = {}
        self.problems: list[Problem] = []
        values: dict[str, str] = {}
        unknown: dict[str, None] = {}
        for spelt, value in _pairs(query):
            name = spelt.lower()
            if name not in known:
                unknown[spelt] = None
            elif values.setdefault(name, value) != value:
                self.tell(Code.INVALID, "given more than once with different values", name)
        self.values = values
        for spelt in list(unknown)[:_MOST_TOLD]:
            self.tell(Code.UNKNOWN_FIELD, _hint(spelt, known), _shown(spelt))

    def read(self, name: str, parse: Callable[[str], T], default: T) -> T:
        """The value of a parameter, ``default`` where it is not given or wrong."""
        if name not in self.values:
            return default
        try:
            return parse(self.values[name])
        except ValueError as error:
            self.tell(Code.INVALID, str(error), name)
            return default

    def tell(self, code: Code, sentence: str, name: str) -> None:
        self.problems.append(Problem(code=code, sentence=sentence, field=(name,), parameter=True))

    def check(self) -> None:
        """Raise what was found, first what makes the URI itself invalid."""
        if self.problems:
            raise Refusal(sorted(self.problems, key=lambda problem: problem.code not in _OF_THE_URI))


def _pairs(query: str) -> list[tuple[str, str]]:
    if len(query) > _LONGEST_QUERY:
        raise refuse(Code.MALFORMED, f"the query is longer than {_LONGEST_QUERY} characters")
    if _BROKEN_ESCAPE.search(query):
        raise refuse(Code.MALFORMED, "the query holds a % that no two hexadecimal digits follow")
    try:
        # WSGI hands bytes over as Latin-1.
        text = query.encode("latin-1").decode()
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS)
    except UnicodeError as error:
        raise refuse(Code.MALFORMED, "the query is not UTF-8") from error
    except ValueError as error:
        raise refuse(Code.MALFORMED, f"the query has more than {_MOST_PARAMETERS} parameters") from error


def _hint(spelt: str, known: Collection[str]) -> str:
    if not known:
        return "unknown parameter, this request takes none"
    if spelt.lower() in ("clienthashkey", "username"):
        return "unknown parameter, send it as a header"
    if close := get_close_matches(spelt[:_LONGEST_TOLD].lower(), known, n=1):
        return f"unknown parameter, use {close[0]}"
    return f"unknown parameter, use one of {', '.join(known)}"


def _shown(text: str) -> str:
    return on_one_line(text if len(text) <= _LONGEST_TOLD else f"{text[:_LONGEST_TOLD]}…")


def _outward(problem: Problem) -> Problem:
    field = tuple(_OUTWARD.get(str(part), part) for part in problem.field)
    return Problem(code=problem.code, sentence=problem.sentence, field=field, parameter=True)


def _uuid(text: str) -> UUID:
    if not _UUID.fullmatch(text):
        raise ValueError("must be a UUID")
    return UUID(text)


def _between(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not _NUMBER.fullmatch(text) or not least <= int(text) <= most:
            raise ValueError(f"must be a number between {least} and {most}")
        return int(text)

    return parse
