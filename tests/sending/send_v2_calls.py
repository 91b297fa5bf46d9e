"""Calling the Send V2 door over REST as a client would."""

import json
from html import escape
from pathlib import Path
from typing import Any

from django.core.files.storage import default_storage
from django.test import Client

from sending.models import Attachment, Blob, Message, MessageEvent
from tests.factories import headers_for, make_client
from tests.soap import ENVELOPE

JSON = "application/json"
JSON_API = "application/vnd.api+json"
BASE = "/hammy/json/send"
WS = "/hammy/ws/send/v2"
API = "http://send.api.hammy.dbx.hu/"

LETTER = {
    "recipientName": "Teszt Elek",
    "recipientEmailAddress": "elek@example.com",
    "mailSubject": "Teszt levél tárgy",
    "mailBody": "Teszt levél szöveg",
}


class Caller:
    """A client with the right to send and no user token, over HTTP."""

    def __init__(self, **overrides: Any) -> None:
        self.client, self.keys = make_client(**{"needs_user_token": False, "rights": ["send"]} | overrides)
        self.headers = headers_for(self.keys)

    def post(self, path: str, data: Any, *, content_type: str = JSON, **headers: str) -> Any:
        body = data if isinstance(data, bytes | str) else json.dumps(data)
        return Client().post(
            BASE + path,
            body,
            content_type=content_type,
            headers=self.headers | {n.replace("_", "-"): v for n, v in headers.items()},
        )

    def get(self, path: str, query: Any = None) -> Any:
        return Client().get(BASE + path, query, headers=self.headers)

    def send(self, **members: Any) -> Any:
        return self.post("/v2/send", LETTER | members)

    def soap(self, operation: str, fields: str = "") -> Any:
        """One call with its children as XML text, the client named as in the samples."""
        return post_soap(envelope(operation, f"<clientHashKey>{self.keys.client_hash_key}</clientHashKey>{fields}"))

    def sent(self, **members: Any) -> Message:
        """A letter that was taken, as its row."""
        answer = self.send(**members)
        assert answer.status_code == 200, answer.content
        return Message.objects.get(pk=answer.json()["messageId"])


def envelope(operation: str, children: str) -> str:
    return (
        f'<soapenv:Envelope xmlns:soapenv="{ENVELOPE}" xmlns:send="{API}"><soapenv:Header/><soapenv:Body>'
        f"<send:{operation}><request>{children}</request></send:{operation}></soapenv:Body></soapenv:Envelope>"
    )


def post_soap(body: bytes | str, *, content_type: str = "text/xml; charset=utf-8", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Client().generic("POST", WS, body, content_type=content_type, headers=named)


def elements(**members: Any) -> str:
    """LETTER as elements."""
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in (LETTER | members).items())


def document(**attributes: Any) -> dict[str, Any]:
    """LETTER as JSON:API."""
    return {"data": {"type": "sendRequests", "id": "x", "attributes": LETTER | attributes}}


def problems(response: Any) -> list[tuple[int, str]]:
    """Code and sentence of each problem of a refusal."""
    errors = response.json()["errors"]
    assert [error["detail"] for error in errors] == response.json()["meta"]["responseStatus"]["messages"]
    assert int(errors[0]["code"]) == response.json()["meta"]["responseStatus"]["code"]
    assert int(errors[0]["status"]) == response.status_code
    return [(int(error["code"]), error["detail"]) for error in errors]


def keep_files_in(folder: Path, settings: Any) -> None:
    """A storage of this test's own, so that it can say which files there are."""
    default = settings.STORAGES["default"] | {"OPTIONS": {"location": str(folder)}}
    settings.STORAGES = settings.STORAGES | {"default": default}


def files(folder: str = "") -> list[str]:
    """Every file in the storage."""
    if not default_storage.exists(folder or "."):
        return []
    folders, names = default_storage.listdir(folder or ".")
    below = [path for name in folders for path in files(f"{folder}/{name}".lstrip("/"))]
    return [f"{folder}/{name}".lstrip("/") for name in names] + below


def nothing_happened() -> bool:
    """No row and no file."""
    return not any(model.objects.exists() for model in (Message, MessageEvent, Attachment, Blob)) and not files()
