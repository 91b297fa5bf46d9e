"""Send V2 over AMQP: decode, call, encode (contract send_v2, "Faces", AMQP).

A batch of messages is read one by one, submitted by caller in one transaction, and answered one by one in kind.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.db import InterfaceError, OperationalError

from gateway import envelope, soap_writing
from gateway.amqp.delivery import UNREADABLE, Answer, Delivery
from gateway.amqp.payload import as_utf_8, media_type_of, opened
from gateway.answers import JSON, JSON_API, json_bytes
from gateway.body import decode_json
from gateway.caller import Caller
from gateway.credentials.hash_key import known_client
from gateway.errors import Code, Problem, Refusal, refuse
from gateway.failures import refusal_for
from gateway.logs import Trace, current_trace, note_caller
from gateway.soap_reading import read_root
from sending import services
from sending.acceptance import examine
from sending.send_v2 import answer, request, xml
from sending.send_v2.json_api import Document
from sending.send_v2.request import Reading
from sending.services import Accepted

XML = "application/xml"
_MEDIA_TYPES = {JSON: JSON, JSON_API: JSON_API, XML: XML, "text/xml": XML}
SEND, RESEND = "Send_V2_Send", "Send_V2_Resend"
_METHODS = {"sendMailRequest": SEND, "resendMailRequest": RESEND}
_ROOTS = {SEND: "sendMailResponse", RESEND: "resendMailResponse"}
_KEY, _USER, _METHOD = "X-Client-Hash-Key", "X-User-Name", "X-Method-Name"
_LONGEST_NAME = 150
_NO_DATABASE = (OperationalError, InterfaceError)

_log = logging.getLogger(__name__)


def answers(deliveries: Sequence[Delivery]) -> list[Answer]:
    """An answer for each message; never raises."""
    calls = [_Call(delivery) for delivery in deliveries]
    by_caller: dict[Caller, list[_Call]] = {}
    for call in calls:
        call.attempt(call.read)
        if call.reading is not None and call.caller is not None and call.answer is None:
            by_caller.setdefault(call.caller, []).append(call)
    for caller, group in by_caller.items():
        _submit(caller, group)
    if waiting := sum(call.answer is None for call in calls):
        _log.warning("the database cannot be used: %d messages wait", waiting)
    return [call.answer or _LATER for call in calls]


_LATER = Answer(is_to_wait=True)


def _submit(caller: Caller, calls: Sequence["_Call"]) -> None:
    letters = [call.reading.letter for call in calls if call.reading is not None]
    try:
        results = services.submit_many(caller=caller, letters=letters)
    except _NO_DATABASE:
        return
    except Exception as error:
        if len(calls) == 1:
            calls[0].refuse(refusal_for(error))
            return
        # Whatever one of them did, it must not be the others' fault.
        _log.exception("a batch failed, its %d messages are taken one by one", len(calls))
        for call in calls:
            _submit(caller, [call])
        return
    for call, result in zip(calls, results, strict=True):
        call.settle(result)


class _Call:
    """One message on its way to its answer."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self.media_type = _MEDIA_TYPES.get(media_type_of(delivery), "")
        self.method = delivery.header(_METHOD) or SEND
        self.pointer_of: Callable[[Problem], str] = envelope.pointer
        self.reading: Reading | None = None
        self.answer: Answer | None = None
        self.caller: Caller | None = None

    def attempt(self, step: Callable[[], None]) -> None:
        """Do it; what goes wrong becomes the answer, or none while there is no database."""
        token = current_trace.set(Trace(request_id=self.delivery.property("message_id")))
        try:
            step()
        except _NO_DATABASE:
            self.reading = None
        except Exception as error:
            self.refuse(refusal_for(error))
        finally:
            current_trace.reset(token)

    def read(self) -> None:
        """Find out who calls and read the letter."""
        delivery = self.delivery
        if unreadable := delivery.headers.get(UNREADABLE):
            raise refuse(Code.MALFORMED, f"the message cannot be read: {unreadable}")
        if not self.media_type:
            known = f"must be {XML}, {JSON} or {JSON_API}"
            raise refuse(Code.MALFORMED, known, "content_type", parameter=True, status=415)
        data, read = self._decoded(*opened(delivery))
        caller = self._caller(data)
        caller.require("send")
        self.caller = caller
        self.reading = read(examine=partial(examine, caller), delivery_id=delivery.property("message_id"))

    def settle(self, result: Accepted | Refusal) -> None:
        """Encode what came of the letter."""
        if isinstance(result, Refusal):
            self.refuse(self.reading.outward(result) if self.reading else result)
            return
        params = list(answer.params(result))
        if self.media_type == JSON:
            body = json_bytes(answer.accepted(result.message_id, params))
        elif self.media_type == JSON_API:
            body = json_bytes(answer.accepted_json_api(result.message_id, params, has_total=False))
        else:
            body = soap_writing.document(_ROOTS[self.method], answer.accepted_xml(result.message_id, params))
        self.answer = Answer(body=body, media_type=self.media_type)

    def refuse(self, refusal: Refusal) -> None:
        """Encode why not."""
        if self.media_type == XML:
            root = _ROOTS.get(self.method, _ROOTS[SEND])
            body = soap_writing.document(root, answer.refused_xml(refusal))
        else:
            body = json_bytes(envelope.failure(refusal, self.pointer_of))
        is_large = any(problem.status == 413 for problem in refusal.problems)
        self.answer = Answer(
            body=body,
            media_type=self.media_type or JSON,
            code=int(refusal.code),
            refusal="; ".join(problem.detail for problem in refusal.problems),
            is_dead=is_large or refusal.code in (Code.MALFORMED, Code.INTERNAL),
            is_to_wait=refusal.code == Code.UNAVAILABLE,
        )

    def _decoded(self, body: bytes, charset: str) -> tuple[dict[str, Any], Callable[..., Reading]]:
        """The request's fields, and what reads them."""
        if self.media_type == XML:
            root = read_root(body, content_type=f"{XML}; charset={charset}" if charset else "")
            self._check_method(root)
            data: Any = xml.plain(root)
        else:
            self._check_method(None)
            data = decode_json(as_utf_8(body, charset))
            if self.media_type == JSON_API:
                document = Document(data)
                self.pointer_of = document.pointer
                return document.plain, document.read
        return data if isinstance(data, dict) else {}, partial(request.read, data)

    def _check_method(self, root: Any) -> None:
        named = self.delivery.header(_METHOD)
        by_root = _METHODS.get(xml.local(root)) if root is not None else None
        if root is not None and by_root is None:
            raise refuse(Code.MALFORMED, f"the root must be {' or '.join(_METHODS)}")
        if named and named not in _ROOTS:
            raise refuse(Code.MALFORMED, f"must be {' or '.join(_ROOTS)}", _METHOD, parameter=True)
        if named and by_root and named != by_root:
            raise refuse(Code.MALFORMED, f"{_METHOD} names another method than the root of the body")
        self.method = named or by_root or SEND

    def _caller(self, data: dict[str, Any]) -> Caller:
        """Who calls: the client proved by its key, the user recorded as named; raises 2000, 2002 and 2003."""
        client = known_client(self._said(data, _KEY, "clientHashKey"), field=_KEY)
        client.admit(None)
        user_name = self._said(data, _USER, "userName")
        if len(user_name) > _LONGEST_NAME or not user_name.isprintable():
            raise refuse(Code.CLIENT, f"must be at most {_LONGEST_NAME} printable characters", _USER, parameter=True)
        caller = client.caller_for(user_name)
        note_caller(caller)
        return caller

    def _said(self, data: dict[str, Any], header: str, name: str) -> str:
        """What the header and the body say, which must be the same."""
        meta = data.get("requestMeta")
        values = [self.delivery.header(header), data.get(name), meta.get(name) if isinstance(meta, dict) else None]
        found = {value.strip() for value in values if isinstance(value, str)} - {""}
        if len(found) > 1:
            raise refuse(Code.CLIENT, f"{name} and {header} say different things", header, parameter=True)
        return found.pop() if found else ""
