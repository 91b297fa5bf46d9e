"""A cancelled job takes along what it has sent and did not go out."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from gateway.caller import Caller
from jobs import queue as job_queue
from jobs import services as job_services
from jobs.models import Job
from jobs.states import Queue
from sending import maintenance, queue, services, withdrawing
from sending.models import Dispatcher, Message, MessageEvent, Withdrawal
from sending.states import Status
from tests.factories import make_caller
from tests.sending.factories import a_letter, event_names, submitted

pytestmark = pytest.mark.django_db
HOUSE = Caller.house("operator")


def _job() -> Job:
    """At work."""
    job_services.submit(caller=HOUSE, job_class="tests.Careful")
    _claim, (job,) = job_queue.claim(queue=Queue.QUICK, worker="here", size=1)
    return job


def _sent_by(job: Job, count: int) -> list[Message]:
    letters = [a_letter() for _ in range(count)]
    results: list[Any] = services.submit_many(caller=make_caller(), letters=letters, job_id=job.pk)
    return list(Message.objects.filter(id__in=[one.message_id for one in results]).order_by("id"))


def _cancel(job: Job) -> None:
    job_services.set_status(caller=HOUSE, ids=[job.pk], status="CANCELLED", reason="wrong list")


def _let_go(job: Job) -> None:
    assert job.claim is not None
    job_queue.let_go(job.claim)


def test_cancelling_a_job_withdraws_its_waiting_messages_with_it_and_no_others() -> None:
    job, other = _job(), _job()
    waiting, held, sent = _sent_by(job, 3)
    services.hold(caller=HOUSE, message_ids=[held.pk], reason="r")
    Message.objects.filter(pk=sent.pk).update(status=Status.SENT, closed_at=timezone.now(), due_at=None)
    strange, alone = _sent_by(other, 1)[0], submitted()
    _cancel(job)
    assert dict(Message.objects.values_list("pk", "status")) == {
        waiting.pk: "CANCELLED",
        held.pk: "CANCELLED",
        sent.pk: "SENT",
        strange.pk: "ACCEPTED",
        alone.pk: "ACCEPTED",
    }
    event = MessageEvent.objects.filter(message=waiting).latest("id")
    assert (event.name, event.reason, event.actor) == ("CANCELLED", "its job was cancelled: wrong list", "operator")


def test_a_cancelling_that_is_undone_leaves_the_messages() -> None:
    job = _job()
    (message,) = _sent_by(job, 1)
    other = Job.objects.create(
        job_class="tests.Nothing", status="FINISHED", started_at=timezone.now(), finished_at=timezone.now()
    )
    with pytest.raises(Exception, match="cannot become CANCELLED"):
        job_services.set_status(caller=HOUSE, ids=[job.pk, other.pk], status="CANCELLED")
    assert event_names(message) == ["ACCEPTED"]
    assert not Withdrawal.objects.exists()


def test_very_many_are_withdrawn_in_portions_by_the_next_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("_AT_ONCE", 2), ("_BATCH", 2), ("_PORTIONS", 2)):
        monkeypatch.setattr(withdrawing, name, value)
    job = _job()
    _sent_by(job, 9)
    _cancel(job)
    _let_go(job)
    open_counts = [Message.objects.filter(status=Status.ACCEPTED).count()]
    for _ in range(3):
        maintenance.tick()
        open_counts.append(Message.objects.filter(status=Status.ACCEPTED).count())
    assert open_counts == [7, 3, 0, 0]
    assert not Withdrawal.objects.exists()
    assert MessageEvent.objects.filter(name="CANCELLED", actor="operator").count() == 9


def test_nothing_more_is_taken_of_a_cancelled_job_while_it_is_withdrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(withdrawing, "_AT_ONCE", 1)
    job, other = _job(), _job()
    old, strange = _sent_by(job, 3), _sent_by(other, 1)
    _cancel(job)
    late = _sent_by(job, 1)
    assert _claimed() == [strange[0].pk]
    _let_go(job)
    job_services.set_status(caller=HOUSE, ids=[job.pk], status="NEW")
    again = _sent_by(job, 1)
    assert _claimed() == [again[0].pk]
    assert withdrawing.go_on() == 3
    assert [event_names(message)[-1] for message in (*old, *late)] == ["CANCELLED"] * 4


def _claimed() -> list[int]:
    dispatcher = Dispatcher.objects.create(host="h", pid=1, lease_until=timezone.now() + timedelta(hours=1))
    return [message.pk for message in queue.claim(channel="EMAIL", dispatcher=dispatcher, size=10)]


def test_what_was_being_sent_is_withdrawn_when_it_comes_back() -> None:
    job = _job()
    (message,) = _sent_by(job, 1)
    dispatcher = Dispatcher.objects.create(host="h", pid=1, lease_until=timezone.now() + timedelta(hours=1))
    claimed = queue.claim(channel="EMAIL", dispatcher=dispatcher, size=1)
    _cancel(job)
    _let_go(job)
    assert withdrawing.go_on() == 0
    assert Withdrawal.objects.get().job_id == job.pk
    queue.give_back(claimed, dispatcher, reason="stopping")
    assert withdrawing.go_on() == 1
    message.refresh_from_db()
    assert (message.status, Withdrawal.objects.count()) == ("CANCELLED", 0)


def test_what_a_run_sends_before_it_hears_is_withdrawn_too() -> None:
    job = _job()
    _cancel(job)
    (late,) = _sent_by(job, 1)
    assert withdrawing.go_on() == 1
    # Until the run has let go it might send more.
    assert Withdrawal.objects.count() == 1
    _let_go(job)
    assert withdrawing.go_on() == 0
    assert (event_names(late), Withdrawal.objects.count()) == (["ACCEPTED", "CANCELLED"], 0)


def test_a_job_that_runs_again_keeps_what_it_sends_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(withdrawing, "_AT_ONCE", 1)
    job = _job()
    old = _sent_by(job, 2)
    _cancel(job)
    _let_go(job)
    job_services.set_status(caller=HOUSE, ids=[job.pk], status="NEW")
    (new,) = _sent_by(job, 1)
    assert withdrawing.go_on() == 1
    assert [event_names(message)[-1] for message in (*old, new)] == ["CANCELLED", "CANCELLED", "ACCEPTED"]
    assert not Withdrawal.objects.exists()


def test_a_job_that_was_never_begun_and_sent_nothing_is_not_noted() -> None:
    job = job_services.submit(caller=HOUSE, job_class="tests.Nothing")
    _cancel(job)
    assert not Withdrawal.objects.exists()
