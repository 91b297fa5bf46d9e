"""What stays true when a worker or its database dies in between."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from gateway.caller import Caller
from sending import dispatch, leases, maintenance, queue, services
from sending.channels.base import Outcome, OutcomeKind
from sending.models import Dispatcher, Message
from sending.states import Status
from tests.factories import make_caller
from tests.sending.factories import (
    ScriptedChannel,
    event_names,
    submitted,
)

pytestmark = pytest.mark.django_db


def _claimed_by_a_dead_worker(count: int) -> tuple[Dispatcher, list[Message]]:
    caller = make_caller()
    for _ in range(count):
        submitted(caller)
    dispatcher = Dispatcher.objects.create(host="gone", pid=1, lease_until=timezone.now() + timedelta(hours=1))
    return dispatcher, queue.claim(channel="EMAIL", dispatcher=dispatcher, size=count)


def test_r2_a_dead_workers_first_message_is_in_doubt_and_the_others_wait_again() -> None:
    dispatcher, (first, second, third) = _claimed_by_a_dead_worker(3)
    sent = Outcome(kind=OutcomeKind.SENT, words="250")
    assert queue.record(first, sent, status=Status.SENT, due_at=None, dispatcher=dispatcher)
    assert maintenance.recover_dead() == [second.pk]
    assert list(Message.objects.order_by("id").values_list("status", flat=True)) == ["SENT", "UNCERTAIN", "ACCEPTED"]
    assert event_names(third) == ["ACCEPTED", "SENDING", "ACCEPTED"]
    assert not Dispatcher.objects.filter(pk=dispatcher.pk).exists()
    assert maintenance.recover_dead() == []


def test_r7_outcomes_that_the_database_may_have_forgotten_leave_the_whole_claim_in_doubt() -> None:
    dispatcher, claimed = _claimed_by_a_dead_worker(3)
    ids = [message.pk for message in claimed]
    assert queue.recover(dispatcher, why="the database was restarted", is_history_whole=False) == (ids, [])
    assert list(Message.objects.values_list("status", "attempts")) == [("UNCERTAIN", 1)] * 3


def test_r7_a_database_that_was_started_anew_may_have_forgotten_outcomes(monkeypatch: pytest.MonkeyPatch) -> None:
    started_at = timezone.now() - timedelta(hours=1)
    monkeypatch.setattr(leases, "_database_start", lambda: started_at)
    dispatcher, claimed = _claimed_by_a_dead_worker(2)
    dispatcher.database_started_at = started_at
    dispatcher.save(update_fields=["database_started_at"])
    assert leases.is_history_whole(dispatcher)
    # Started this moment: a worker that outlived it is given the time to tell what it knows.
    monkeypatch.setattr(leases, "_database_start", timezone.now)
    assert maintenance.recover_dead() == []
    assert set(Message.objects.values_list("status", flat=True)) == {"SENDING"}
    monkeypatch.setattr(leases, "_database_start", lambda: timezone.now() - timedelta(seconds=10))
    assert maintenance.recover_dead() == [message.pk for message in claimed]


def test_what_a_worker_holds_is_taken_only_in_its_name() -> None:
    dispatcher, (claimed,) = _claimed_by_a_dead_worker(1)
    stranger = Dispatcher.objects.create(host="other", pid=2, lease_until=timezone.now())
    chosen_before_the_claim = Message.objects.filter(pk=claimed.pk)
    assert queue.move(chosen_before_the_claim, Status.ACCEPTED, reason="its time has come") == []
    assert queue.move(chosen_before_the_claim, Status.ACCEPTED, reason="mine", claimed_by=stranger) == []
    assert event_names(claimed) == ["ACCEPTED", "SENDING"]
    assert queue.move(chosen_before_the_claim, Status.ACCEPTED, reason="mine", claimed_by=dispatcher) == [claimed.pk]


def test_a_wake_up_that_fails_lets_its_claim_be_recovered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "_own", None)
    monkeypatch.setattr(dispatch, "_workers", {})
    monkeypatch.setattr(dispatch, "kept_channel", lambda name: ScriptedChannel())

    def broken(*args, **kwargs):
        raise ValueError("a bug of ours")

    caller = make_caller()
    first, second = submitted(caller), submitted(caller)
    with monkeypatch.context() as patched:
        patched.setattr(queue, "record", broken)
        with pytest.raises(ValueError, match="a bug of ours"):
            dispatch.work("EMAIL")
    assert event_names(second) == ["ACCEPTED", "SENDING", "ACCEPTED"]
    assert first.pk in Message.objects.claimed().values_list("pk", flat=True)
    assert leases.standing().dispatcher.pk != Dispatcher.objects.order_by("id")[0].pk


def test_a_living_worker_is_left_alone() -> None:
    lease = leases.Lease()
    submitted()
    queue.claim(channel="EMAIL", dispatcher=lease.dispatcher, size=1)
    leases._own = lease
    assert maintenance.recover_dead() == []
    leases._own = None
    assert Message.objects.get().status == Status.SENDING


def test_a_worker_taken_for_dead_may_still_tell_what_it_knows() -> None:
    dispatcher, (first, second) = _claimed_by_a_dead_worker(2)
    queue.recover(dispatcher, why="presumed dead")
    sent = Outcome(kind=OutcomeKind.SENT, words="250 late")
    assert not queue.record(first, sent, status=Status.SENT, due_at=None, dispatcher=dispatcher)
    first.refresh_from_db()
    assert (first.status, first.reason) == ("SENT", "250 late")
    assert event_names(first) == ["ACCEPTED", "SENDING", "UNCERTAIN", "SENT"]
    assert not queue.record(second, sent, status=Status.SENT, due_at=None, dispatcher=dispatcher)
    second.refresh_from_db()
    assert second.status == Status.ACCEPTED


def test_a_worker_taken_for_dead_that_does_not_know_leaves_its_message_in_doubt() -> None:
    dispatcher, (message,) = _claimed_by_a_dead_worker(1)
    queue.recover(dispatcher, why="presumed dead")
    lost = Outcome(kind=OutcomeKind.UNCERTAIN, words="after the final dot: no answer in time")
    assert not queue.record(message, lost, status=Status.UNCERTAIN, due_at=None, dispatcher=dispatcher)
    message.refresh_from_db()
    assert (message.status, message.attempts) == ("UNCERTAIN", 1)


def test_what_a_worker_knows_of_its_try_says_nothing_about_a_later_one() -> None:
    dispatcher, (message,) = _claimed_by_a_dead_worker(1)
    queue.recover(dispatcher, why="presumed dead")
    services.settle(caller=Caller.house(), message_id=message.pk, verdict="send_again", reason="it seems lost")
    another = Dispatcher.objects.create(host="other", pid=2, lease_until=timezone.now())
    queue.claim(channel="EMAIL", dispatcher=another, size=1)
    queue.recover(another, why="died too")
    refused = Outcome(kind=OutcomeKind.RETRY, words="450 refused the first time")
    assert not queue.record(message, refused, status=Status.RETRY, due_at=timezone.now(), dispatcher=dispatcher)
    message.refresh_from_db()
    assert (message.status, message.attempts) == ("UNCERTAIN", 2)


def test_r7_what_a_broken_database_forgot_is_told_again(worker, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = make_caller()
    first, second, third = (submitted(caller) for _ in range(3))
    real, calls = queue.record, []

    def record(message, *args, **kwargs):
        calls.append(message.pk)
        if len(calls) == 2:
            # As after a crash: the first outcome was not yet durable.
            Message.objects.filter(pk=first.pk).update(
                status="SENDING", dispatcher=kwargs["dispatcher"], closed_at=None, attempts=0
            )
            raise OperationalError("gone")
        return real(message, *args, **kwargs)

    monkeypatch.setattr(queue, "record", record)
    monkeypatch.setattr(dispatch.connection, "close", lambda: None)
    worker()
    assert calls == [first.pk, second.pk, first.pk, second.pk]
    assert list(Message.objects.order_by("id").values_list("status", flat=True)) == ["SENT", "SENT", "ACCEPTED"]
    assert event_names(third) == ["ACCEPTED", "SENDING", "ACCEPTED"]


def test_r7_an_outcome_is_kept_until_the_database_is_back(worker, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = make_caller()
    first, second = submitted(caller), submitted(caller)
    real, failures = queue.record, [OperationalError("gone"), OperationalError("gone")]

    def record(*args, **kwargs):
        if failures:
            raise failures.pop()
        return real(*args, **kwargs)

    monkeypatch.setattr(queue, "record", record)
    monkeypatch.setattr(dispatch.connection, "close", lambda: None)
    channel = worker()
    first.refresh_from_db()
    second.refresh_from_db()
    # The claim may be another's after the break: what was not begun is given back, not gone on with.
    assert (first.status, second.status) == ("SENT", "ACCEPTED")
    assert len(channel.parcels) == 1
