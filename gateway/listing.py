"""Parameters of lists, read the same way by every door (contract hammy_common, "REST")."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.utils.datastructures import MultiValueDict

from gateway.dates import parse_from, parse_to
from gateway.errors import Code, Problem, Refusal

T = TypeVar("T")

DEFAULT_LIMIT = 20
LARGEST_LIMIT = 1000
LARGEST_OFFSET = 1_000_000_000
LARGEST_ID = 2**63 - 1

_NUMBER = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_BRACKETED = re.compile(r"(filter|page)\[(.*)\]", re.DOTALL)
_PAGE_NAMES = {"limit": "limit", "size": "limit", "offset": "offset", "number": "offset"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A slice of a list: ``limit`` rows from index ``offset`` in the order of ``order_by`` (Django's spelling)."""

    limit: int
    offset: int
    order_by: tuple[str, ...]


class ListParameters:
    """Reads a query string, or what another face has in its place, and collects every problem; ``check()`` at the end
    raises them all at once.

    ``names`` are the parameters this list knows beside limit, offset and sort.
    """

    def __init__(self, query: MultiValueDict[str, str], *, names: Sequence[str] = ()) -> None:
        self._query = query
        self._names = names
        self.problems: list[Problem] = []

    def page(self, *, sortable: Mapping[str, str], default: str = "-createdAt") -> Page:
        """Which rows in which order. ``sortable`` maps the contract's names to the model's; ties go by id."""
        return Page(
            limit=self.number("limit", least=1, most=LARGEST_LIMIT, default=DEFAULT_LIMIT),
            offset=self.number("offset", least=0, most=LARGEST_OFFSET, default=0),
            order_by=self._order(sortable, default),
        )

    def text(self, name: str, *, longest: int) -> str:
        """A single text, "" when absent."""
        value = self._single(name)
        if "\0" in value:
            return self._problem(Code.INVALID, "must not contain NUL characters", name, "")
        if len(value) > longest:
            return self._problem(Code.INVALID, f"must be at most {longest} characters long", name, "")
        return value

    def number(self, name: str, *, least: int, most: int, default: int) -> int:
        """A whole number between ``least`` and ``most``."""
        value = self._single(name)
        if not value:
            return default
        if not _NUMBER.fullmatch(value) or not least <= int(value) <= most:
            return self._problem(Code.INVALID, f"must be between {least} and {most}", name, default)
        return int(value)

    def flag(self, name: str) -> bool:
        """``true`` or ``false``, in any case; false when absent."""
        value = self._single(name).lower()
        if value not in ("", "true", "false"):
            return self._problem(Code.INVALID, "must be true or false", name, False)
        return value == "true"

    def moment_from(self, name: str) -> datetime | None:
        """The first moment that counts."""
        return self._moment(name, parse_from)

    def moment_to(self, name: str) -> datetime | None:
        """The first moment that no longer counts."""
        return self._moment(name, parse_to)

    def many(self, name: str, *, allowed: Sequence[str] = ()) -> list[str]:
        """``name=A&name=B``, ``name[]=A`` and ``name=A,B`` mean the same; each value once, in order."""
        given = [*self._query.getlist(name), *self._query.getlist(f"{name}[]")]
        values = list(dict.fromkeys(part for text in given for part in text.split(",") if part))
        if allowed and not set(values) <= set(allowed):
            return self._problem(Code.INVALID, f"must be one of {', '.join(allowed)}", name, [])
        if any("\0" in value for value in values):
            return self._problem(Code.INVALID, "must not contain NUL characters", name, [])
        if len(values) > LARGEST_LIMIT:
            return self._problem(Code.INVALID, f"must be at most {LARGEST_LIMIT} values", name, [])
        return values

    def check(self) -> None:
        """Raise every problem found; ``filter[…]`` and ``page[…]`` are refused by naming the right parameter."""
        for name in self._query:
            if found := _BRACKETED.fullmatch(name):
                self._problem(
                    Code.UNKNOWN_FIELD, f"unknown parameter, use {self._right_name(*found.groups())}", name, None
                )
        if self.problems:
            raise Refusal(self.problems)

    def _right_name(self, family: str, inner: str) -> str:
        if family == "page":
            return _PAGE_NAMES.get(inner, "limit and offset")
        close = [name for name in self._names if inner and name.lower().startswith(inner.lower().rstrip("s"))]
        return close[0] if close else "one of " + ", ".join((*self._names, "limit", "offset", "sort"))

    def _order(self, sortable: Mapping[str, str], default: str) -> tuple[str, ...]:
        order = []
        for part in (self._single("sort") or default).split(","):
            name = part.strip().removeprefix("-")
            if name not in sortable:
                right = ", ".join(sortable)
                self._problem(
                    Code.UNKNOWN_FIELD,
                    f"unknown field, sort by {right}, a minus before it for descending",
                    "sort",
                    None,
                )
                return ()
            order.append(("-" if part.strip().startswith("-") else "") + sortable[name])
        return (*order, "-pk" if order[-1].startswith("-") else "pk")

    def _moment(self, name: str, parse: Callable[[str], datetime]) -> datetime | None:
        value = self._single(name)
        if not value:
            return None
        try:
            return parse(value)
        except ValueError as error:
            return self._problem(Code.INVALID, str(error), name, None)

    def _single(self, name: str) -> str:
        values = set(self._query.getlist(name))
        if len(values) > 1:
            return self._problem(Code.INVALID, "given more than once with different values", name, "")
        return values.pop() if values else ""

    def _problem(self, code: Code, sentence: str, name: str, instead: T) -> T:
        self.problems.append(Problem(code=code, sentence=sentence, field=(name,), parameter=True))
        return instead
