"""R16, R19: runners, people and children that meet at one job: one of them is first, and nobody waits for ever."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from gateway.caller import Caller
from gateway.errors import Refusal
from jobs import queue, services
from jobs.models import Job, JobEvent
from jobs.states import Queue, Status
from tests.jobs.conftest import Submit, reread, story

pytestmark = pytest.mark.django_db(transaction=True)


def _together(*actions: Callable[[], Any]) -> list[Any]:
    """What each action returned, or raised, when all began at once."""
    barrier = threading.Barrier(len(actions))
    results: list[Any] = [None] * len(actions)

    def run(index: int, action: Callable[[], Any]) -> None:
        try:
            barrier.wait()
            results[index] = action()
        except Exception as error:
            results[index] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=item) for item in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def _claim_all() -> list[int]:
    found: list[int] = []
    while jobs := queue.claim(queue=Queue.QUICK, worker="me", size=7)[1]:
        found += [job.pk for job in jobs]
    return found


def test_r16_runners_that_race_claim_each_job_once(submit: Submit) -> None:
    jobs = [submit(name).pk for name in ["Nothing"] * 60 + ["Careful"] * 20]
    claimed = _together(*[_claim_all] * 4)
    assert sorted(pk for found in claimed for pk in found) == jobs
    assert JobEvent.objects.filter(name="STARTED").count() == len(jobs)


def test_runners_that_race_for_jobs_of_one_key_get_one(submit: Submit) -> None:
    for _ in range(8):
        submit("Alone", STEPS="1")
    claimed = _together(*[_claim_all] * 4)
    assert sorted(map(len, claimed)) == [0, 0, 0, 1]
    assert Job.objects.filter(status=Status.RUNNING).count() == 1


def test_r19_cancel_and_finish_at_once_leave_one_end(submit: Submit, house: Caller) -> None:
    for _ in range(20):
        job = submit("Careful")
        claim, _ = queue.claim(queue=Queue.QUICK, worker="me", size=1)
        rows = Job.objects.filter(pk=job.pk)
        finished, cancelled = _together(
            lambda rows=rows, claim=claim: queue.move(rows, Status.FINISHED, claim=claim),
            lambda job=job: services.set_status(caller=house, ids=[job.pk], status="CANCELLED"),
        )
        ends = story(job)[2:]
        assert ends in (["FINISHED"], ["CANCELLED"])
        assert (finished == [job.pk]) == (ends == ["FINISHED"])
        assert isinstance(cancelled, Refusal) == (ends == ["FINISHED"])
        queue.let_go(claim)


def test_children_that_end_together_settle_their_parent_once(submit: Submit) -> None:
    for _ in range(10):
        parent = submit("Legs", legIds="")
        _, (job,) = queue.claim(queue=Queue.QUICK, worker="me", size=1)
        children = [
            Job.objects.create(job_class="tests.Careful", parent=job, root=job, queue=Queue.QUICK) for _ in range(4)
        ]
        assert queue.wait_for_others([job], "", {})
        claims = [queue.claim(queue=Queue.QUICK, worker="me", size=1)[0] for _ in children]
        _together(
            *(
                lambda claim=claim: queue.move(Job.objects.all(), Status.FINISHED, claim=claim)  # type: ignore[misc]
                for claim in claims
            )
        )
        assert (reread(parent).status, story(parent)) == (Status.FINISHED, ["CREATED", "STARTED", "FINISHED"])


def test_cancelling_a_tree_while_its_children_end_waits_for_nobody_for_ever(submit: Submit, house: Caller) -> None:
    for _ in range(10):
        parent = submit("Legs", legIds="")
        _, (job,) = queue.claim(queue=Queue.QUICK, worker="me", size=1)
        children = [
            Job.objects.create(job_class="tests.Careful", parent=job, root=job, queue=Queue.QUICK) for _ in range(4)
        ]
        assert queue.wait_for_others([job], "", {})
        claims = [queue.claim(queue=Queue.QUICK, worker="me", size=1)[0] for _ in children]
        results = _together(
            lambda parent=parent: services.set_status(caller=house, ids=[parent.pk], status="CANCELLED"),
            *(
                lambda claim=claim: queue.move(Job.objects.all(), Status.FINISHED, claim=claim)  # type: ignore[misc]
                for claim in claims
            ),
        )
        # The last child may have been quicker than who cancelled.
        assert isinstance(results[0], Refusal) == (reread(parent).status == Status.FINISHED)
        assert [result for result in results[1:] if isinstance(result, Exception)] == []
        assert Job.objects.open().count() == 0
        for held in claims:
            queue.let_go(held)
