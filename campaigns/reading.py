"""What the doors of campaigns read alike: bodies into declared models, every problem at once, names put back as the
caller spells them."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from gateway.dates import parse_moment
from gateway.declared import wrong
from gateway.errors import Problem, Refusal, not_found
from gateway.listing import LARGEST_ID

_MOST_REPORTED = 100


class Body(BaseModel):
    """What a body of these doors may hold, by the contract's names."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def line(longest: int) -> AfterValidator:
    """One line of at most so many characters."""

    def check(value: str) -> str:
        if len(value) > longest or not value.isprintable():
            raise wrong(f"must be one line of at most {longest} characters")
        return value

    return AfterValidator(check)


def _uuid(value: Any) -> UUID:
    try:
        if isinstance(value, str):
            return UUID(value)
    except ValueError:
        value = None
    raise wrong("must be a uuid")


def _moment(value: Any) -> datetime:
    if not isinstance(value, str):
        raise wrong("must be text")
    try:
        return parse_moment(value)
    except ValueError as error:
        raise wrong(str(error)) from None


def _identifier(value: Any) -> int:
    found = identifier(value)
    if found is None:
        raise wrong("must be an id")
    return found


def identifier(value: Any) -> int | None:
    """The number of a row, written as a number or as text; None for what is none."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    is_one = text.isascii() and text.isdigit() and len(text) <= 19 and 0 < int(text) <= LARGEST_ID
    return int(text) if is_one else None


# Null is the same as nothing.
Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]
Uuid = Annotated[UUID, BeforeValidator(_uuid)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Identifier = Annotated[int, BeforeValidator(_identifier)]


@contextmanager
def outward(names: Mapping[str, str], *, in_query: bool = False) -> Iterator[None]:
    """What a service refuses, with the contract's names for the core's; ``in_query``: that is where they were given."""
    try:
        yield
    except Refusal as refusal:
        problems = [
            replace(problem, parameter=problem.parameter or (in_query and bool(problem.field)))
            for problem in spelt(refusal.problems[:_MOST_REPORTED], names)
        ]
        raise Refusal(problems, retry_after=refusal.retry_after) from refusal


def spelt(problems: Iterable[Problem], names: Mapping[str, str]) -> list[Problem]:
    """The same problems, with these names for the core's."""
    return [replace(problem, field=tuple(names.get(str(part), part) for part in problem.field)) for problem in problems]


def uuid_of(text: str, what: str) -> UUID:
    """What an address names; what is no uuid at all is not found either."""
    try:
        return UUID(text)
    except ValueError:
        raise not_found(f"{what} {text[:40]}") from None


def number_of(text: str, what: str) -> int:
    """The same for a number."""
    found = identifier(text)
    if found is None:
        raise not_found(f"{what} {text[:20]}")
    return found
