"""What comes of running a job: every outcome is a state with its events, and only the run that holds it may speak."""

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import InterfaceError, connection, connections, transaction
from django.utils import timezone

from gateway.caller import Caller
from jobs import pulse as heart
from jobs import queue, runner, services, stopping
from jobs.context import MOST_LOG_LINES, Context
from jobs.models import Job
from jobs.registry import MOST_RUNS, job_class
from jobs.states import Queue, Status
from tests.jobs.conftest import Submit, reread, story, work

pytestmark = pytest.mark.django_db(transaction=True)


def _held(job: Job) -> tuple[Any, ...]:
    job = reread(job)
    return (job.claim, job.heartbeat_at)


def test_a_job_that_is_done_is_finished(submit: Submit) -> None:
    job = submit("Careful")
    work()
    job = reread(job)
    assert (job.status, story(job), _held(job)) == (Status.FINISHED, ["CREATED", "STARTED", "FINISHED"], (None, None))
    assert (job.total, job.completed, job.attempts) == (None, None, 1)
    assert job.created_at <= job.started_at <= job.finished_at == job.updated_at  # type: ignore[operator]


def test_progress_and_log_are_kept_with_the_job(submit: Submit) -> None:
    job = submit("Count", STEPS="3")
    work("long")
    job = reread(job)
    assert (job.status, job.completed, job.total, job.cursor) == (Status.FINISHED, 3, 3, 3)
    assert [line.text for line in job.log_lines.all()] == ["step 1", "step 2", "step 3"]


def test_a_job_that_is_not_done_lets_other_queues_have_a_turn(submit: Submit) -> None:
    job = submit("Stepwise", STEPS="2")
    assert (runner.work("quick"), reread(job).cursor, reread(job).status) == (True, 1, "NEW")
    assert (runner.work("quick"), reread(job).cursor, reread(job).status) == (False, 2, "FINISHED")


def test_a_job_that_cannot_be_done_fails_with_its_reason(submit: Submit) -> None:
    job = submit("Fail")
    work()
    assert (reread(job).status, reread(job).reason) == (Status.FAILED, "the file is empty")


