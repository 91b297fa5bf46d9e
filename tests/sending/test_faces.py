"""The same letter over every face leaves the same rows and makes the same mail, byte for byte but for ids and dates.

A face is a row of FACES: how it sends a letter, how it sends one again, and what answers it.
"""

import json
import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from django.utils import timezone

from gateway.amqp.delivery import Delivery
from sending import blobs, parcels
from sending.channels import channel
from sending.models import Attachment, Message, MessageEvent
from sending.send_v2 import amqp
from tests.sending.factories import make_template
from tests.sending.send_v2_calls import JSON_API, Caller, keep_files_in, post_soap
from tests.sending.send_v2_calls import envelope as soap_envelope

pytestmark = pytest.mark.django_db

DATE = datetime(2026, 11, 28, 12, 30, tzinfo=UTC)
LONG = bytes(range(256)) * 1000
# What no two messages share, whoever sent them.
_OWN = {"id", "uuid", "created_at", "updated_at", "due_at", "closed_at", "related_message_id", "digest"}


@dataclass(frozen=True)
class Face:
    """``send`` a letter given as plain JSON says it, ``resend`` a message by its number; both give the new number."""

    send: Callable[[Caller, dict[str, Any]], int]
    resend: Callable[[Caller, int], int]


def send_json(api: Caller, letter: dict[str, Any]) -> int:
    return number(api.post("/v2/send", letter))


def send_json_api(api: Caller, letter: dict[str, Any]) -> int:
    return number(api.post("/v2/send", as_document(letter), content_type=JSON_API))


def as_document(letter: dict[str, Any]) -> dict[str, Any]:
    """A letter's members as JSON:API."""
    included: list[dict[str, Any]] = []

    def include(kind: str, members: dict[str, Any]) -> dict[str, str]:
        properties = members.pop("properties", [])
        reference = {"type": kind, "id": str(len(included) + 1)}
        included.append({**reference, "attributes": members})
        if properties:
            included[int(reference["id"]) - 1]["relationships"] = {
                "properties": {"data": [include("properties", dict(one)) for one in properties]}
            }
        return reference

    attributes = dict(letter)
    relationships = {
        kind: {"data": [include(kind, dict(one)) for one in attributes.pop(kind, [])]}
        for kind in ("properties", "attachments")
    }
    data = {"type": "sendRequests", "attributes": attributes, "relationships": relationships}
    return {"data": data, "included": included}


def send_soap(api: Caller, letter: dict[str, Any], *, is_nested: bool = False) -> int:
    key = {"clientHashKey": api.keys.client_hash_key}
    return number(post_soap(soap_envelope("sendMail", as_xml({**key, **letter}, is_nested=is_nested))))


def send_soap_nested(api: Caller, letter: dict[str, Any]) -> int:
    return send_soap(api, letter, is_nested=True)


def as_xml(members: dict[str, Any], *, is_nested: bool = False) -> str:
    """A letter's members as elements, lists in their wrappers; ``is_nested``: xmlData as elements, else as text."""
    wrappers = {"attachments": "attachment", "properties": "property", "params": "param"}

    def content(name: str, value: Any) -> str:
        if isinstance(value, list):
            return "".join(f"<{wrappers[name]}>{as_xml(one)}</{wrappers[name]}>" for one in value)
        if isinstance(value, bool):
            return str(value).lower()
        return str(value) if name == "xmlData" and is_nested else escape(str(value))

    return "".join(f"<{name}>{content(name, value)}</{name}>" for name, value in members.items())


def resend_json(api: Caller, message_id: int) -> int:
    return number(api.post("/v2/resend", {"messageId": message_id}))


def resend_json_api(api: Caller, message_id: int) -> int:
    data = {"type": "resendRequests", "attributes": {"messageId": str(message_id)}}
    return number(api.post("/v2/resend", {"data": data}, content_type=JSON_API))


def resend_soap(api: Caller, message_id: int) -> int:
    return number(api.soap("resendMail", f"<messageId>{message_id}</messageId>"))


