"""Send V2's request, whatever the face: from the caller's names to a letter (contract send_v2, "sendMail: fields").

Decisions of this version: null and the empty string are the same as nothing; a whole number may stand for text and
text for a whole number or a boolean; parameters are known by name, and an unknown one is refused like an unknown field.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings
from pydantic import ValidationError

from gateway.caller import Caller
from gateway.errors import Code, Problem, Refusal, refuse
from gateway.incoming import StoredBytes
from sending import services
from sending.letter import Letter
from sending.send_v2 import problems
from sending.send_v2.attachments import Attachments, read_properties
from sending.send_v2.model import ALIASES, SendRequest
from sending.send_v2.params import Params
from sending.send_v2.problems import Path
from sending.services import Accepted
from sending.xml_data import parse_xml_data

# What the letter takes over as it stands.
_SAME = frozenset({
    "channel", "request_id", "batch_id", "partner_ref", "message_type", "message_type_version", "mail_subject",
    "mail_body", "mail_html_body", "recipient_name", "recipient_email_address", "recipient_postal_address",
    "recipient_name_cc", "reply_to_address", "reply_to_name", "from_address", "from_name", "xml_data",
    "archiving_expected", "certification_expected", "related_message_id", "reply_envelope_attached",
    "payment_slip_attached", "campaign_part_id", "letter_type",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A request read: the letter, who it says is calling, and how the caller spelt what.

    ``client_hash_keys`` and ``user_names`` hold (value, path) of every place in the body that names one. ``places``
    says where in the request stands what the core knows by another path: parameters and control properties.
    """

    letter: Letter
    client_hash_keys: tuple[tuple[str, Path], ...] = ()
    user_names: tuple[tuple[str, Path], ...] = ()
    spelling: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[Path, Path] = field(default_factory=dict)

    def submit(self, caller: Caller) -> Accepted:
        """Take the letter; raises Refusal in the caller's words."""
        try:
            return services.submit(caller=caller, letter=self.letter)
        except Refusal as refusal:
            raise self.outward(refusal) from refusal

    def outward(self, refusal: Refusal) -> Refusal:
        """A service's refusal of this letter, in the caller's words."""
        found = [problems.spelt(self.in_contract(problem), self.spelling) for problem in refusal.problems]
        ordered = problems.refusal(found, canonical=ALIASES)
        ordered.retry_after = refusal.retry_after
        return ordered

    def in_contract(self, problem: Problem) -> Problem:
        """A service's problem with the contract's names; a parameter's or control property's at the place where it
        stood."""
        if problem.field in self.places:
            return replace(problem, field=self.places[problem.field])
        return problems.in_contract(problem)


def read(
    data: object,
    *,
    examine: Callable[[Letter], object] | None = None,
    parts: Mapping[str, StoredBytes] | None = None,
    delivery_id: str = "",
) -> Reading:
    """Read one letter; raises Refusal with every problem, in the contract's order of fields. ``parts`` are a multipart
    request's uploads by name, ``delivery_id`` the id of the message of a queue that brought it.

    ``examine`` is asked only about a letter in which something was already found wrong, so that what the services
    would find too is said in the same answer; it raises Refusal with problems in the core's names.
    """
    if not isinstance(data, dict):
        raise refuse(Code.MALFORMED, "the request must be a JSON object")
    data, spelling, found = problems.canonical(data)
    try:
        request = SendRequest.model_validate(data)
    except ValidationError as error:
        invalid, places = problems.of_validation(error)
        found = [*invalid, *found]
        request = SendRequest.model_validate(problems.without(data, places))
    reading = _Reader(request, spelling, found, parts).read(delivery_id)
    if not found:
        return reading
    if examine is not None:
        try:
            examine(reading.letter)
        except Refusal as refusal:
            known = problems.Places(problem.field for problem in found)
            more = [reading.in_contract(problem) for problem in refusal.problems]
            found.extend(problem for problem in more if not known.cover(problem.field))
    raise problems.refusal((problems.spelt(problem, spelling) for problem in found), canonical=ALIASES)


