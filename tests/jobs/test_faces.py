"""The same command over REST, SOAP, console and command line leaves the same rows and events."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from jobs.models import Job, JobEvent, Trigger
from jobs.states import FINAL, Status
from tests.console import client_of, plain_pages  # noqa: F401
from tests.jobs.console import TRIGGERS, operate
from tests.jobs.job_v1_calls import Caller

pytestmark = pytest.mark.django_db

_VERBS = {"CANCELLED": "cancel", "NEW": "again", "FINISHED": "finish", "FAILED": "fail"}
# Who asked is another at each face; all else is the same.
_OWN = {"id", "uuid", "client_id", "user_name", "created_at", "updated_at", "started_at", "finished_at", "due_at"}


class _Rest:
    def __init__(self) -> None:
        self.caller = Caller(rights=["jobs.read", "jobs.run", "see_all"])

    def trigger(self, trigger: Trigger, legs: list[str], params: dict[str, str]) -> None:
        pairs = [{"key": key, "value": value} for key, value in params.items()]
        answer = self.caller.post("/jobs", {"jobName": trigger.name, "legIds": legs, "params": pairs})
        assert answer.status_code == 200, answer.content

    def set_status(self, jobs: list[Job], status: str) -> None:
        answer = self.caller.put("/jobs", {"jobStatus": status, "jobId": [str(job.pk) for job in jobs]})
        assert answer.status_code == 200, answer.content


class _Soap:
    def __init__(self) -> None:
        self.caller = Caller(rights=["jobs.read", "jobs.run", "see_all"])

    def trigger(self, trigger: Trigger, legs: list[str], params: dict[str, str]) -> None:
        pairs = "".join(f"<param><key>{key}</key><value>{value}</value></param>" for key, value in params.items())
        named = "".join(f"<legId>{leg}</legId>" for leg in legs)
        fields = f"<jobName>{trigger.name}</jobName><legIds>{named}</legIds><params>{pairs}</params>"
        assert b"<code>0</code>" in self.caller.soap("triggerJob", fields).content

    def set_status(self, jobs: list[Job], status: str) -> None:
        named = "".join(f"<uuids>{job.uuid}</uuids>" for job in jobs)
        answer = self.caller.soap("setJobStatus", f"{named}<jobStatus>{status}</jobStatus>")
        assert b"<code>0</code>" in answer.content


class _Console:
    def __init__(self) -> None:
        self.client = client_of("Operator")

    def trigger(self, trigger: Trigger, legs: list[str], params: dict[str, str]) -> None:
        data: dict[str, Any] = {f"param-{key}": value for key, value in params.items()}
        answer = self.client.post(f"{TRIGGERS}{trigger.pk}/start/", data | {"legs": legs, "reason": "because"})
        assert answer.status_code == 302

    def set_status(self, jobs: list[Job], status: str) -> None:
        assert operate(self.client, _VERBS[status], *jobs).status_code == 302


class _Command:
    def trigger(self, trigger: Trigger, legs: list[str], params: dict[str, str]) -> None:
        given = [f"--param={key}={value}" for key, value in params.items()]
        call_command("trigger_job", trigger.name, *given, *(f"--leg={leg}" for leg in legs))

    def set_status(self, jobs: list[Job], status: str) -> None:
        call_command("set_job_status", status, *(str(job.pk) for job in jobs))


_FACES: list[Callable[[], Any]] = [_Rest, _Soap, _Console, _Command]


def _rows() -> list[dict[str, Any]]:
    columns = [field.attname for field in Job._meta.concrete_fields if field.attname not in _OWN]
    return [
        {
            **row,
            # A reason was given at the console alone, which asks for one.
            "reason": row["reason"].removesuffix(": because").removesuffix("because"),
            "finished": job.finished_at is not None,
            "started": job.started_at is not None,
            "events": list(JobEvent.objects.filter(job=job).order_by("id").values_list("name", flat=True)),
        }
        for job, row in zip(Job.objects.order_by("id"), Job.objects.order_by("id").values(*columns), strict=True)
    ]


class TestEveryFace:
    @pytest.mark.parametrize("name", ["Count", "Legs"])
    def test_triggers_alike(self, name: str) -> None:
        params = [["STEPS", "1"], ["SECONDS", "0"]] if name == "Count" else []
        legs = ["north", "south", "west"] if name == "Legs" else []
        trigger = Trigger.objects.create(name=name, job_class=f"tests.{name}", params=params, legs=legs)
        for face in _FACES:
            face().trigger(trigger, legs[:2], {"STEPS": "5", "SECONDS": "0"} if name == "Count" else {})
        expected = [["STEPS", "5"], ["SECONDS", "0"]] if name == "Count" else [["legIds", "north,south"]]
        rest, *others = _rows()
        assert (rest["params"], rest["events"], rest["trigger_id"]) == (expected, ["CREATED"], trigger.pk)
        assert others == [rest] * 3

    @pytest.mark.parametrize(
        ("before", "after"),
        [("NEW", "CANCELLED"), ("CANCELLED", "NEW"), ("FAILED", "NEW"), ("FAILED", "FINISHED"), ("RUNNING", "FAILED")],
    )
    def test_sets_states_alike(self, before: str, after: str) -> None:
        now = timezone.now()
        for face in _FACES:
            jobs = [
                Job.objects.create(
                    job_class="tests.Nothing",
                    status=before,
                    started_at=None if before == "NEW" else now,
                    finished_at=now if Status(before) in FINAL else None,
                )
                for _ in range(2)
            ]
            face().set_status(jobs, after)
        rest, *others = _rows()
        assert (rest["status"], rest["events"]) == (after, ["RETRIED" if after == "NEW" else after])
        assert others == [rest] * 7
