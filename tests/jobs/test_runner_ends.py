"""Runs of resumable jobs that wait for others end together, and whoever decides about one of them first is heard."""

import threading
import time
from typing import Any

import pytest
from django.db import OperationalError, connection, connections
from django.test.utils import CaptureQueriesContext

from gateway.caller import Caller
from jobs import maintenance, queue, runner, services
from jobs.models import Job
from jobs.runner import Runner
from jobs.states import Queue, Status
from tests.jobs.classes import Errand, Stepwise
from tests.jobs.conftest import Submit, reread, story, work

pytestmark = pytest.mark.django_db(transaction=True)
WAITING = (Status.RUNNING, None, None, "its errand is running")


def _state(job: Job) -> tuple[Any, ...]:
    job = reread(job)
    return (job.status, job.claim, job.heartbeat_at, job.reason)


def _run_once(size: int) -> None:
    """One claim of so many jobs, run to its end."""
    one = Runner(Queue.QUICK)
    claim, jobs = queue.claim(queue=Queue.QUICK, worker=one.worker, size=size)
    assert len(jobs) == size
    one._work_off(claim, jobs)


def _hook(monkeypatch: pytest.MonkeyPatch, number: int, action: Any) -> None:
    """Have something done while the run of that number goes on."""
    real, runs = Errand.run, []

    def run(self: Errand, context: Any) -> Any:
        runs.append(context.job.pk)
        if len(runs) == number:
            action()
        return real(self, context)

    monkeypatch.setattr(Errand, "run", run)


def test_they_wait_with_their_log_and_end_with_what_they_wait_for(submit: Submit) -> None:
    jobs = [submit("Errand") for _ in range(5)]
    _run_once(5)
    assert [_state(job) for job in jobs] == [WAITING] * 5
    assert [[line.text for line in job.log_lines.all()] for job in jobs] == [["on its errand"]] * 5
    work()
    assert [(reread(job).status, reread(job).completed, reread(job).total) for job in jobs] == [
        (Status.FINISHED, 1, 1)
    ] * 5
    assert [story(job) for job in jobs] == [["CREATED", "STARTED", "FINISHED"]] * 5


