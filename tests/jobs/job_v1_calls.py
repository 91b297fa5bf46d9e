"""Calling the Job V1 door as a client would, and rows to find there."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.db import connection
from django.test import Client

from jobs.models import Job, JobEvent, JobLogLine, Trigger
from jobs.states import FINAL, Status
from tests.factories import headers_for, make_client
from tests.soap import ENVELOPE, fault, soap_status

__all__ = ["fault", "soap_status"]

JSON = "application/json"
JSON_API = "application/vnd.api+json"
BASE = "/hammy/json/job/v1"
WS = "/hammy/ws/job/v1"
API = "http://chaingun.dbx.hu/api/job/v1"
_numbers = count(1)
_START = datetime(2025, 2, 10, 12, tzinfo=UTC)


class Caller:
    """A client with the rights to read and run jobs and no user token, over HTTP."""

    def __init__(self, **overrides: Any) -> None:
        values = {"needs_user_token": False, "rights": ["jobs.read", "jobs.run"]}
        self.client, self.keys = make_client(**values | overrides)
        self.headers = headers_for(self.keys)

    def get(self, path: str, query: Any = None) -> Any:
        return Client().get(BASE + path, query, headers=self.headers)

    def post(self, path: str, data: Any = b"", *, content_type: str = JSON) -> Any:
        return self._send("POST", path, data, content_type)

    def put(self, path: str, data: Any, *, content_type: str = JSON) -> Any:
        return self._send("PUT", path, data, content_type)

    def _send(self, method: str, path: str, data: Any, content_type: str) -> Any:
        body = data if isinstance(data, bytes | str) else json.dumps(data)
        return Client().generic(method, BASE + path, body, content_type=content_type, headers=self.headers)

    def soap(self, operation: str, fields: str = "", *, key: str = "") -> Any:
        """One call with its children as XML text, the client named in requestMeta."""
        meta = f"<requestMeta><clientHashKey>{key or self.keys.client_hash_key}</clientHashKey></requestMeta>"
        return post_soap(envelope(operation, meta + fields))

    def make_job(self, **overrides: Any) -> Job:
        return make_job(client=self.client, **overrides)


def envelope(operation: str, children: str) -> str:
    return (
        f'<soapenv:Envelope xmlns:soapenv="{ENVELOPE}" xmlns:v1="{API}"><soapenv:Header/><soapenv:Body>'
        f"<v1:{operation}><request>{children}</request></v1:{operation}></soapenv:Body></soapenv:Envelope>"
    )


def post_soap(body: bytes | str, *, content_type: str = "text/xml; charset=utf-8", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Client().generic("POST", WS, body, content_type=content_type, headers=named)


def make_job(**overrides: Any) -> Job:
    """A job as if it had run; later ones were created later."""
    created_at = overrides.get("created_at", _START + timedelta(seconds=next(_numbers)))
    values: dict[str, Any] = {
        "job_class": "tests.Nothing",
        "status": Status.FINISHED,
        "created_at": created_at,
        "updated_at": created_at + timedelta(seconds=3),
    }
    status = overrides.get("status", values["status"])
    if status not in (Status.NEW, Status.CANCELLED):
        values["started_at"] = created_at + timedelta(seconds=1)
    if status in FINAL:
        values["finished_at"] = created_at + timedelta(seconds=2)
    return Job.objects.create(**values | overrides)


def make_child(parent: Job, **overrides: Any) -> Job:
    return make_job(client=parent.client, parent=parent, root_id=parent.root_id or parent.pk, **overrides)


def make_trigger(name: str = "campaignJob", **overrides: Any) -> Trigger:
    """A trigger of the tests' own, in the place of one of that name that the site brings."""
    trigger, _ = Trigger.objects.update_or_create(name=name, defaults={"job_class": "tests.Nothing"} | overrides)
    return trigger


def problems(response: Any) -> list[tuple[int, str]]:
    """Code and sentence of each problem of a refusal over REST."""
    errors = response.json()["errors"]
    assert [error["detail"] for error in errors] == response.json()["meta"]["responseStatus"]["messages"]
    assert int(errors[0]["code"]) == response.json()["meta"]["responseStatus"]["code"]
    assert int(errors[0]["status"]) == response.status_code
    return [(int(error["code"]), error["detail"]) for error in errors]


def rows() -> list[Any]:
    """Everything that jobs consist of, to be compared before and after."""
    return [list(model.objects.order_by("pk").values()) for model in (Job, JobEvent, JobLogLine)]


def number_jobs_from(number: int) -> None:
    """Have the next job get this number, for samples that show it."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT setval(pg_get_serial_sequence('jobs_job', 'id'), %s, false)", [number])
        else:
            cursor.execute("INSERT OR REPLACE INTO sqlite_sequence (name, seq) VALUES ('jobs_job', %s)", [number - 1])