def by_queue(api: Caller, body: Any, content_type: str, method: str = "Send") -> int:
    """One message of a queue, which nothing but its letter tells from others."""
    headers = {"X-Client-Hash-Key": api.keys.client_hash_key, "X-Method-Name": f"Send_V2_{method}"}
    text = body if isinstance(body, str) else json.dumps(body)
    delivery = Delivery(tag=1, body=text.encode(), properties={"content_type": content_type}, headers=headers)
    (answer,) = amqp.answers([delivery])
    assert answer.refusal == "", answer.refusal
    return int(re.findall(rb'(?:<messageId>|"messageId":|"id":")(\d+)', answer.body)[0])


def send_queue_json(api: Caller, letter: dict[str, Any]) -> int:
    return by_queue(api, letter, "application/json")


def send_queue_json_api(api: Caller, letter: dict[str, Any]) -> int:
    return by_queue(api, as_document(letter), JSON_API)


def send_queue_xml(api: Caller, letter: dict[str, Any]) -> int:
    return by_queue(api, f"<sendMailRequest>{as_xml(letter)}</sendMailRequest>", "application/xml")


def resend_queue_json(api: Caller, message_id: int) -> int:
    return by_queue(api, {"messageId": message_id}, "application/json", "Resend")


def resend_queue_json_api(api: Caller, message_id: int) -> int:
    data = {"type": "resendRequests", "attributes": {"messageId": str(message_id)}}
    return by_queue(api, {"data": data}, JSON_API, "Resend")


def resend_queue_xml(api: Caller, message_id: int) -> int:
    body = f"<resendMailRequest><messageId>{message_id}</messageId></resendMailRequest>"
    return by_queue(api, body, "application/xml", "Resend")


def number(answer: Any) -> int:
    """The number that an answer tells, in whatever form."""
    assert answer.status_code == 200, answer.content
    if answer["Content-Type"].startswith("text/xml"):
        assert b"<code>0</code>" in answer.content, answer.content
        return int(answer.content.partition(b"<messageId>")[2].partition(b"<")[0])
    given = answer.json()
    return int(given["messageId"] if "messageId" in given else given["data"]["id"])


FACES = {
    "REST, plain JSON": Face(send_json, resend_json),
    "REST, JSON:API": Face(send_json_api, resend_json_api),
    "SOAP, XML data as text": Face(send_soap, resend_soap),
    "SOAP, XML data nested": Face(send_soap_nested, resend_soap),
    "AMQP, plain JSON": Face(send_queue_json, resend_queue_json),
    "AMQP, JSON:API": Face(send_queue_json_api, resend_queue_json_api),
    "AMQP, XML": Face(send_queue_xml, resend_queue_xml),
}


@pytest.fixture
def api(settings: Any, tmp_path: Path) -> Caller:
    keep_files_in(tmp_path / "kept", settings)
    settings.HAMMY_INCOMING = tmp_path / "incoming"
    return Caller()


def own_words() -> dict[str, Any]:
    """A letter that says whatever a letter can say itself."""
    inline = {"key": "ATTACHMENT_SOURCE", "value": "INLINE"}
    return {
        "batchId": "b <&> é", "partnerRef": "p", "mailSubject": "Tárgy: “ő” <&>", "mailBody": "Szöveg\n\n<&>\n.\n",
        "mailHtmlBody": "<p>Szöveg &amp; <b>é</b></p>", "recipientEmailAddress": "elek@example.com",
        "recipientName": "Teszt Elek", "recipientEmailAddressCC": "c@example.com; d@example.com",
        "bccAddress": "e@example.com", "replyToAddress": "r@example.com", "replyToName": "R",
        "fromAddress": "f@example.com", "fromName": "F Ő", "recipientPostalAddress": "1111 Budapest",
        "xmlData": '<DATA a="1"><no>7 &amp; 8</no></DATA>', "channel": "EMAIL", "replyEnvelopeAttached": True,
        "campaignPartId": 7, "letterType": "NORMAL",
        "properties": [{"key": "k", "value": "v <&>", "isMetaData": True}, {"key": "l", "value": "w"}],
        "attachments": [
            {"fileName": "űrlap.pdf", "content": b64encode(b"%PDF-1.4 minta").decode(), "documentType": "D",
             "objectType": "T", "objectRef": "9", "postableWithoutCertificate": True,
             "properties": [inline, {"key": "m", "value": "x", "isMetaData": True}]},
            {"fileName": "long.bin", "content": b64encode(LONG).decode(), "internalFileName": "inner.bin",
             "properties": [inline]},
        ],
    }  # fmt: skip


