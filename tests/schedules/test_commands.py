"""The operators' commands over schedules."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from gateway.dates import format_moment
from jobs.models import Job, Trigger
from schedules import services
from schedules.models import Firing, Schedule
from sending.models import Message
from tests.schedules.v4_calls import V4

pytestmark = pytest.mark.django_db
_WAIT = "jobs.management.waiting.time.sleep"


@pytest.fixture
def api() -> V4:
    return V4()


def _run(*arguments: Any) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def _due_in(api: V4, hours: float, **overrides: Any) -> Schedule:
    schedule = api.create(datetime.now() + timedelta(days=1), **overrides)
    Schedule.objects.filter(pk=schedule.pk).update(due_at=timezone.now() + timedelta(hours=hours))
    schedule.refresh_from_db()
    return schedule


# ── list_due ────────────────────────────────────────────────────────────────────────────────────
def test_list_due_tells_what_is_due_the_longest_due_first(api: V4) -> None:
    new, old = _due_in(api, -0.01, name="new"), _due_in(api, -1, name="old")
    _due_in(api, 0.5)
    lines = _run("list_due").splitlines()
    assert [line.split()[1] for line in lines[:-1]] == [str(old.uuid), str(new.uuid)]
    assert lines[0].startswith(f"{format_moment(old.due_at)}  {old.uuid}  {api.client.name}  send  ACTIVE  old  36")
    assert lines[0].endswith(" s late")
    assert lines[-1] == "2 listed"


def test_list_due_looks_ahead_for_one_client_and_as_json(api: V4) -> None:
    other = V4()
    soon = _due_in(api, 5)
    services.set_enabled(caller=api.caller, uuid=soon.uuid, is_enabled=False)
    _due_in(api, 7)
    _due_in(other, 5)
    assert json.loads(_run("list_due", "--hours", "6", "--client", api.client.name, "--json")) == [
        {
            "scheduleId": str(soon.uuid),
            "name": "renewal",
            "client": api.client.name,
            "kind": "send",
            "status": "PAUSED",
            "dueAt": format_moment(soon.due_at),
            "lateSeconds": None,
        }
    ]


def test_list_due_stops_at_its_limit_and_says_so(api: V4) -> None:
    for _ in range(3):
        _due_in(api, 1)
    assert _run("list_due", "--hours", "2", "--limit", "2").splitlines()[-1] == "2 listed, and there are more"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--hours", "-1"], "--hours: must be between 0 and 17568"),
        (["--hours", "nan"], "--hours: must be between 0 and 17568"),
        (["--hours", "1e300"], "--hours: must be between 0 and 17568"),
        (["--limit", "0"], "--limit: must be between 1 and 1000"),
        (["--client", "nobody"], "--client: there is no client nobody"),
        (["--client", "no\0body"], "--client: there is no client"),
    ],
)
def test_list_due_refuses_what_makes_no_sense(arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        _run("list_due", *arguments)


# ── fire_schedule ───────────────────────────────────────────────────────────────────────────────
def test_fire_schedule_fires_now_and_names_the_job_and_what_was_made(api: V4) -> None:
    schedule = _due_in(api, 24)
    printed = _run("fire_schedule", str(schedule.uuid))
    job, message = Job.objects.get(), Message.objects.get()
    assert printed == f"job {job.pk} {job.uuid}\nsend {message.pk}\n"
    assert Firing.objects.get().actor.endswith("(command)")
    schedule.refresh_from_db()
    assert schedule.due_at is not None


def test_fire_schedule_tells_the_same_as_json(api: V4) -> None:
    Trigger.objects.create(name="count", job_class="tests.Count", params=[["STEPS", "1"]])
    schedule = _due_in(api, 24, push={"job": {"jobName": "count"}})
    said = json.loads(_run("fire_schedule", str(schedule.uuid), "--json"))
    job, firing = Job.objects.get(), Firing.objects.get()
    assert said == {
        "jobId": job.pk, "jobUuid": str(job.uuid), "status": "NEW", "time": firing.slot, "kind": "job", "made": None,
    }  # fmt: skip


def _end(status: str, reason: str = "") -> Callable[[float], Any]:
    now = timezone.now()
    return lambda seconds: Job.objects.update(status=status, reason=reason, started_at=now, finished_at=now)


def test_fire_schedule_waits_for_the_jobs_end(api: V4, monkeypatch: pytest.MonkeyPatch) -> None:
    schedule = _due_in(api, 24)
    monkeypatch.setattr(_WAIT, _end("FINISHED"))
    lines = _run("fire_schedule", str(schedule.uuid), "--wait").splitlines()
    assert lines[1:] == ["RUNNING 0 of 1", "FINISHED 0 of 1", f"send {Message.objects.get().pk}"]


def test_fire_schedule_fails_when_its_job_does(api: V4, monkeypatch: pytest.MonkeyPatch) -> None:
    schedule = _due_in(api, 24)
    monkeypatch.setattr(_WAIT, _end("FAILED", "no such template"))
    with pytest.raises(CommandError, match=r"job \d+ is FAILED: no such template"):
        _run("fire_schedule", str(schedule.uuid), "--wait", "--json")


def test_fire_schedule_refuses_what_is_not_there_or_has_ended(api: V4) -> None:
    schedule = _due_in(api, 24)
    services.delete(caller=api.caller, uuid=schedule.uuid)
    for uuid, words in (
        (str(schedule.uuid), f"schedule {schedule.uuid}"),
        (str(uuid4()), "not found"),
        ("x", "must be a schedule's uuid"),
    ):
        with pytest.raises(CommandError, match=words):
            _run("fire_schedule", uuid)
    assert (Firing.objects.count(), Job.objects.count()) == (0, 0)
