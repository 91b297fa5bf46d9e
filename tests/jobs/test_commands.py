"""The operators' commands over jobs."""

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.utils import timezone

from gateway.caller import Caller
from jobs import runner, services
from jobs.management import waiting
from jobs.models import Job, JobEvent, Trigger
from jobs.states import Queue

pytestmark = pytest.mark.django_db
HOUSE = Caller.house("operator")
_WAIT = "jobs.management.waiting.time.sleep"


class Terminal(StringIO):
    """What a person looks at."""

    def isatty(self) -> bool:
        return True


def _run(*arguments: Any, out: StringIO | None = None) -> str:
    out = out or StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def _trigger(job_class: str = "tests.Count", **columns: Any) -> Trigger:
    return Trigger.objects.create(name="count", job_class=job_class, **{"params": [["STEPS", "3"]], **columns})


def _job(job_class: str = "tests.Nothing", **columns: Any) -> Job:
    job = services.submit(caller=HOUSE, job_class=job_class, params=columns.pop("params", ()))
    if columns:
        Job.objects.filter(pk=job.pk).update(**columns)
        job.refresh_from_db()
    return job


def _ended(status: str = "FINISHED", *, days: float = 0, **columns: Any) -> Job:
    moment = timezone.now() - timedelta(days=days)
    return _job(status=status, started_at=moment, finished_at=moment, **columns)


def _events(job: Job) -> list[str]:
    return list(JobEvent.objects.filter(job=job).order_by("id").values_list("name", flat=True))


def _meanwhile(monkeypatch: pytest.MonkeyPatch, *steps: Callable[[], Any]) -> None:
    """What happens while the command sleeps, one after the other."""
    left = list(steps)
    monkeypatch.setattr(_WAIT, lambda seconds: left.pop(0)())


def _progress(completed: int) -> Callable[[], Any]:
    now = timezone.now()
    columns = {"status": "RUNNING", "started_at": now, "total": 8, "completed": completed}
    return lambda: Job.objects.update(**columns)


def _end(status: str, reason: str = "") -> Callable[[], Any]:
    return lambda: Job.objects.update(status=status, reason=reason, finished_at=timezone.now())


# ── trigger_job ─────────────────────────────────────────────────────────────────────────────────
def test_trigger_job_starts_a_job_with_what_is_given_and_names_it() -> None:
    _trigger()
    printed = _run("trigger_job", "count", "--param", "SECONDS=0", "--param", "STEPS=5")
    job = Job.objects.get()
    assert printed == f"job {job.pk} {job.uuid}\n"
    assert (job.params, job.status) == ([["STEPS", "5"], ["SECONDS", "0"]], "NEW")
    assert JobEvent.objects.get(job=job).actor.endswith("(command)")


def test_trigger_job_runs_the_legs_that_are_named() -> None:
    _trigger("tests.Legs", params=[], legs=["1", "2", "3"])
    shown = json.loads(_run("trigger_job", "count", "--leg", "3", "--leg", "1", "--json"))
    assert (shown["jobClass"], shown["status"], shown["completed"]) == ("tests.Legs", "NEW", None)
    assert Job.objects.get().params == [["legIds", "1,3"]]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing"], "name: nothing is no trigger"),
        (["count", "--param", "STEPS"], "--param STEPS: must be KEY=VALUE"),
        (["count", "--param", "STEP=1"], "params.STEP: unknown parameter"),
        (["count", "--leg", "1"], "leg_ids: the trigger count has no legs"),
        (["off"], "name: the trigger off is disabled"),
    ],
)
def test_trigger_job_refuses_and_starts_nothing(arguments: list[str], words: str) -> None:
    _trigger()
    Trigger.objects.create(name="off", job_class="tests.Nothing", is_enabled=False)
    with pytest.raises(CommandError, match=words):
        _run("trigger_job", *arguments)
    assert not Job.objects.exists()


def test_trigger_job_waits_and_tells_each_change_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    _trigger()
    _meanwhile(monkeypatch, lambda: None, _progress(2), _progress(8), _end("FINISHED"))
    assert _run("trigger_job", "count", "--wait").splitlines()[1:] == [
        "NEW",
        "RUNNING 2 of 8",
        "RUNNING 8 of 8",
        "FINISHED 8 of 8",
    ]