class _Reader:
    """One validated request on its way to a letter; what is wrong gathers in ``found``."""

    def __init__(
        self,
        request: SendRequest,
        spelling: dict[str, str],
        found: list[Problem],
        parts: Mapping[str, StoredBytes] | None,
    ) -> None:
        self.request = request
        self.spelling = spelling
        self.found = found
        self.known = problems.Places(problem.field for problem in found)
        self.parts = parts

    def report(self, code: Code, sentence: str, path: Path) -> None:
        """Note a problem unless one was already found at the same place."""
        if not self.known.cover(path):
            self.found.append(Problem(code=code, sentence=sentence, field=path))

    def read(self, delivery_id: str) -> Reading:
        request = self.request
        values: dict[str, Any] = {name: value for name, value in request.__dict__.items() if value and name in _SAME}
        self._check(values)
        # Not kept by the reader, which it holds: what holds each other stays until the collector comes round.
        attachments = Attachments(report=self.report, parts=self.parts)
        if request.recipient_email_address_cc:
            values["recipient_email_address_cc"] = tuple(split_addresses(request.recipient_email_address_cc))
        if request.bcc_address:
            values["bcc_address"] = tuple(split_addresses(request.bcc_address))
        if request.properties:
            values["properties"] = read_properties(request.properties, ("properties",), self.report)
        if request.attachments:
            values["attachments"] = tuple(
                attachments.read(part, index) for index, part in enumerate(request.attachments)
            )
        self._check_parts(attachments.named)
        params = Params(report=self.report)
        values |= params.read(request.params, request.request_meta)
        return Reading(
            letter=Letter(**values, delivery_id=delivery_id),
            client_hash_keys=tuple(self._named("client_hash_key", "clientHashKey")),
            user_names=tuple(self._named("user_name", "userName")),
            spelling=self.spelling,
            places=params.places | attachments.places,
        )

    def _check(self, values: dict[str, Any]) -> None:
        """Required, exclusive and well-formed, as far as it concerns every channel."""
        if not values.get("recipient_name", "").strip():
            self.report(Code.REQUIRED, "required", ("recipientName",))
        if "message_type" in values:
            for name, outward in (
                ("mail_subject", "mailSubject"), ("mail_body", "mailBody"), ("mail_html_body", "mailHtmlBody")
            ):  # fmt: skip
                if name in values:
                    self.report(Code.EXCLUSIVE, "not together with messageType", (outward,))
        elif "message_type_version" in values:
            self.report(Code.REQUIRED, "required with messageTypeVersion", ("messageType",))
        if "letter_type" in values and values["letter_type"] not in settings.HAMMY_LETTER_TYPES:
            kinds = ", ".join(settings.HAMMY_LETTER_TYPES)
            self.report(Code.INVALID, f"must be one of {kinds}", ("letterType",))
        if "xml_data" in values:
            try:
                parse_xml_data(values["xml_data"])
            except ValueError as error:
                self.report(Code.INVALID, str(error).removeprefix("xmlData ").removesuffix("."), ("xmlData",))
                del values["xml_data"]

    def _check_parts(self, named: set[str]) -> None:
        """An upload that nobody names would be lost silently."""
        for name in self.parts or ():
            if name not in named:
                problem = Problem(
                    code=Code.INVALID,
                    sentence="no attachment names this part",
                    field=(problems.printable(name),),
                    parameter=True,
                )
                self.found.append(problem)

    def _named(self, name: str, outward: str) -> Iterator[tuple[str, Path]]:
        """Who the body says is calling, at its top and in requestMeta."""
        if value := getattr(self.request, name):
            yield value, (outward,)
        if self.request.request_meta and (value := getattr(self.request.request_meta, name)):
            yield value, ("requestMeta", outward)


def split_addresses(text: str) -> Iterator[str]:
    """Addresses separated by ``;``, which may also stand within a quoted local part."""
    start, is_quoted = 0, False
    for place, character in enumerate(text):
        if character == '"' and text[place - 1 : place] != "\\":
            is_quoted = not is_quoted
        elif character == ";" and not is_quoted:
            if part := text[start:place].strip():
                yield part
            start = place + 1
    if part := text[start:].strip():
        yield part
