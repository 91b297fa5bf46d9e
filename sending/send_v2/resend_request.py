"""A resend's request, whatever the face: which messages, and what is otherwise this time (contract send_v2, "Resend").

A message's number may stand alone, several times, in a list or in its wrapper, under ``messageId`` or ``messageIds``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from gateway.body_key import Placed
from gateway.caller import Caller
from gateway.errors import Code, Problem, Refusal, refuse
from sending import resending
from sending.resending import MOST_AT_ONCE, Changes
from sending.send_v2 import problems
from sending.send_v2.fields import Line, Text, Whole
from sending.send_v2.model import ALIASES, MOST_PROPERTIES, ParamPart, Part, RequestMetaPart
from sending.send_v2.params import OF_A_RESEND, Params
from sending.send_v2.problems import Path
from sending.services import Accepted

_ID_NAMES = ("messageId", "messageIds")


def _listed(value: Any) -> list[Any]:
    """The numbers in any spelling of their list."""
    if isinstance(value, str):
        value = value.strip()
    if value in (None, ""):
        return []
    if isinstance(value, dict) and set(value) <= set(_ID_NAMES):
        return [item for one in value.values() for item in _listed(one)]
    if isinstance(value, list):
        return [item for one in value for item in _listed(one)]
    return [value]


_Ids = Annotated[list[Annotated[int, Whole()]], BeforeValidator(_listed), Field(max_length=MOST_AT_ONCE)]


class ResendRequest(Part):
    """Messages to send again, in the contract's order of fields."""

    client_hash_key: Annotated[str | None, Line(255)] = None
    request_meta: RequestMetaPart | None = None
    message_id: _Ids = []
    message_ids: _Ids = []
    request_id: Annotated[str | None, Line(150)] = None
    recipient_email_address: Annotated[str | None, Line(100)] = None
    recipient_postal_address: Annotated[str | None, Text(255)] = None
    user_name: Annotated[str | None, Line(150)] = None
    params: list[ParamPart] | None = Field(None, max_length=MOST_PROPERTIES)


_ORDER = {one.alias or name: place for place, (name, one) in enumerate(ResendRequest.model_fields.items())}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resending:
    """A resend read: the messages in the order named, what changes, who it says is calling; and where in the request
    stands what the core knows by another path."""

    message_ids: tuple[int, ...]
    changes: Changes
    request_id: str
    client_hash_keys: tuple[Placed, ...] = ()
    user_names: tuple[Placed, ...] = ()
    spelling: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[Path, Path] = field(default_factory=dict)

    def submit(self, caller: Caller, *, delivery_id: str = "") -> list[Accepted]:
        """Send them again; raises Refusal in the caller's words. ``delivery_id``: the message of a queue that asks."""
        try:
            return resending.resend(
                caller=caller,
                message_ids=self.message_ids,
                changes=self.changes,
                request_id=self.request_id,
                delivery_id=delivery_id,
            )
        except Refusal as refusal:
            raise self.outward(refusal) from refusal

    def outward(self, refusal: Refusal) -> Refusal:
        """A service's refusal in the caller's words: a problem of a message stands where that was named."""
        found = [problems.spelt(self._in_contract(problem), self.spelling) for problem in refusal.problems]
        ordered = problems.refusal(found, canonical=ALIASES, order=_ORDER)
        ordered.retry_after = refusal.retry_after
        return ordered

    def _in_contract(self, problem: Problem) -> Problem:
        first, *rest = problem.field or ("",)
        if first == "message_ids" and rest:
            place, *inner = rest
            words = problems.in_contract(replace(problem, field=tuple(inner))).detail
            sentence = f"message {self.message_ids[int(place)]} cannot be sent again: {words}"
            return replace(problem, sentence=sentence, field=self.places[("message_ids", place)])
        if problem.field in self.places:
            return replace(problem, field=self.places[problem.field])
        return problems.in_contract(problem)


def read(data: object) -> Resending:
    """Read one resend; raises Refusal with every problem, in the contract's order of fields."""
    if not isinstance(data, dict):
        raise refuse(Code.MALFORMED, "the request must be a JSON object")
    data, spelling, found = problems.canonical(data)
    try:
        request = ResendRequest.model_validate(data)
    except ValidationError as error:
        invalid, places = problems.of_validation(error)
        found = [*(_as_written(problem, data) for problem in invalid), *found]
        # A list with something wrong in it says nothing.
        request = ResendRequest.model_validate(problems.without(data, (place[:1] for place in places)))
    known = problems.Places(problem.field for problem in found)

    def report(code: Code, sentence: str, path: Path) -> None:
        if not known.cover(path):
            found.append(Problem(code=code, sentence=sentence, field=path))

    places_of = _places_of(request, data)
    if not places_of and not any(known.cover((name,)) for name in _ID_NAMES):
        report(Code.REQUIRED, "required", ("messageId",))
    if len(places_of) > MOST_AT_ONCE:
        report(Code.INVALID, f"must be at most {MOST_AT_ONCE} messages", ("messageIds",))
    params = Params(report=report, known=OF_A_RESEND)
    changes = Changes(
        recipient_email_address=request.recipient_email_address or "",
        recipient_postal_address=request.recipient_postal_address or "",
        **params.read(request.params, request.request_meta),
    )
    if found:
        raise problems.refusal(
            (problems.spelt(problem, spelling) for problem in found), canonical=ALIASES, order=_ORDER
        )
    return Resending(
        message_ids=tuple(places_of),
        changes=changes,
        request_id=request.request_id or "",
        client_hash_keys=tuple(_named(request, "client_hash_key", "clientHashKey")),
        user_names=tuple(_named(request, "user_name", "userName")),
        spelling=spelling,
        places=params.places | {("message_ids", place): path for place, path in enumerate(places_of.values())},
    )


def _places_of(request: ResendRequest, data: Mapping[str, Any]) -> dict[int, Path]:
    """Each message once, with where it was named first."""
    found: dict[int, Path] = {}
    for name, ids in zip(_ID_NAMES, (request.message_id, request.message_ids), strict=True):
        for index, number in enumerate(ids):
            found.setdefault(number, (name, index) if isinstance(data.get(name), list) else (name,))
    return found


def _as_written(problem: Problem, data: Mapping[str, Any]) -> Problem:
    """Without a place in a list where the caller wrote none."""
    name = problem.field[0]
    if name in _ID_NAMES and not isinstance(data.get(str(name)), list):
        return replace(problem, field=(name,))
    return problem


def _named(request: ResendRequest, name: str, outward: str) -> Iterator[Placed]:
    """Who the body says is calling, at its top and in requestMeta."""
    if value := getattr(request, name):
        yield value, (outward,)
    if request.request_meta and (value := getattr(request.request_meta, name)):
        yield value, ("requestMeta", outward)