def test_trigger_job_shows_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    _trigger()
    _meanwhile(monkeypatch, _progress(2), _end("FINISHED"))
    printed = _run("trigger_job", "count", "--wait", out=Terminal()).partition("\n")[2]
    assert printed.split("\r")[1:] == [
        f"[{'.' * 40}] NEW",
        f"[{'#' * 10}{'.' * 30}] RUNNING 2 of 8",
        f"[{'#' * 40}] FINISHED 2 of 8\n",
    ]


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
def test_trigger_job_that_waits_fails_when_its_job_did_not_finish(monkeypatch: pytest.MonkeyPatch, status: str) -> None:
    _trigger()
    _meanwhile(monkeypatch, _progress(1), _end(status, "the file is empty"))
    out = StringIO()
    with pytest.raises(CommandError, match=f"job [0-9]+ is {status}: the file is empty") as failed:
        _run("trigger_job", "count", "--wait", "--json", out=out)
    assert failed.value.returncode == 1
    assert json.loads(out.getvalue())["status"] == status


def test_ctrl_c_ends_the_waiting_and_not_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    _trigger()

    def interrupt() -> None:
        raise KeyboardInterrupt

    _meanwhile(monkeypatch, interrupt)
    with pytest.raises(CommandError, match="goes on; its end is no longer waited for") as stopped:
        _run("trigger_job", "count", "--wait")
    assert stopped.value.returncode == 130
    assert (Job.objects.get().status, _events(Job.objects.get())) == ("NEW", ["CREATED"])


def test_waiting_outlives_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    job = _job()
    real = job.refresh_from_db
    answers = iter([real, OperationalError("gone"), real])

    def refresh() -> None:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        answer()

    monkeypatch.setattr(job, "refresh_from_db", refresh)
    monkeypatch.setattr(waiting.connection, "close", lambda: None)
    _meanwhile(monkeypatch, lambda: None, _end("FAILED"))
    lines: list[str] = []
    Job.objects.update(started_at=timezone.now())
    waiting.wait(job, tell=lines.append, is_terminal=False)
    assert lines == ["NEW\n", "the database is away\n", "FAILED\n"]


@pytest.mark.django_db(transaction=True)
def test_trigger_job_waits_for_a_real_run() -> None:
    _trigger()

    def work() -> None:
        try:
            while not Job.objects.filter(status="FINISHED").exists():
                runner.work(Queue.LONG)
        finally:
            connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        shown = json.loads(_run("trigger_job", "count", "--wait", "--json"))
    finally:
        worker.join(timeout=30)
    assert (shown["status"], shown["total"], shown["completed"]) == ("FINISHED", 3, 3)


# ── set_job_status ──────────────────────────────────────────────────────────────────────────────
def test_set_job_status_takes_numbers_and_uuids_and_keeps_the_reason() -> None:
    first, second = _job(), _job()
    printed = _run("set_job_status", "CANCELLED", first.pk, second.uuid, "--reason", "wrong list")
    assert printed == f"job {first.pk} is CANCELLED\njob {second.pk} is CANCELLED\n"
    event = JobEvent.objects.filter(job=second).latest("id")
    assert (event.name, event.reason) == ("CANCELLED", "wrong list")
    assert event.actor.endswith("(command)")
    (shown,) = json.loads(_run("set_job_status", "NEW", first.pk, "--json"))
    assert (shown["jobId"], shown["status"]) == (first.pk, "NEW")


def test_set_job_status_refuses_all_when_one_cannot() -> None:
    ended, waiting_one = _ended(), _job()
    for arguments, words in (
        (["CANCELLED", waiting_one.pk, ended.pk], f"cannot become CANCELLED: job {ended.pk} is FINISHED"),
        (["CANCELLED", waiting_one.pk, 99999], "job 99999 not found"),
        (["CANCELLED", waiting_one.pk, "abc"], "abc: must be a job's number or uuid"),
        (["CANCELLED", waiting_one.pk, "9" * 30], "must be a job's number or uuid"),
        (["DONE", waiting_one.pk], "status: must be one of NEW, RUNNING, FINISHED, FAILED, CANCELLED"),
    ):
        with pytest.raises(CommandError, match=words):
            _run("set_job_status", *arguments)
    assert _events(waiting_one) == ["CREATED"]