def test_an_unforeseen_error_is_tried_again_later_and_told_without_its_words(
    submit: Submit, caplog: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("gateway.backoff.random.uniform", lambda least, most: 1.0)
    job = submit("Break")
    for attempt, seconds in ((1, 60), (2, 90)):
        work()
        job = reread(job)
        assert (job.status, job.attempts) == (Status.NEW, attempt)
        assert job.reason.startswith("internal failure, reference ")
        assert round((job.due_at - job.updated_at).total_seconds()) == seconds
        Job.objects.update(due_at=timezone.now())
    work()
    job = reread(job)
    assert (job.status, story(job)[-2:]) == (Status.FAILED, ["STARTED", "FAILED"])
    assert "swordfish" not in job.reason + "".join(event.reason for event in job.events.all())
    assert job.reason.rpartition(" ")[2] in caplog.text


def test_a_job_that_asks_for_later_waits_and_spends_no_attempt(submit: Submit) -> None:
    job = submit("Later")
    work()
    job = reread(job)
    assert (job.status, job.reason, job.attempts) == (Status.NEW, "the other side is busy", 0)
    assert timedelta(seconds=29) < job.due_at - timezone.now() < timedelta(seconds=30)


def test_r3_a_run_that_moved_on_and_asks_for_later_forgets_the_workers_lost_before(submit: Submit) -> None:
    job = submit("Stepwise", STEPS="2")
    Job.objects.filter(pk=job.pk).update(vain_runs=MOST_RUNS - 1)
    one = runner.Runner(Queue.QUICK)
    claim, jobs = queue.claim(queue=Queue.QUICK, worker="me", size=1)
    one._work_off(claim, jobs)
    job = reread(job)
    assert (job.status, job.cursor, job.vain_runs) == (Status.NEW, 1, 0)


def test_a_job_longer_than_its_limit_is_failed(submit: Submit) -> None:
    job = submit("Slow")
    work()
    assert reread(job).reason == "ran longer than its time limit of 0.5 s"
    assert (reread(job).status, _held(job)) == (Status.FAILED, (None, None))


def test_a_class_that_is_gone_and_parameters_that_no_longer_fit_fail_the_job(submit: Submit) -> None:
    gone, changed = submit("Nothing"), submit("Careful")
    Job.objects.filter(pk=gone.pk).update(job_class="tests.Gone")
    Job.objects.filter(pk=changed.pk).update(params=[["COLOUR", "red"]])
    work()
    assert [(reread(job).status, reread(job).reason) for job in (gone, changed)] == [
        (Status.FAILED, "tests.Gone is no job class known here"),
        (Status.FAILED, "params.COLOUR: unknown parameter; known are none"),
    ]


def test_jobs_are_run_in_the_order_in_which_they_became_due(submit: Submit) -> None:
    jobs = [submit("Careful") for _ in range(3)]
    Job.objects.filter(pk=jobs[2].pk).update(due_at=jobs[0].due_at - timedelta(seconds=1))
    work()
    began = Job.objects.order_by("events__id").filter(events__name="STARTED")
    assert list(began.values_list("id", flat=True)) == [jobs[2].pk, jobs[0].pk, jobs[1].pk]


def test_what_is_not_due_yet_stays(submit: Submit) -> None:
    job = submit("Nothing")
    Job.objects.update(due_at=timezone.now() + timedelta(hours=1))
    work()
    assert story(job) == ["CREATED"]


def test_only_jobs_that_may_be_run_again_are_claimed_together(submit: Submit) -> None:
    for name in ("Nothing", "Nothing", "Careful", "Nothing"):
        submit(name)
    claims = [len(queue.claim(queue=Queue.QUICK, worker="me", size=10)[1]) for _ in range(4)]
    assert claims == [2, 1, 1, 0]


def test_two_jobs_of_one_key_never_run_beside_each_other(submit: Submit) -> None:
    first, second = submit("Alone", STEPS="1"), submit("Alone", STEPS="1")
    other = submit("Nothing")
    _, claimed = queue.claim(queue=Queue.QUICK, worker="me", size=10)
    assert [job.pk for job in claimed] == [first.pk]
    _, next_claimed = queue.claim(queue=Queue.QUICK, worker="you", size=10)
    assert [job.pk for job in next_claimed] == [other.pk]
    queue.move(Job.objects.filter(pk=first.pk), Status.FINISHED, claim=claimed[0].claim)
    assert [job.pk for job in queue.claim(queue=Queue.QUICK, worker="you", size=10)[1]] == [second.pk]


def test_a_cancelled_job_keeps_its_key_until_its_run_has_stopped(submit: Submit, house: Caller) -> None:
    first, second = submit("Alone", STEPS="1"), submit("Alone", STEPS="1")
    claim, _ = queue.claim(queue=Queue.QUICK, worker="me", size=10)
    services.set_status(caller=house, ids=[first.pk], status="CANCELLED")
    assert queue.claim(queue=Queue.QUICK, worker="you", size=10)[1] == []
    queue.let_go(claim)
    assert [job.pk for job in queue.claim(queue=Queue.QUICK, worker="you", size=10)[1]] == [second.pk]


def _in_thread(action: Any) -> threading.Thread:
    def run() -> None:
        try:
            action()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def _wait_for(condition: Any) -> None:
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_r19_cancelling_stops_a_running_job_within_a_second(submit: Submit, house: Caller) -> None:
    job = submit("Count", STEPS="100000", SECONDS="0.01")
    running = _in_thread(lambda: work("long"))
    _wait_for(lambda: (reread(job).completed or 0) > 3)
    services.set_status(caller=house, ids=[job.pk], status="CANCELLED", reason="wrong file")
    cancelled = time.monotonic()
    running.join(10)
    assert time.monotonic() - cancelled < 1.0
    assert (reread(job).status, reread(job).reason, _held(job)) == (Status.CANCELLED, "wrong file", (None, None))
    assert story(job) == ["CREATED", "STARTED", "CANCELLED"]


def test_a_job_run_again_while_its_old_run_still_stops_waits_for_it(submit: Submit, house: Caller) -> None:
    job = submit("Count", STEPS="1")
    claim, _ = queue.claim(queue=Queue.LONG, worker="me", size=1)
    services.set_status(caller=house, ids=[job.pk], status="CANCELLED")
    services.set_status(caller=house, ids=[job.pk], status="NEW")
    assert queue.claim(queue=Queue.LONG, worker="you", size=1)[1] == []
    # What the old run still has to say is not heard.
    assert queue.move(Job.objects.filter(pk=job.pk), Status.FINISHED, claim=claim) == []
    queue.let_go(claim)
    work("long")
    assert story(job) == ["CREATED", "STARTED", "CANCELLED", "RETRIED", "STARTED", "FINISHED"]


def test_closing_a_running_job_by_hand_stops_its_run(submit: Submit, house: Caller) -> None:
    job = submit("Count", STEPS="100000", SECONDS="0.01")
    running = _in_thread(lambda: work("long"))
    _wait_for(lambda: (reread(job).completed or 0) > 0)
    services.set_status(caller=house, ids=[job.pk], status="FINISHED")
    running.join(10)
    assert (reread(job).status, reread(job).reason, _held(job)) == (Status.FINISHED, "closed by hand", (None, None))


def test_r19_of_cancel_and_finish_one_wins_and_the_other_changes_nothing(submit: Submit, house: Caller) -> None:
    job = submit("Careful")
    claim, _ = queue.claim(queue=Queue.QUICK, worker="me", size=1)
    rows = Job.objects.filter(pk=job.pk)
    assert queue.move(rows, Status.FINISHED, claim=claim) == [job.pk]
    assert queue.move(rows, Status.CANCELLED) == []
    assert story(job) == ["CREATED", "STARTED", "FINISHED"]


def _context(submit: Submit, steps: str = "9") -> Context[Any]:
    submit("Count", STEPS=steps)
    claim, (job,) = queue.claim(queue=Queue.LONG, worker="me", size=1)
    kind = job_class(job.job_class)
    return Context(job, claim, kind.Params(STEPS=steps))


def test_r21_progress_never_goes_back_and_a_total_that_is_overtaken_grows(submit: Submit) -> None:
    context = _context(submit)
    context.progress(5, 10)
    context.progress(3, 8)
    assert context.columns == {"completed": 5, "total": 10}
    context.progress(12)
    assert context.columns == {"completed": 12, "total": 12}


def test_a_checkpoint_that_comes_too_late_undoes_the_work_it_stands_for(submit: Submit, house: Caller) -> None:
    context = _context(submit)
    services.set_status(caller=house, ids=[context.job.pk], status="CANCELLED")
    with pytest.raises(Exception, match="its claim was taken away"):
        context.checkpoint(cursor=1)
    assert reread(context.job).cursor is None


def test_a_log_is_bounded(submit: Submit) -> None:
    context = _context(submit)
    for number in range(MOST_LOG_LINES + 50):
        context.log(f"line {number}\0" + "x" * 2000)
    context.tell()
    lines = list(context.job.log_lines.order_by("id").values_list("text", flat=True))
    assert len(lines) == MOST_LOG_LINES
    assert lines[0] == ("line 0" + "x" * 2000)[:1000]
    assert lines[-1] == "No more lines of this run are kept."


def test_words_that_no_database_takes_are_cleaned_and_the_job_still_ends(submit: Submit) -> None:
    job = submit("Mumble")
    work()
    job = reread(job)
    assert (job.status, job.reason, job.completed, job.total) == (Status.FAILED, "no file ?", 0, 0)
    assert [line.text for line in job.log_lines.all()] == ["no file ?"]


def test_an_end_that_cannot_be_stored_is_told_as_an_internal_failure(
    submit: Submit, monkeypatch: Any, caplog: Any
) -> None:
    job = submit("Careful")
    real = queue.move

    def move(rows: Any, to: Status, **options: Any) -> list[int]:
        if to is Status.FINISHED:
            raise runner.DataError("value out of range")
        return real(rows, to, **options)

    monkeypatch.setattr(queue, "move", move)
    work()
    assert reread(job).status == Status.FAILED
    assert reread(job).reason.removeprefix("internal failure, reference ") in caplog.text


def test_a_job_that_takes_its_time_holds_up_none_of_those_claimed_with_it(submit: Submit) -> None:
    before, slow, behind = submit("Nothing"), submit("Rest", STEPS="0", SECONDS="3"), submit("Nothing")
    mine = runner.Runner(Queue.QUICK)
    mine.got, mine.pace = 10, 0.001
    running = _in_thread(mine.work)
    _wait_for(lambda: reread(before).status == Status.FINISHED)
    _wait_for(lambda: reread(behind).status == Status.NEW and "RETRIED" in story(behind))
    assert (reread(slow).status, reread(behind).attempts) == (Status.RUNNING, 0)
    work()
    assert reread(behind).status == Status.FINISHED
    assert reread(slow).status == Status.RUNNING
    running.join(10)
    assert reread(slow).status == Status.FINISHED
    assert story(behind) == ["CREATED", "STARTED", "RETRIED", "STARTED", "FINISHED"]


def test_a_run_and_its_pulse_never_wait_for_each_other(submit: Submit) -> None:
    context = _context(submit)
    context.progress(1, 9)
    told = threading.Event()
    with transaction.atomic():
        # The run holds its own row, as it does between a checkpoint and the end of its transaction.
        context.checkpoint(cursor=1)
        context.progress(2, 9)
        beside = _in_thread(lambda: (context.tell(), told.set()))
        if connection.vendor == "postgresql":
            assert told.wait(5)
        context.checkpoint(cursor=2)
    beside.join(10)
    assert told.is_set()
    assert reread(context.job).cursor == 2


def test_a_pulse_outlives_whatever_goes_wrong_in_it(submit: Submit, monkeypatch: Any, settings: Any) -> None:
    settings.HAMMY_JOB_HEARTBEAT_SECONDS = 0.1
    context = _context(submit)
    real, failures = heart._beat, [ValueError("odd"), InterfaceError("closed")]

    def beat(held: Any) -> None:
        if failures:
            raise failures.pop()
        real(held)

    monkeypatch.setattr(heart, "_beat", beat)
    before = reread(context.job).heartbeat_at
    Job.objects.update(suspected_at=timezone.now())
    pulse = heart.Pulse()
    pulse.take(context.claim, [context.job.pk])
    _wait_for(lambda: reread(context.job).heartbeat_at != before)
    pulse.release()
    assert (failures, reread(context.job).suspected_at) == ([], None)


def test_a_pulse_whose_thread_died_is_started_again(submit: Submit, monkeypatch: Any, settings: Any) -> None:
    settings.HAMMY_JOB_HEARTBEAT_SECONDS = 0.1
    context = _context(submit)
    before = reread(context.job).heartbeat_at
    pulse = heart.Pulse()
    pulse._thread = threading.Thread(target=lambda: None)
    pulse._thread.start()
    pulse._thread.join()
    pulse.take(context.claim, [context.job.pk])
    _wait_for(lambda: reread(context.job).heartbeat_at != before)
    pulse.release()


def test_a_run_that_cannot_write_its_end_waits_for_the_database(submit: Submit, monkeypatch: Any) -> None:
    job = submit("Careful")
    real, failures = queue.move, [runner.OperationalError("away"), runner.InterfaceError("away")]

    def move(*args: Any, **options: Any) -> list[int]:
        if failures:
            raise failures.pop()
        return real(*args, **options)

    monkeypatch.setattr(queue, "move", move)
    work()
    assert (failures, story(job)) == ([], ["CREATED", "STARTED", "FINISHED"])


def test_a_hung_run_is_ended_with_its_process(submit: Submit, monkeypatch: Any, settings: Any) -> None:
    settings.HAMMY_JOB_GRACE_SECONDS = 0.2
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(heart.os, "kill", lambda pid, signal: killed.append((pid, signal)))
    context = _context(submit)
    pulse = heart.Pulse()
    pulse.take(context.claim, [context.job.pk])
    assert pulse.watch(context, job_class("tests.Hung"))
    _wait_for(lambda: killed)
    pulse.release()
    assert killed == [(heart.os.getpid(), 9)]
    assert (reread(context.job).status, reread(context.job).reason) == (
        Status.FAILED,
        "ran longer than its time limit and did not stop",
    )


def test_a_worker_that_stops_lets_go_of_what_can_go_on_elsewhere(submit: Submit, monkeypatch: Any) -> None:
    going_on = submit("Count", STEPS="100000", SECONDS="0.01")
    running = _in_thread(lambda: runner.work("long"))
    _wait_for(lambda: (reread(going_on).completed or 0) > 3)
    monkeypatch.setattr(stopping, "is_asked", lambda: True)
    running.join(10)
    assert not running.is_alive()
    job = reread(going_on)
    assert (job.status, job.attempts, job.reason) == (Status.NEW, 0, "the worker is stopping")
    assert job.cursor >= 3
    assert story(job)[-1] == "RETRIED"
