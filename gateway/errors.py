"""The error catalogue (contract hammy_common, "Envelope and errors") and the one exception that carries it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from http import HTTPStatus


class Code(IntEnum):
    """Codes of ``responseStatus``; 0 is success."""

    MALFORMED = 1000
    REQUIRED = 1001
    INVALID = 1002
    EXCLUSIVE = 1003
    UNKNOWN_FIELD = 1004
    DUPLICATE_REQUEST = 1005
    PARTLY_REFUSED = 1006
    CLIENT = 2000
    TOKEN = 2001
    FORBIDDEN = 2002
    RATE_LIMITED = 2003
    NOT_FOUND = 3000
    STATE_CONFLICT = 3001
    UNUSABLE_NAME = 3002
    STORE = 3003
    INTERNAL = 9000
    UNAVAILABLE = 9001


TITLES = {
    Code.MALFORMED: ("Malformed request", HTTPStatus.BAD_REQUEST),
    Code.REQUIRED: ("Required field missing", HTTPStatus.BAD_REQUEST),
    Code.INVALID: ("Invalid value", HTTPStatus.BAD_REQUEST),
    Code.EXCLUSIVE: ("Fields exclude each other", HTTPStatus.BAD_REQUEST),
    Code.UNKNOWN_FIELD: ("Unknown field", HTTPStatus.BAD_REQUEST),
    Code.DUPLICATE_REQUEST: ("Request id already used", HTTPStatus.CONFLICT),
    Code.PARTLY_REFUSED: ("Some items were refused", HTTPStatus.OK),
    Code.CLIENT: ("Client not accepted", HTTPStatus.UNAUTHORIZED),
    Code.TOKEN: ("User token not accepted", HTTPStatus.UNAUTHORIZED),
    Code.FORBIDDEN: ("Not allowed", HTTPStatus.FORBIDDEN),
    Code.RATE_LIMITED: ("Too many requests", HTTPStatus.TOO_MANY_REQUESTS),
    Code.NOT_FOUND: ("Not found", HTTPStatus.NOT_FOUND),
    Code.STATE_CONFLICT: ("Status change not possible", HTTPStatus.CONFLICT),
    Code.UNUSABLE_NAME: ("Unknown or disabled", HTTPStatus.NOT_FOUND),
    Code.STORE: ("Store cannot be used", HTTPStatus.BAD_REQUEST),
    Code.INTERNAL: ("Internal failure", HTTPStatus.INTERNAL_SERVER_ERROR),
    Code.UNAVAILABLE: ("Temporarily unavailable", HTTPStatus.SERVICE_UNAVAILABLE),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with a request.

    ``field`` is a path of names (``("attachments", 0, "fileName")``): the core's names when a service raises it,
    the caller's spelling once the door has put them back. ``status`` overrides the code's usual HTTP status
    (415, 413, 409 of the contract's table). ``parameter`` is set when the field came in the query or a header.
    """

    code: Code
    sentence: str
    field: tuple[str | int, ...] = ()
    parameter: bool = False
    status: int | None = None

    @property
    def http_status(self) -> int:
        return self.status or TITLES[self.code][1]

    @property
    def title(self) -> str:
        return TITLES[self.code][0]

    @property
    def name(self) -> str:
        """``attachments[0].fileName``."""
        text = ""
        for part in self.field:
            text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
        return text

    @property
    def detail(self) -> str:
        """The sentence as the caller reads it: ``recipientName: required``."""
        return f"{self.name}: {self.sentence}" if self.field else self.sentence

    def at(self, *prefix: str | int) -> "Problem":
        """The same problem, seen from further out."""
        return replace(self, field=(*prefix, *self.field))


class Refusal(Exception):
    """A request refused, with every problem found in it, the first one deciding the status code."""

    def __init__(self, problems: Iterable[Problem] | Problem, *, retry_after: int | None = None) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        self.retry_after = retry_after
        super().__init__("; ".join(problem.detail for problem in self.problems))

    @property
    def code(self) -> Code:
        return self.problems[0].code

    def unraised(self) -> "Refusal":
        """The same, to be kept: one that was raised holds each frame it came through, and all that they hold."""
        return Refusal(self.problems, retry_after=self.retry_after)


def refuse(code: Code, sentence: str, *field: str | int, parameter: bool = False, status: int | None = None) -> Refusal:
    """A refusal of a single problem, ready to be raised."""
    return Refusal(Problem(code=code, sentence=sentence, field=field, parameter=parameter, status=status))


def not_found(what: str) -> Refusal:
    """What does not exist and what the caller may not see look alike."""
    return refuse(Code.NOT_FOUND, f"{what} not found")
