"""What stays true when a worker or its database dies in between."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from gateway.caller import Caller
from sending import dispatch, leases, maintenance, outcomes, queue, services
from sending.journal import Journal, is_here, read, remove
from sending.models import Dispatcher, Message
from sending.outcomes import Told
from sending.states import Status
from tests.factories import make_caller
from tests.sending.factories import (
    ScriptedChannel,
    event_names,
    submitted,
)

pytestmark = pytest.mark.django_db


def _claimed_by_a_dead_worker(count: int) -> tuple[Dispatcher, list[Message]]:
    """Its journal is here, and nobody holds it."""
    caller = make_caller()
    for _ in range(count):
        submitted(caller)
    dispatcher = Dispatcher.objects.create(host="gone", pid=1, lease_until=timezone.now() + timedelta(hours=1))
    Journal(dispatcher.pk).close()
    return dispatcher, queue.claim(channel="EMAIL", dispatcher=dispatcher, size=count)


def _told(message: Message, status: Status = Status.SENT, words: str = "250") -> Told:
    return Told(
        message_id=message.pk,
        channel="EMAIL",
        status=status,
        reason=words,
        at=timezone.now(),
        tried=message.attempts + 1,
        attempts=message.attempts + 1,
        due_at=timezone.now() if status == Status.RETRY else None,
    )


def _statuses() -> list[str]:
    return list(Message.objects.order_by("id").values_list("status", flat=True))


def test_r2_a_dead_workers_first_message_is_in_doubt_and_the_others_wait_again() -> None:
    dispatcher, (first, second, third) = _claimed_by_a_dead_worker(3)
    assert outcomes.record([_told(first)], dispatcher)
    assert maintenance.recover_dead() == [second.pk]
    assert _statuses() == ["SENT", "UNCERTAIN", "ACCEPTED"]
    assert event_names(third) == ["ACCEPTED", "SENDING", "ACCEPTED"]
    assert not Dispatcher.objects.filter(pk=dispatcher.pk).exists()
    assert maintenance.recover_dead() == []


def test_what_its_workers_die_of_is_given_up_where_twice_is_as_once(settings) -> None:
    settings.HAMMY_RETRY_ATTEMPTS = 2
    deadly, other = (submitted(channel="PORTAL") for _ in range(2))
    for attempts in (1, 2):
        dispatcher = Dispatcher.objects.create(host="gone", pid=1, lease_until=timezone.now())
        # The one with the longer wait is worked off first.
        Message.objects.filter(pk=deadly.pk).update(due_at=deadly.created_at - timedelta(minutes=1))
        assert queue.claim(channel="PORTAL", dispatcher=dispatcher, size=2)[0].pk == deadly.pk
        doubtful, waiting = queue.recover(dispatcher, why="worker gone died")
        assert doubtful == []
        assert waiting == [deadly.pk, other.pk][attempts - 1 :]
    deadly.refresh_from_db()
    assert (deadly.status, deadly.attempts) == ("FAILED", 2)
    assert deadly.reason == "gave up after 2 attempts: worker gone died"
    other.refresh_from_db()
    assert (other.status, other.attempts) == ("ACCEPTED", 0)


def test_r2_what_a_dead_worker_wrote_to_its_journal_is_known_but_for_a_line_it_did_not_finish() -> None:
    dispatcher, (first, second, third, fourth) = _claimed_by_a_dead_worker(4)
    journal = Journal(dispatcher.pk)
    journal.write(_told(first, words="250 Ő first").line())
    journal.write(_told(second, Status.FAILED, "550 no").line())
    journal._file.write(_told(third).line()[:40])
    assert maintenance.recover_dead() == []
    journal.close()
    assert maintenance.recover_dead() == [third.pk]
    assert _statuses() == ["SENT", "FAILED", "UNCERTAIN", "ACCEPTED"]
    assert list(Message.objects.order_by("id").values_list("reason", flat=True)[:2]) == ["250 Ő first", "550 no"]
    assert event_names(first) == ["ACCEPTED", "SENDING", "SENT"]
    assert event_names(fourth) == ["ACCEPTED", "SENDING", "ACCEPTED"]


def test_a_journal_knows_its_claim_until_the_next_one_is_committed(worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that crashes forgets the outcomes since its last durable commit; the next claim's is that."""
    caller = make_caller()
    for number in range(2):
        submitted(caller, request_id=str(number))
    seen: list[list[bytes]] = []
    real = queue.claim

    def claim(**options):
        dispatcher = options["dispatcher"]
        seen.append(read(dispatcher.pk))
        return real(**options)

    monkeypatch.setattr(queue, "claim", claim)
    worker()
    assert [len(lines) for lines in seen] == [0, 2]


@pytest.mark.django_db(transaction=True)
def test_a_journal_goes_with_its_dispatcher() -> None:
    dispatcher, _ = _claimed_by_a_dead_worker(1)
    assert is_here(dispatcher.pk)
    maintenance.recover_dead()
    assert not is_here(dispatcher.pk)


def test_another_hosts_worker_is_given_time_and_then_all_it_may_have_sent_is_in_doubt(settings) -> None:
    dispatcher, claimed = _claimed_by_a_dead_worker(5)
    remove(dispatcher.pk)
    assert maintenance.recover_dead() == []
    settings.HAMMY_HOST_SECONDS = 0.0
    assert maintenance.recover_dead() == [message.pk for message in claimed]
    assert _statuses() == ["UNCERTAIN"] * 5


