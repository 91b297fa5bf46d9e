"""R17, R27, R29: jobs whose worker died are found, once; lost wake-ups are mended; old trees are forgotten whole."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from jobs import maintenance, queue
from jobs.context import Context
from jobs.models import Job, JobEvent, JobLogLine, Trigger, TriggerFiring
from jobs.params import NoParams
from jobs.registry import MOST_RUNS
from jobs.states import Queue, Status
from tests.jobs.conftest import Submit, reread, story, work

pytestmark = pytest.mark.django_db(transaction=True)


def _claimed(submit: Submit, name: str, queue_name: Queue = Queue.LONG) -> Job:
    job = submit(name, STEPS="5")
    queue.claim(queue=queue_name, worker="host:7", size=1)
    Job.objects.filter(pk=job.pk).update(cursor=2, completed=2, total=5)
    return reread(job)


def _silent_for(seconds: float, *, suspected_for: float | None = None) -> None:
    now = timezone.now()
    Job.objects.claimed().update(
        heartbeat_at=now - timedelta(seconds=seconds),
        suspected_at=now - timedelta(seconds=suspected_for) if suspected_for is not None else None,
    )


def test_r17_a_job_that_may_be_resumed_goes_on_from_its_cursor(submit: Submit) -> None:
    job = _claimed(submit, "Count")
    _silent_for(60, suspected_for=30)
    assert maintenance.rescue() == [job.pk]
    job = reread(job)
    assert (job.status, job.reason, job.cursor, job.claim) == (Status.NEW, "worker host:7 died", 2, None)
    work("long")
    assert story(job) == ["CREATED", "STARTED", "RESCUED", "STARTED", "FINISHED"]
    assert [line.text for line in job.log_lines.all()] == ["step 3", "step 4", "step 5"]


def test_r17_a_job_that_may_not_is_failed_and_says_why(submit: Submit) -> None:
    job = _claimed(submit, "CountOnce")
    _silent_for(60, suspected_for=30)
    assert maintenance.rescue() == [job.pk]
    job = reread(job)
    assert (job.status, job.reason) == (Status.FAILED, "worker host:7 died")
    assert story(job) == ["CREATED", "STARTED", "RESCUED", "FAILED"]


def test_r3_a_job_that_kills_its_worker_each_time_is_failed_in_the_end(submit: Submit) -> None:
    job = _claimed(submit, "Count")
    Job.objects.filter(pk=job.pk).update(vain_runs=MOST_RUNS)
    _silent_for(60, suspected_for=30)
    maintenance.rescue()
    assert (reread(job).status, reread(job).reason) == (Status.FAILED, "worker host:7 died, the last of 5")


def test_r17_a_job_is_suspected_first_and_a_heartbeat_clears_it(submit: Submit) -> None:
    job = _claimed(submit, "Count")
    _silent_for(60)
    assert maintenance.rescue() == []
    assert reread(job).suspected_at is not None
    assert maintenance.rescue() == []
    Job.objects.claimed().update(heartbeat_at=timezone.now())
    Job.objects.claimed().update(suspected_at=timezone.now() - timedelta(seconds=60))
    assert maintenance.rescue() == []
    assert reread(job).status == Status.RUNNING


@pytest.mark.parametrize("hours", [-1, 1])
def test_r23_a_clock_that_jumped_takes_no_job_from_a_living_worker(submit: Submit, hours: int) -> None:
    job = _claimed(submit, "Count")
    _silent_for(3600 * hours)
    assert maintenance.rescue() == []
    # The living worker's next heartbeat.
    Job.objects.claimed().update(heartbeat_at=timezone.now(), suspected_at=None)
    assert maintenance.rescue() == []
    assert (reread(job).status, story(job)) == (Status.RUNNING, ["CREATED", "STARTED"])


def test_r17_more_dead_jobs_than_one_look_takes_are_all_rescued_once(submit: Submit, monkeypatch: Any) -> None:
    monkeypatch.setattr(maintenance, "_BATCH", 3)
    jobs = [_claimed(submit, "Count") for _ in range(8)]
    _silent_for(60, suspected_for=30)
    assert maintenance.rescue() == [job.pk for job in jobs]
    assert maintenance.rescue() == []
    assert JobEvent.objects.filter(name="RESCUED").count() == 8


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
def test_the_tick_waits_for_nobody_who_holds_a_silent_job(submit: Submit) -> None:
    job = _claimed(submit, "Count")
    _silent_for(60, suspected_for=30)
    free = _claimed(submit, "Count")
    Job.objects.filter(pk=free.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=60))
    with transaction.atomic():
        Job.objects.select_for_update().get(pk=job.pk)
        found: list[Any] = []
        beside = threading.Thread(target=lambda: (found.append(maintenance.rescue()), connections.close_all()))
        beside.start()
        beside.join(10)
        assert found == [[]]
    assert reread(free).suspected_at is not None
    assert maintenance.rescue() == [job.pk]


def test_a_cancelled_job_whose_run_died_is_let_go(submit: Submit) -> None:
    job = _claimed(submit, "Count")
    queue.move(Job.objects.filter(pk=job.pk), Status.CANCELLED)
    _silent_for(60, suspected_for=30)
    assert maintenance.rescue() == [job.pk]
    assert (reread(job).status, reread(job).claim, story(job)[-1]) == (Status.CANCELLED, None, "CANCELLED")


def test_r29_a_job_whose_wake_up_was_lost_is_found_by_the_tick(submit: Submit, wakes: list[Any]) -> None:
    submit("Count", STEPS="1")
    wakes.clear()
    maintenance.tick()
    assert wakes == [("jobs.tasks.run", "long")]


def _ended(submit: Submit, name: str = "Nothing", *, days_ago: int, **fields: Any) -> Job:
    job = submit(name)
    then = timezone.now() - timedelta(days=days_ago)
    Job.objects.filter(pk=job.pk).update(
        status=Status.FINISHED, created_at=then, started_at=then, finished_at=then, **fields
    )
    JobLogLine.objects.create(job=job, text="a line")
    return job


def test_r27_old_trees_go_whole_and_nothing_else(submit: Submit) -> None:
    old, young = _ended(submit, days_ago=40), _ended(submit, days_ago=1)
    root = _ended(submit, days_ago=40)
    old_child = _ended(submit, days_ago=40, root=root, parent=root)
    half = _ended(submit, days_ago=40)
    young_child = _ended(submit, days_ago=1, root=half, parent=half)
    open_job = submit("Nothing")
    purged = maintenance.prune(finished_before=timezone.now() - timedelta(days=30), size=1)
    assert purged == 3
    assert list(Job.objects.order_by("id")) == [young, half, young_child, open_job]
    gone = [old.pk, root.pk, old_child.pk]
    assert JobEvent.objects.filter(job_id__in=gone).count() == 0
    assert JobLogLine.objects.filter(job_id__in=gone).count() == 0
    assert JobEvent.objects.count() == 4


def test_r27_what_was_made_of_old_times_goes_with_its_jobs(submit: Submit) -> None:
    trigger = Trigger.objects.create(name="nightly", job_class="tests.Nothing")
    now = timezone.now()
    jobs = {40: _ended(submit, days_ago=40), 39: None, 35: submit("Nothing"), 1: None}
    for days, job in jobs.items():
        TriggerFiring.objects.create(trigger=trigger, slot=now - timedelta(days=days), job=job)
    maintenance.prune(finished_before=now - timedelta(days=30))
    assert [(now - firing.slot).days for firing in TriggerFiring.objects.order_by("slot")] == [35, 1]


@pytest.mark.parametrize(("days", "left"), [(-1, 1), (30, 0)])
def test_r27_retention_is_a_setting_and_minus_one_keeps_for_ever(
    submit: Submit, settings: Any, days: int, left: int
) -> None:
    settings.HAMMY_JOB_RETENTION_DAYS = days
    _ended(submit, days_ago=4000)
    maintenance.clean()
    assert Job.objects.count() == left


def _die(job: Job, *, step: int | None = None) -> None:
    """A worker takes the job, comes to a step where one is given, and dies."""
    claim, (taken,) = queue.claim(queue=Queue.LONG, worker="host:7", size=1)
    assert taken.pk == job.pk
    if step is not None:
        Context(taken, claim, NoParams()).checkpoint(cursor=step)
    _silent_for(60, suspected_for=30)
    maintenance.rescue()


def test_r3_a_job_that_moves_on_may_lose_more_workers_than_one_that_does_not(submit: Submit) -> None:
    job = submit("Count", STEPS="20")
    for step in range(1, 11):
        _die(job, step=step)
        assert (reread(job).status, reread(job).cursor, reread(job).vain_runs) == (Status.NEW, step, 0)
    for vain_runs in range(1, MOST_RUNS):
        _die(job)
        assert (reread(job).status, reread(job).vain_runs) == (Status.NEW, vain_runs)
    _die(job)
    job = reread(job)
    assert (job.status, job.reason, job.cursor) == (Status.FAILED, "worker host:7 died, the last of 5", 10)
    assert story(job).count("STARTED") == reread(job).attempts == 15


def test_r3_a_job_that_never_moves_on_is_failed_at_its_fifth_death(submit: Submit) -> None:
    job = submit("Count", STEPS="20")
    for attempts in range(1, MOST_RUNS):
        _die(job)
        assert (reread(job).status, reread(job).attempts) == (Status.NEW, attempts)
    _die(job)
    assert (reread(job).status, reread(job).reason) == (Status.FAILED, "worker host:7 died, the last of 5")
    assert story(job).count("RESCUED") == 5
