"""Calling the door of registrations as a client of the contract would, signed or by our headers."""

import re
from email.utils import formatdate
from typing import Any

from django.test import Client
from lxml import etree

from gateway.caller import Caller
from gateway.credentials.aws_v2 import SignedRequest, signature
from gateway.lookup import caller_of
from gateway.models import ApiClient
from notifications.models import Attempt, Delivery, Event, Registration, Target
from tests.factories import headers_for, make_client

PATH = "/_rest_/job_completed_notification_registration"
MEMBERS = [
    "CreationDate", "Format", "Id", "JobId", "LastFailure", "LastHttpResponseCode", "LastNotification",
    "NamingConvention", "NotificationEndPoint", "NotificationHttpMethod", "NumberOfFailuresSinceLastSuccess", "UserId",
]  # fmt: skip
_EXAMPLE = "notification_end_point=receiver.example"


class Ds3:
    """A client with the right ``notifications`` and no user token."""

    def __init__(self, **overrides: Any) -> None:
        self.client: ApiClient
        self.client, self.keys = make_client(**{"needs_user_token": False, "rights": ["notifications"]} | overrides)
        self.headers = headers_for(self.keys)

    @property
    def caller(self) -> Caller:
        return caller_of(self.client)

    @property
    def uuid(self) -> str:
        return str(self.client.uuid)

    def call(self, method: str, path: str = "", query: str = "", body: bytes = b"", **headers: str) -> Any:
        """By our headers; ``path`` is what follows the list's."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return call(method, PATH + path, query, body, **(self.headers | named))

    def signed(self, method: str, path: str = "", query: str = "", *, date: str = "", **headers: str) -> Any:
        """The same with a signature; ``headers`` are sent, and signed as the contract says."""
        named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        sent = {"date": date or formatdate()} | named
        request = SignedRequest(method=method, path=PATH + path, headers=sent)
        authorization = f"AWS {self.keys.access_id}:{signature(secret=self.keys.secret, request=request)}"
        return call(method, PATH + path, query, b"", **(sent | {"Authorization": authorization}))

    def create(self, query: str = _EXAMPLE) -> Registration:
        answer = self.call("POST", query=query)
        assert answer.status_code == 201, answer.content
        return Registration.objects.get(uuid=members(answer)["Id"])

    def ids(self, query: str = "") -> list[str]:
        answer = self.call("GET", query=query)
        assert answer.status_code == 200, answer.content
        return [one.findtext("Id") for one in etree.fromstring(answer.content)]


def call(method: str, path: str, query: str = "", body: bytes = b"", **headers: str) -> Any:
    """A request as it stands, with no credentials of its own."""
    target = f"{path}?{query}" if query else path
    return Client(raise_request_exception=False).generic(method, target, body, headers=headers)


def members(answer: Any) -> dict[str, str | None]:
    """The children of an XML answer's root, which must be written without white space."""
    assert answer["Content-Type"] == "text/xml", answer["Content-Type"]
    assert not answer.content.startswith(b"<?")
    assert not re.search(rb">\s|\s<", answer.content), answer.content
    assert not re.search(rb"<(\w+)></\1>", answer.content), answer.content
    root = etree.fromstring(answer.content)
    return {one.tag: one.text for one in root}


def error(answer: Any) -> tuple[int, str, str]:
    """HTTP status, code and message of the contract's document of an error."""
    told = members(answer)
    assert list(told) == ["Code", "HttpErrorCode", "Message", "Resource", "ResourceId"]
    assert told["HttpErrorCode"] == str(answer.status_code)
    assert (told["ResourceId"] or "").isdigit()
    assert "Traceback" not in answer.content.decode()
    return answer.status_code, told["Code"] or "", told["Message"] or ""


def rows() -> list[list[Any]]:
    """Everything that the door may leave behind, to be compared before and after."""
    return [list(model.objects.order_by("pk").values()) for model in (Registration, Target, Event, Delivery, Attempt)]