def test_outcomes_are_written_together_but_not_later_than_a_moment(worker, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = make_caller()
    for _ in range(5):
        submitted(caller)
    real, sizes = outcomes.record, []

    def record(tolds, dispatcher):
        sizes.append(len(tolds))
        return real(tolds, dispatcher)

    monkeypatch.setattr(outcomes, "record", record)
    monkeypatch.setattr(dispatch, "MOST_UNRECORDED", 2)
    monkeypatch.setattr(dispatch, "_RECORD_SECONDS", 60.0)
    worker()
    assert (sizes, _statuses()) == ([2, 2, 1], ["SENT"] * 5)


def test_a_journal_that_cannot_be_written_stops_no_letter(worker, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    caller = make_caller()
    for _ in range(2):
        submitted(caller)
    monkeypatch.setattr(Journal, "write", full)
    worker()
    assert _statuses() == ["SENT", "SENT"]


def test_r7_outcomes_that_the_database_may_have_forgotten_leave_the_whole_claim_in_doubt() -> None:
    dispatcher, claimed = _claimed_by_a_dead_worker(3)
    ids = [message.pk for message in claimed]
    assert queue.recover(dispatcher, why="the database was restarted", begun=100) == (ids, [])
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
        patched.setattr(outcomes, "record", broken)
        with pytest.raises(ValueError, match="a bug of ours"):
            dispatch.work("EMAIL")
    assert {first.pk, second.pk} == set(Message.objects.claimed().values_list("pk", flat=True))
    # Its journal knows better than to send them again.
    assert maintenance.recover_dead() == []
    assert _statuses() == ["SENT", "SENT"]


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
    assert not outcomes.record([_told(first, words="250 late")], dispatcher)
    first.refresh_from_db()
    assert (first.status, first.reason) == ("SENT", "250 late")
    assert event_names(first) == ["ACCEPTED", "SENDING", "UNCERTAIN", "SENT"]
    assert not outcomes.record([_told(second)], dispatcher)
    second.refresh_from_db()
    assert second.status == Status.ACCEPTED


def test_a_worker_taken_for_dead_that_does_not_know_leaves_its_message_in_doubt() -> None:
    dispatcher, (message,) = _claimed_by_a_dead_worker(1)
    queue.recover(dispatcher, why="presumed dead")
    assert not outcomes.record([_told(message, Status.UNCERTAIN, "after the final dot: no answer in time")], dispatcher)
    message.refresh_from_db()
    assert (message.status, message.attempts) == ("UNCERTAIN", 1)


def test_what_a_worker_knows_of_its_try_says_nothing_about_a_later_one() -> None:
    dispatcher, (message,) = _claimed_by_a_dead_worker(1)
    queue.recover(dispatcher, why="presumed dead")
    services.settle(caller=Caller.house(), message_id=message.pk, verdict="send_again", reason="it seems lost")
    another = Dispatcher.objects.create(host="other", pid=2, lease_until=timezone.now())
    queue.claim(channel="EMAIL", dispatcher=another, size=1)
    queue.recover(another, why="died too")
    assert not outcomes.record([_told(message, Status.RETRY, "450 refused the first time")], dispatcher)
    message.refresh_from_db()
    assert (message.status, message.attempts) == ("UNCERTAIN", 2)


def test_r7_what_a_broken_database_forgot_is_told_again(worker, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = make_caller()
    first, second, third = (submitted(caller) for _ in range(3))
    real, calls = outcomes.record, []

    def record(tolds, dispatcher):
        calls.append([told.message_id for told in tolds])
        if len(calls) == 2:
            # As after a crash: the first outcome was not yet durable.
            Message.objects.filter(pk=first.pk).update(
                status="SENDING", dispatcher=dispatcher, closed_at=None, attempts=0
            )
            raise OperationalError("gone")
        return real(tolds, dispatcher)

    monkeypatch.setattr(outcomes, "record", record)
    monkeypatch.setattr(dispatch, "MOST_UNRECORDED", 1)
    monkeypatch.setattr(dispatch.connection, "close", lambda: None)
    worker()
    assert calls == [[first.pk], [second.pk], [first.pk, second.pk]]
    assert _statuses() == ["SENT", "SENT", "ACCEPTED"]
    assert event_names(third) == ["ACCEPTED", "SENDING", "ACCEPTED"]


def test_r7_an_outcome_is_kept_until_the_database_is_back(worker, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = make_caller()
    for _ in range(2):
        submitted(caller)
    real, failures = outcomes.record, [OperationalError("gone"), OperationalError("gone")]

    def record(*args):
        if failures:
            raise failures.pop()
        return real(*args)

    monkeypatch.setattr(outcomes, "record", record)
    monkeypatch.setattr(dispatch, "MOST_UNRECORDED", 1)
    monkeypatch.setattr(dispatch.connection, "close", lambda: None)
    channel = worker()
    # The claim may be another's after the break: what was not begun is given back, not gone on with.
    assert _statuses() == ["SENT", "ACCEPTED"]
    assert len(channel.parcels) == 1
