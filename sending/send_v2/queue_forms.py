"""How a queue's message speaks: JSON, JSON:API or XML, in which it is read and answered (contract send_v2, "AMQP")."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from gateway import envelope, soap_writing
from gateway.amqp.delivery import UNREADABLE, Delivery
from gateway.amqp.payload import as_utf_8, media_type_of, opened
from gateway.answers import JSON, JSON_API, json_bytes
from gateway.body import decode_json
from gateway.errors import Code, Problem, Refusal, refuse
from gateway.incoming import Incoming
from gateway.xml_reading import local, read_document
from sending.send_v2 import answer, request, resend_request, resends
from sending.send_v2.json_api import Document
from sending.send_v2.xml import SHAPE, Elements

XML = "application/xml"
SEND, RESEND = "Send_V2_Send", "Send_V2_Resend"
_MEDIA_TYPES = {JSON: JSON, JSON_API: JSON_API, XML: XML, "text/xml": XML}
_METHODS = {"sendMailRequest": SEND, "resendMailRequest": RESEND}
_ROOTS = {SEND: "sendMailResponse", RESEND: "resendMailResponse"}
_METHOD = "X-Method-Name"


class Form:
    """The form of one message, and of what it is answered: what is wrong, in the same form where it has one, else as
    JSON. ``fields`` are the request's, ``read`` makes a Reading of them or, for a resend, a Resending."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._known = _MEDIA_TYPES.get(media_type_of(delivery), "")
        self._named = delivery.header(_METHOD)
        self._pointer_of: Callable[[Problem], str] = envelope.pointer
        self.method = self._named if self._named in _ROOTS else SEND
        self.fields: dict[str, Any] = {}
        self.read: Callable[..., Any] = request.read

    @property
    def media_type(self) -> str:
        return self._known or JSON

    def decode(self, incoming: Incoming) -> None:
        """Decode the body; raises Refusal with what is wrong with it, its properties or its headers."""
        if unreadable := self._delivery.headers.get(UNREADABLE):
            raise refuse(Code.MALFORMED, f"the message cannot be read: {unreadable}")
        if not self._known:
            sentence = f"must be {XML}, {JSON} or {JSON_API}"
            raise refuse(Code.MALFORMED, sentence, "content_type", parameter=True, status=415)
        if self._named and self._named not in _ROOTS:
            raise refuse(Code.MALFORMED, f"must be {' or '.join(_ROOTS)}", _METHOD, parameter=True)
        body, charset = opened(self._delivery)
        if self._known == XML:
            self._decode_xml(body, charset, incoming)
        else:
            self._decode_json(decode_json(as_utf_8(body, charset)))

    def accepted(self, message_id: int, params: Iterable[tuple[str, str]]) -> bytes:
        """The answer to what was done."""
        if self._known == XML:
            return soap_writing.document(_ROOTS[self.method], answer.accepted_xml(message_id, params))
        if self._known == JSON_API:
            return json_bytes(answer.accepted_json_api(message_id, params, has_total=False))
        return json_bytes(answer.accepted(message_id, params))

    def refused(self, refusal: Refusal) -> bytes:
        """The answer to what was not."""
        if self._known == XML:
            return soap_writing.document(_ROOTS[self.method], answer.refused_xml(refusal))
        return json_bytes(envelope.failure(refusal, self._pointer_of))

    def _decode_xml(self, body: bytes, charset: str, incoming: Incoming) -> None:
        content_type = f"{XML}; charset={charset}" if charset else ""
        document = read_document(body, content_type=content_type, shape=SHAPE)
        method = _METHODS.get(local(document.root))
        if method is None:
            raise refuse(Code.MALFORMED, f"the root of the body must be {' or '.join(_METHODS)}")
        if self._named and self._named != method:
            sentence = f"names another method than the root of the body, {local(document.root)}"
            raise refuse(Code.MALFORMED, sentence, _METHOD, parameter=True)
        self.method = method
        fields = document.plain(document.root)
        elements = Elements(fields if isinstance(fields, dict) else {}, incoming)
        self.fields = elements.plain
        self.read = elements.read_resend if method == RESEND else elements.read

    def _decode_json(self, data: Any) -> None:
        if self.method == RESEND:
            if self._known == JSON_API:
                self._pointer_of = resends.pointer_of
                data = resends.attributes_of(data)
            self.read = partial(resend_request.read, data)
        elif self._known == JSON_API:
            sent = Document(data)
            self._pointer_of = sent.pointer
            data, self.read = sent.plain, sent.read
        else:
            self.read = partial(request.read, data)
        self.fields = data if isinstance(data, dict) else {}