def test_many_let_go_in_as_many_statements_as_one(submit: Submit, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = []
    for size in (1, 20):
        for _ in range(size):
            submit("Errand")
        real = queue.wait_for_others

        def counted(*arguments: Any, real: Any = real) -> Any:
            with CaptureQueriesContext(connection) as captured:
                try:
                    return real(*arguments)
                finally:
                    counts.append(len(captured))

        with monkeypatch.context() as patch:
            patch.setattr(queue, "wait_for_others", counted)
            _run_once(size)
        Job.objects.filter(status=Status.NEW).delete()
    assert set(counts) == {counts[0]}


def test_what_they_wait_for_may_have_ended_before_they_let_go(submit: Submit, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [submit("Errand"), submit("Errand")]
    real = queue.wait_for_others

    def later(*arguments: Any) -> bool:
        for _ in jobs:
            claim, (child,) = queue.claim(queue=Queue.QUICK, worker="other", size=1)
            assert queue.move(Job.objects.filter(pk=child.pk), Status.FINISHED, claim=claim) == [child.pk]
        return real(*arguments)

    monkeypatch.setattr(queue, "wait_for_others", later)
    _run_once(2)
    assert [_state(job) for job in jobs] == [(Status.FINISHED, None, None, "")] * 2


def test_one_that_is_cancelled_in_between_stays_so_and_the_others_wait(
    submit: Submit, house: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = (submit("Errand") for _ in range(3))
    _hook(monkeypatch, 2, lambda: services.set_status(caller=house, ids=[first.pk], status="CANCELLED", reason="no"))
    _run_once(3)
    assert _state(first) == (Status.CANCELLED, None, None, "no")
    assert [child.status for child in first.children.all()] == [Status.CANCELLED]
    assert [_state(job) for job in (second, third)] == [WAITING] * 2
    # Nothing of that run is left that would keep it from running again.
    services.set_status(caller=house, ids=[first.pk], status="NEW")
    work()
    assert [reread(job).status for job in (first, second, third)] == [Status.FINISHED] * 3


class Killed(BaseException):
    """As a SIGKILL: nothing after it is done."""


def test_killed_before_they_are_written_they_go_on_waiting_for_the_same(
    submit: Submit, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [submit("Errand") for _ in range(3)]

    def die(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(queue, "wait_for_others", die)
        with pytest.raises(Killed):
            _run_once(3)
    assert {reread(job).status for job in jobs} == {Status.RUNNING}
    assert all(reread(job).claim for job in jobs)
    Job.objects.filter(claim__isnull=False).update(heartbeat_at=jobs[0].created_at.replace(year=2020))
    for _ in range(2):
        maintenance.tick()
        Job.objects.filter(suspected_at__isnull=False).update(suspected_at=jobs[0].created_at.replace(year=2020))
    work()
    assert [reread(job).status for job in jobs] == [Status.FINISHED] * 3
    assert [job.children.count() for job in jobs] == [1] * 3
    assert [story(job) for job in jobs] == [["CREATED", "STARTED", "RESCUED", "STARTED", "FINISHED"]] * 3


def test_what_each_counted_is_kept(submit: Submit) -> None:
    plain, few, many = submit("Errand"), submit("Errand", COUNTED="3"), submit("Errand", COUNTED="7")
    _run_once(3)
    assert [(reread(job).completed, reread(job).total) for job in (plain, few, many)] == [
        (None, None),
        (3, 10),
        (7, 10),
    ]
    assert [_state(job) for job in (plain, few, many)] == [WAITING] * 3


def test_those_that_are_done_and_those_that_wait_are_written_each(submit: Submit) -> None:
    jobs = [submit("Errand"), submit("Nothing"), submit("Errand")]
    _run_once(3)
    assert [reread(job).status for job in jobs] == [Status.RUNNING, Status.FINISHED, Status.RUNNING]


def _beside(action: Any) -> Any:
    """What it returns in another thread, as the pulse's."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(action())
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    return found[0]


def test_while_a_slow_one_runs_those_before_it_are_let_go(submit: Submit, monkeypatch: pytest.MonkeyPatch) -> None:
    before, slow, behind = submit("Errand"), submit("Errand"), submit("Errand")
    seen: list[Any] = []

    def watch() -> None:
        until = time.monotonic() + 10
        while time.monotonic() < until and _state(before) != WAITING:
            time.sleep(0.05)
        seen.extend([_state(before), _state(behind)[:2]])

    _hook(monkeypatch, 2, watch)
    one = Runner(Queue.QUICK)
    claim, jobs = queue.claim(queue=Queue.QUICK, worker=one.worker, size=3)
    one._work_off(claim, jobs)
    assert seen == [WAITING, (Status.NEW, None)]
    assert _state(slow) == WAITING


def test_one_that_was_cancelled_before_it_is_let_go_beside_a_slow_one_can_run_again(
    submit: Submit, house: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, slow = submit("Errand"), submit("Errand")
    one = Runner(Queue.QUICK)
    claim, jobs = queue.claim(queue=Queue.QUICK, worker=one.worker, size=2)

    def cancel_and_make_room() -> None:
        services.set_status(caller=house, ids=[before.pk], status="CANCELLED")
        _beside(lambda: one._make_room(claim))

    _hook(monkeypatch, 2, cancel_and_make_room)
    one._work_off(claim, jobs)
    assert _state(before) == (Status.CANCELLED, None, None, "")
    assert _state(slow) == WAITING


def test_what_could_not_be_written_beside_a_slow_one_is_written_at_the_end(
    submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, slow = submit("Errand"), submit("Errand", COUNTED="2")
    one = Runner(Queue.QUICK)
    claim, jobs = queue.claim(queue=Queue.QUICK, worker=one.worker, size=2)
    real, calls = queue.wait_for_others, []

    def once_in_vain(*arguments: Any) -> bool:
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError
        return real(*arguments)

    def make_room() -> None:
        with pytest.raises(ZeroDivisionError):
            one._make_room(claim)

    monkeypatch.setattr(queue, "wait_for_others", once_in_vain)
    _hook(monkeypatch, 2, make_room)
    one._work_off(claim, jobs)
    assert [_state(before), _state(slow)] == [WAITING] * 2
    assert (reread(slow).completed, runner._runners) == (2, {})


@pytest.mark.parametrize(("moves_on", "attempts"), [(True, 1), (False, 4)])
def test_a_database_that_was_away_is_counted_only_for_who_did_not_move_on(
    submit: Submit, monkeypatch: pytest.MonkeyPatch, moves_on: bool, attempts: int
) -> None:
    job = submit("Stepwise", STEPS="9")
    Job.objects.filter(pk=job.pk).update(attempts=3)

    def run(self: Stepwise, context: Any) -> Any:
        if moves_on:
            context.checkpoint(cursor=1)
        raise OperationalError("away")

    monkeypatch.setattr(Stepwise, "run", run)
    _run_once(1)

    assert _state(job) == (Status.NEW, None, None, "the database could not be used")
    assert reread(job).attempts == attempts