def of_a_template() -> dict[str, Any]:
    """One whose words come from a template, and from its data."""
    return {
        "messageType": "TEST.MAIL", "messageTypeVersion": 1, "recipientName": "Teszt Elek",
        "recipientEmailAddress": "elek@example.com", "properties": [{"key": "AZON", "value": "7"}],
        "xmlData": "<DATA><no>7</no><no>8</no></DATA>",
    }  # fmt: skip


def row(message_id: int) -> dict[str, Any]:
    """Everything that is stored of a message, less what is its own."""
    message = Message.objects.filter(pk=message_id).values()[0]
    attachments = Attachment.objects.filter(message_id=message_id).order_by("position")
    return {
        **{name: value for name, value in message.items() if name not in _OWN},
        "attachments": [
            {name: value for name, value in one.items() if name not in ("id", "message_id")}
            for one in attachments.values()
        ],
        "files": [blobs.read(one.blob_id) for one in attachments],
        "events": list(MessageEvent.objects.filter(message_id=message_id).values_list("name", "reason", "actor")),
    }


def mail(message_id: int) -> bytes:
    """The mail of a message as it would go out at one moment, its id masked."""
    message = Message.objects.get(pk=message_id)
    parcel = parcels.ready(message, Attachment.objects.filter(message=message).order_by("position"), channel("EMAIL"))
    raw = channel("EMAIL").raw(parcel, date=DATE)
    assert raw.count(str(message.uuid).encode()) > 0
    return raw.replace(str(message.uuid).encode(), b"ID").replace(message.uuid.hex.encode(), b"ID")


class TestEveryFace:
    @pytest.mark.parametrize("letter", [own_words, of_a_template])
    def test_leaves_the_same_rows_and_makes_the_same_mail(
        self, api: Caller, letter: Callable[[], dict[str, Any]]
    ) -> None:
        make_template(text='{{ properties["AZON"] }}: {% for no in xmlData.DATA.no | as_list %}{{ no }}{% endfor %}')
        numbers = [face.send(api, letter()) for face in FACES.values()]
        assert len(set(numbers)) == len(FACES)
        first, *others = (row(one) for one in numbers)
        assert others == [first] * len(others)
        assert len(first["attachments"]) == len(letter().get("attachments", []))
        first_mail, *mails = (mail(one) for one in numbers)
        assert mails == [first_mail] * len(mails)
        digests = Message.objects.values_list("digest", flat=True)
        assert len({bytes(digest) for digest in digests}) == 1

    def test_takes_the_same_request_once_whichever_it_comes_over(self, api: Caller) -> None:
        numbers = {face.send(api, {**own_words(), "requestId": "r"}) for face in FACES.values()}
        assert len(numbers) == Message.objects.count() == 1

    def test_sends_again_alike(self, api: Caller) -> None:
        first = send_json(api, own_words())
        Message.objects.update(status="SENT", closed_at=timezone.now(), due_at=None)
        numbers = [face.resend(api, first) for face in FACES.values()]
        again, *others = (row(one) for one in numbers)
        assert others == [again] * len(others)
        assert again["content"] == row(first)["content"] | {"related_message_id": first}
        assert {mail(one) for one in numbers} == {mail(first)}