# ── show_job, list_jobs ─────────────────────────────────────────────────────────────────────────
def test_show_job_tells_its_facts_events_last_lines_and_children() -> None:
    parent = _job("tests.Legs", params=[("legIds", "1")], total=8, completed=2)
    _job(parent=parent, root=parent)
    for number in range(25):
        parent.log_lines.create(text=f"step {number}")
    shown = json.loads(_run("show_job", parent.uuid, "--json"))
    assert {name: shown[name] for name in ("jobId", "children", "total", "completed", "user", "parentJobId")} == {
        "jobId": parent.pk,
        "children": 1,
        "total": 8,
        "completed": 2,
        "user": "operator",
        "parentJobId": None,
    }
    assert shown["jobParams"] == [{"key": "legIds", "value": "1"}]
    assert [event["eventName"] for event in shown["events"]] == ["CREATED"]
    assert [line["text"] for line in shown["log"]] == [f"step {number}" for number in range(5, 25)]
    text = _run("show_job", parent.pk)
    assert "   completed  2 of 8\n" in text
    assert "legIds = 1\n" in text
    assert text.endswith("| step 24\n")


def test_show_job_shows_nothing_that_moves_the_terminal() -> None:
    job = _job()
    job.log_lines.create(text="\x1b[2J\x07\u202edone\nFINISHED")
    assert _run("show_job", job.pk).endswith("| \\x1b[2J\\x07\\u202edone\\nFINISHED\n")


@pytest.mark.parametrize("name", ["0", "99999", "00000000-0000-0000-0000-000000000000", "abc"])
def test_show_job_says_what_it_cannot_find(name: str) -> None:
    words = "must be a job's number or uuid" if name == "abc" else f"job {name} not found"
    with pytest.raises(CommandError, match=words):
        _run("show_job", name)


def test_list_jobs_shows_the_newest_first_and_what_was_asked_for() -> None:
    root, failed, other = _job("tests.Legs"), _ended("FAILED"), _job("tests.Careful", total=4, completed=1)
    child = _job(parent=root, root=root)

    def listed(*arguments: Any) -> list[int]:
        return [job["jobId"] for job in json.loads(_run("list_jobs", *arguments, "--json"))]

    assert listed() == [child.pk, other.pk, failed.pk, root.pk]
    assert listed("--limit", "2") == [child.pk, other.pk]
    assert listed("--status", "FAILED", "--status", "RUNNING") == [failed.pk]
    assert listed("--job-class", "tests.Nothing") == [child.pk, failed.pk]
    assert listed("--root", root.uuid) == [child.pk, root.pk]
    lines = _run("list_jobs").splitlines()
    assert lines[1].split("  ")[0] == str(other.pk)
    assert lines[1].endswith("NEW        tests.Careful  1 of 4")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--limit", "0"], "--limit: must be between 1 and 1000"),
        (["--status", "DONE"], "--status DONE: must be one of NEW, RUNNING, FINISHED, FAILED, CANCELLED"),
        (["--root", "12345"], "--root: job 12345 not found"),
    ],
)
def test_list_jobs_says_what_is_wrong(arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        _run("list_jobs", *arguments)


# ── prune_jobs ──────────────────────────────────────────────────────────────────────────────────
def test_prune_jobs_forgets_what_ended_before_and_nothing_else() -> None:
    old, young, open_one = _ended(days=10), _ended(days=1), _job()
    assert json.loads(_run("prune_jobs", "--days", "5", "--json")) == {"done": "pruned", "count": 1}
    assert set(Job.objects.values_list("pk", flat=True)) == {young.pk, open_one.pk}
    assert not JobEvent.objects.filter(job_id=old.pk).exists()
    tomorrow = timezone.localdate() + timedelta(days=1)
    assert _run("prune_jobs", "--before", f"{tomorrow}") == "pruned: 1\n"
    assert list(Job.objects.values_list("pk", flat=True)) == [open_one.pk]


def test_prune_jobs_goes_by_the_retention_when_nothing_else_is_named(settings: Any) -> None:
    _ended(days=10)
    settings.HAMMY_JOB_RETENTION_DAYS = 30
    assert _run("prune_jobs") == "pruned: 0\n"
    settings.HAMMY_JOB_RETENTION_DAYS = 5
    assert _run("prune_jobs") == "pruned: 1\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "HAMMY_JOB_RETENTION_DAYS keeps jobs for ever; name --before or --days"),
        (["--days", "-1"], "--days: must be 0 or more"),
        (["--days", "nan"], "--days: must be 0 or more"),
        (["--days", "9999999"], "--days: must be a moment after the year 1"),
        (["--before", "yesterday"], "--before: must be a moment"),
    ],
)
def test_prune_jobs_says_what_is_wrong_and_forgets_nothing(arguments: list[str], words: str) -> None:
    _ended(days=10)
    with pytest.raises(CommandError, match=words):
        _run("prune_jobs", *arguments)
    assert Job.objects.count() == 1
