"""The letters and requests that are measured with: always the same, about 600 bytes of content, or mails of 2 KB."""

import json
from typing import Any

from benchmarks.load import Shot

SEND = "/hammy/json/send/v2/send"
SOAP = "/hammy/ws/send/v2"
BATCHES = "/hammy/json/send/v2/batches"
# Becomes a number of its own in each request.
NUMBER = "@@@@@@@@@@"
_SENTENCE = "Dear Customer, we thank you for your order and tell you that it is on its way to you. "


def short_letter(number: str = NUMBER) -> dict[str, Any]:
    """A letter of about 600 bytes in JSON."""
    return letter(number, (_SENTENCE * 4)[:330])


def mail(number: str = NUMBER) -> dict[str, Any]:
    """A letter whose mail is about 2 KB."""
    return letter(number, body_of(1500))


def body_of(size: int) -> str:
    """Text of ``size`` characters in lines."""
    return "\n".join([_SENTENCE.strip()] * (size // len(_SENTENCE) + 1))[:size]


def letter(number: str, body: str) -> dict[str, Any]:
    """A letter by e-mail under a request id of its own."""
    return {
        "requestId": f"request-{number}",
        "batchId": "batch-2026-11",
        "partnerRef": f"partner-{number}",
        "channel": "EMAIL",
        "mailSubject": f"Your order {number}",
        "mailBody": body,
        "recipientName": "Kovács Ágnes",
        "recipientEmailAddress": f"customer{number}@example.com",
    }


def plain(headers: dict[str, str], content: dict[str, Any] | None = None) -> Shot:
    """One send as plain JSON."""
    return shot(SEND, content or short_letter(), "application/json", headers)


def json_api(headers: dict[str, str]) -> Shot:
    """One send as JSON:API."""
    document = {"data": {"type": "sendRequests", "attributes": short_letter()}}
    return shot(SEND, document, "application/vnd.api+json", headers)


def soap(headers: dict[str, str]) -> Shot:
    """One sendMail; the client is named in its body."""
    members = {"clientHashKey": headers["X-Client-Hash-Key"], **short_letter()}
    fields = "".join(f"<{name}>{value}</{name}>" for name, value in members.items())
    body = (
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:send="http://send.api.hammy.dbx.hu/"><soapenv:Header/><soapenv:Body>'
        f"<send:sendMail><request>{fields}</request></send:sendMail></soapenv:Body></soapenv:Envelope>"
    )
    named = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
    return Shot(path=SOAP, body=body.encode(), headers=named)


def batch(headers: dict[str, str], size: int, *, content: Any = short_letter) -> Shot:
    """A bulk of ``size`` letters; four more digits tell them apart within it."""
    letters = [content(f"{NUMBER}{index:04d}") for index in range(size)]
    return shot(BATCHES, {"messages": letters}, "application/json", headers)


def peer(path: str) -> Shot:
    """What the bare JSON:API peer is asked: the same letter as the attributes of a note."""
    document = {"data": {"type": "Note", "attributes": {"title": f"note {NUMBER}", "content": short_letter()}}}
    return shot(path, document, "application/vnd.api+json", {})


def shot(path: str, document: Any, media_type: str, headers: dict[str, str]) -> Shot:
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return Shot(path=path, body=body, headers={**headers, "Content-Type": media_type})
