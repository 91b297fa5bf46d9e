"""Calling the doors of campaigns as a client would."""

import json
from typing import Any

from django.test import Client

from campaigns.models import Campaign, CampaignPart, InvalidLine, LegRun, Recipient, RecipientGroup
from gateway.caller import Caller as CoreCaller
from gateway.lookup import caller_of
from jobs.models import Job
from sending.models import Message
from tests.factories import headers_for, make_client
from tests.jobs.job_v1_calls import problems
from tests.multiparts import NAME, a_body, a_part

__all__ = ["problems"]

JSON = "application/json"
JSON_API = "application/vnd.api+json"
RECIPIENT = "/hammy/json/recipient/v1"
CAMPAIGN = "/hammy/json/campaign/v1"
MULTIPART = "multipart/form-data; boundary=X"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


class Caller:
    """A client with the rights to run campaigns and no user token, over HTTP."""

    def __init__(self, **overrides: Any) -> None:
        values = {"needs_user_token": False, "rights": ["campaigns", "send"]}
        self.client, self.keys = make_client(**values | overrides)
        self.headers = headers_for(self.keys)

    @property
    def core(self) -> CoreCaller:
        """As the services know it."""
        return caller_of(self.client)

    def call(self, method: str, path: str, data: Any = b"", *, content_type: str = JSON) -> Any:
        body = data if isinstance(data, bytes | str) else json.dumps(data)
        return Client().generic(method, path, body, content_type=content_type, headers=self.headers)

    def get(self, path: str, query: Any = None) -> Any:
        return Client().get(path, query, headers=self.headers)

    def post(self, path: str, data: Any = b"", *, content_type: str = JSON) -> Any:
        return self.call("POST", path, data, content_type=content_type)

    def patch(self, path: str, data: Any) -> Any:
        return self.call("PATCH", path, data)

    def upload(self, content: bytes, *, file_name: str = "people.csv", query: str = "", **fields: str) -> Any:
        """An import with its settings as simple fields."""
        parts = [a_part(f'{NAME}"file"; filename="{file_name}"\r\nContent-Type: text/csv', content)]
        parts += [a_part(f'{NAME}"{name}"', value.encode()) for name, value in fields.items()]
        return self.post(f"{RECIPIENT}/imports{query}", a_body(*parts), content_type=MULTIPART)


def document(kind: str, **attributes: Any) -> dict[str, Any]:
    """A JSON:API document."""
    return {"data": {"type": kind, "attributes": attributes}}


def read(response: Any) -> Any:
    """The data of an answer that is none of failure."""
    assert (response.status_code, response["Content-Type"]) == (200, JSON_API), response.content
    return response.json()["data"]


def streamed(response: Any) -> list[str]:
    """The lines of a file."""
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content).decode().splitlines()


def rows() -> list[Any]:
    """Everything that campaigns consist of, and what they make, to be compared before and after."""
    models = (RecipientGroup, Recipient, Campaign, CampaignPart, LegRun, InvalidLine, Job, Message)
    return [list(model.objects.order_by("pk").values()) for model in models]
