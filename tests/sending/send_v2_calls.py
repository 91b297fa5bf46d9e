"""Calling the Send V2 door over REST as a client would."""

import json
from pathlib import Path
from typing import Any

from django.core.files.storage import default_storage
from django.test import Client

from sending.models import Attachment, Blob, Message, MessageEvent
from tests.factories import headers_for, make_client

JSON = "application/json"
JSON_API = "application/vnd.api+json"
BASE = "/hammy/json/send"

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

    def sent(self, **members: Any) -> Message:
        """A letter that was taken, as its row."""
        answer = self.send(**members)
        assert answer.status_code == 200, answer.content
        return Message.objects.get(pk=answer.json()["messageId"])


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
