"""Calling the door of schedules as its clients do: Basic credentials, JSON, whatever they call it."""

import json
from base64 import b64encode
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from gateway.caller import Caller
from gateway.lookup import caller_of
from gateway.models import ApiClient
from jobs.models import Job
from schedules.models import Firing, Schedule
from schedules.models.schedule import site_zone
from sending.models import Message, Push
from tests.factories import make_client

LETTER = {
    "recipientName": "Jane Doe",
    "recipientEmailAddress": "jane@example.com",
    "mailSubject": "Your policy",
    "mailBody": "It is renewed.",
}
PUSH = {
    "from": "push",
    "to": {"registration_id": ["1a0018970ab49abda3e"]},
    "body": {"platform": "web", "notification": {"web": {"alert": "Hello", "title": "Hammy"}}},
}


def at(moment: datetime) -> str:
    """A time of the contract, on the site's clock."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def single(moment: datetime, zone_type: int = 1) -> dict[str, Any]:
    return {"single": {"time": at(moment), "zone_type": zone_type}}


def body(moment: datetime, **overrides: Any) -> dict[str, Any]:
    """A letter at a time, or whatever takes its place."""
    values = {"name": "renewal", "enabled": True, "trigger": single(moment), "push": {"send": LETTER}}
    return {name: value for name, value in (values | overrides).items() if value is not ...}


class V4:
    """A client with the rights that schedules need."""

    def __init__(self, **overrides: Any) -> None:
        self.client: ApiClient
        values = {"rights": ["schedules", "send", "jobs.run", "jobs.read"]} | overrides
        self.client, self.keys = make_client(**values)
        self.authorization = basic(self.keys.access_id, self.keys.secret)

    @property
    def caller(self) -> Caller:
        return caller_of(self.client)

    def call(self, method: str, path: str = "/v4/schedules", data: Any = None, **headers: str) -> Any:
        """``data`` as JSON, or bytes as they are."""
        content = data if isinstance(data, bytes) else b"" if data is None else json.dumps(data).encode()
        named = {"Authorization": self.authorization} | {key.replace("_", "-"): value for key, value in headers.items()}
        kind = named.pop("Content-Type", "application/json")
        return Client().generic(method, path, content, content_type=kind, headers=named)

    def create(self, moment: datetime, **overrides: Any) -> Schedule:
        answer = self.call("POST", data=body(moment, **overrides))
        assert answer.status_code == 200, answer.content
        return Schedule.objects.get(uuid=answer.json()["schedule_id"])


def basic(access_id: str, secret: str) -> str:
    return "Basic " + b64encode(f"{access_id}:{secret}".encode()).decode()


def error(answer: Any) -> tuple[int, int, str]:
    """HTTP status, code and message of a refusal, which has nothing else."""
    document = answer.json()
    assert list(document) == ["error"], document
    assert list(document["error"]) == ["code", "message"], document
    return answer.status_code, document["error"]["code"], document["error"]["message"]


def soon(seconds: float = 60) -> datetime:
    """A whole second to come, on the site's clock."""
    return (datetime.now() + timedelta(seconds=seconds)).replace(microsecond=0)


def rows() -> tuple[list[Any], int, int, int, int]:
    """All that a call could leave: schedules as they are, and how many firings, jobs, messages and pushes."""
    return (
        list(Schedule.objects.order_by("id").values()),
        Firing.objects.count(),
        Job.objects.count(),
        Message.objects.count(),
        Push.objects.count(),
    )


def freeze(monkeypatch: pytest.MonkeyPatch, slot: str) -> None:
    """The site's clock stands at a local time."""
    moment = datetime.fromisoformat(slot).replace(tzinfo=site_zone())
    monkeypatch.setattr(timezone, "now", lambda: moment)
