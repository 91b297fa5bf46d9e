"""Handing over: what each outcome leads to, and what stays true when something dies in between."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from gateway.caller import Caller
from sending import dispatch, editorial, leases, maintenance, queue, services
from sending.channels.base import Outcome, OutcomeKind
from sending.models import Dispatcher, Lane, Message, MessageEvent, Template
from sending.states import Status, TemplateStatus
from tests.factories import make_caller
from tests.sending.factories import (
    ScriptedChannel,
    an_attachment,
    event_names,
    make_template,
    submitted,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch):
    """A worker over a scripted channel: call it with the outcomes to come; gives the channel."""
    monkeypatch.setattr(leases, "_own", None)

    def run(*script) -> ScriptedChannel:
        channel = ScriptedChannel(*script)
        monkeypatch.setattr(dispatch, "kept_channel", lambda name: channel)
        dispatch.Worker("EMAIL").work()
        return channel

    return run


def _outcome(kind: OutcomeKind, words: str = "words", **recipients: str) -> Outcome:
    return Outcome(kind=kind, words=words, recipients=recipients)


def test_a_message_that_is_sent_is_closed_with_the_servers_words(worker) -> None:
    message = submitted()
    channel = worker(_outcome(OutcomeKind.SENT, "250 queued as 1", elek="sent"))
    message.refresh_from_db()
    assert (message.status, message.reason, message.attempts, message.dispatcher) == (
        "SENT",
        "250 queued as 1",
        1,
        None,
    )
    assert message.closed_at == message.updated_at
    assert event_names(message) == ["ACCEPTED", "SENDING", "SENT"]
    assert message.events.get(name="SENT").recipients == {"elek": "sent"}
    assert [parcel.message_id for parcel in channel.parcels] == [message.pk]


def test_the_parcel_holds_the_words_the_addresses_and_the_attachments(worker) -> None:
    caller = make_caller(from_address="iroda@biztosito.hu", from_name="Iroda")
    submitted(
        caller,
        recipient_email_address_cc=("cc@example.com",),
        recipient_name_cc="Másolat",
        bcc_address=("bcc@example.com",),
        reply_to_address="valasz@biztosito.hu",
        attachments=(an_attachment(b"abc"),),
    )
    (parcel,) = worker().parcels
    assert (parcel.subject, parcel.text, parcel.html) == ("Teszt levél tárgy", "Teszt levél szöveg", "")
    assert (parcel.sender.address, parcel.sender.name) == ("iroda@biztosito.hu", "Iroda")
    assert (parcel.recipient.address, parcel.recipient.name) == ("elek@example.com", "Teszt Elek")
    assert [(one.address, one.name) for one in parcel.cc] == [("cc@example.com", "Másolat")]
    assert [one.address for one in parcel.bcc] == ["bcc@example.com"]
    assert parcel.reply_to is not None
    assert parcel.reply_to.address == "valasz@biztosito.hu"
    assert [(one.file_name, one.content) for one in parcel.enclosures] == [("minta.pdf", b"abc")]


def test_a_temporary_refusal_spends_an_attempt_and_comes_again_later(worker, settings) -> None:
    settings.HAMMY_RETRY_FIRST_SECONDS = 100.0
    message = submitted()
    before = timezone.now()
    worker(_outcome(OutcomeKind.RETRY, "451 later"))
    message.refresh_from_db()
    assert (message.status, message.attempts, message.reason) == ("RETRY", 1, "451 later")
    wait = (message.due_at - before).total_seconds()
    assert 80 <= wait <= 121
    assert worker().parcels == []


def test_r28_attempts_have_an_end(worker, settings) -> None:
    settings.HAMMY_RETRY_ATTEMPTS = 2
    settings.HAMMY_RETRY_FIRST_SECONDS = 0.0
    message = submitted()
    for _ in range(2):
        worker(_outcome(OutcomeKind.RETRY, "451 later"), _outcome(OutcomeKind.RETRY, "451 later"))
    message.refresh_from_db()
    assert (message.status, message.attempts) == ("FAILED", 2)
    assert message.reason == "gave up after 2 attempts: 451 later"


def test_retrying_ends_some_time_after_the_first_try(worker, settings) -> None:
    settings.HAMMY_RETRY_AGE_SECONDS = 86400.0
    message = submitted()
    worker(_outcome(OutcomeKind.LATER, "421 busy"))
    MessageEvent.objects.update(created_at=timezone.now() - timedelta(days=2))
    Lane.objects.all().delete()
    worker(_outcome(OutcomeKind.LATER, "421 busy"))
    message.refresh_from_db()
    assert (message.status, message.reason) == ("FAILED", "gave up after 1 days: 421 busy")


@pytest.mark.parametrize("kind", [OutcomeKind.LATER, OutcomeKind.RETRY])
def test_a_letter_that_waited_long_for_its_time_gets_all_its_tries(worker, settings, kind: OutcomeKind) -> None:
    settings.HAMMY_RETRY_AGE_SECONDS = 86400.0
    message = submitted(send_at=timezone.now() + timedelta(days=5))
    long_ago = timezone.now() - timedelta(days=5)
    Message.objects.update(created_at=long_ago, due_at=timezone.now())
    MessageEvent.objects.update(created_at=long_ago)
    assert maintenance.release_due() == 1
    worker(_outcome(kind, "451 not now"))
    message.refresh_from_db()
    assert message.status == ("ACCEPTED" if kind == OutcomeKind.LATER else "RETRY")


def test_a_requeued_letter_gets_all_its_tries_anew(worker, settings) -> None:
    settings.HAMMY_RETRY_AGE_SECONDS = 86400.0
    caller = make_caller()
    message = submitted(caller)
    worker(_outcome(OutcomeKind.FAILED, "550 no"))
    MessageEvent.objects.update(created_at=timezone.now() - timedelta(days=9))
    services.requeue(caller=caller, message_ids=[message.pk], reason="the mailbox exists now")
    worker(_outcome(OutcomeKind.RETRY, "450 busy"))
    message.refresh_from_db()
    assert (message.status, message.attempts) == ("RETRY", 1)


def test_a_permanent_refusal_fails_with_the_servers_words(worker) -> None:
    message = submitted()
    worker(_outcome(OutcomeKind.FAILED, "550 no such user"))
    message.refresh_from_db()
    assert (message.status, message.reason) == ("FAILED", "550 no such user")


def test_r12_throttling_rests_the_lane_and_spends_no_attempt(worker) -> None:
    caller = make_caller()
    messages = [submitted(caller) for _ in range(3)]
    channel = worker(_outcome(OutcomeKind.LATER, "421 slow down"))
    assert len(channel.parcels) == 1
    assert [(m.status, m.attempts) for m in Message.objects.order_by("id")] == [("ACCEPTED", 0)] * 3
    lane = Lane.objects.get()
    assert (lane.channel, lane.failures, lane.reason) == ("EMAIL", 1, "421 slow down")
    assert worker().parcels == []
    Lane.objects.update(paused_until=timezone.now())
    Message.objects.update(due_at=timezone.now())
    assert len(worker().parcels) == 3
    assert Message.objects.filter(status="SENT").count() == len(messages)
    lane.refresh_from_db()
    assert (lane.failures, lane.paused_until) == (0, None)


def test_a_template_that_fails_at_the_end_fails_only_its_message(worker) -> None:
    caller = make_caller()
    make_template(text="{% for i in range(xmlData.N|int) %}x{% endfor %}", subject="s")
    bad = submitted(caller, mail_subject="", mail_body="", message_type="TEST.MAIL", xml_data="<N>100000000</N>")
    good = submitted(caller)
    channel = worker()
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.status, good.status) == ("FAILED", "SENT")
    assert bad.reason.startswith("template: ")
    assert [parcel.message_id for parcel in channel.parcels] == [good.pk]


def test_messages_go_in_the_order_of_their_ids(worker) -> None:
    caller = make_caller()
    ids = [submitted(caller).pk for _ in range(5)]
    assert [parcel.message_id for parcel in worker().parcels] == ids


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


def test_uncertain_is_settled_only_by_a_person(worker) -> None:
    caller = make_caller()
    messages = [submitted(caller) for _ in range(3)]
    worker(*[_outcome(OutcomeKind.UNCERTAIN, "lost after the final dot")] * 3)
    assert set(Message.objects.values_list("status", flat=True)) == {"UNCERTAIN"}
    for message, verdict in zip(messages, ("sent", "send_again", "give_up"), strict=True):
        services.settle(caller=caller, message_id=message.pk, verdict=verdict, reason="asked")
    assert list(Message.objects.order_by("id").values_list("status", flat=True)) == ["SENT", "ACCEPTED", "FAILED"]


def test_send_at_is_released_and_expires_at_withdraws() -> None:
    caller = make_caller()
    soon = timezone.now() + timedelta(seconds=60)
    waiting = submitted(caller, send_at=soon)
    late = submitted(caller, expires_at=soon)
    assert (maintenance.release_due(), maintenance.withdraw_expired()) == (0, 0)
    Message.objects.filter(pk=waiting.pk).update(due_at=timezone.now())
    Message.objects.filter(pk=late.pk).update(expires_at=timezone.now())
    assert (maintenance.release_due(), maintenance.withdraw_expired()) == (1, 1)
    waiting.refresh_from_db()
    late.refresh_from_db()
    assert (waiting.status, late.status, late.reason) == ("ACCEPTED", "CANCELLED", "expired")


def test_a_letter_held_for_a_template_that_is_enabled_again_is_not_forgotten() -> None:
    caller = make_caller()
    version = make_template(text="Szöveg")
    Template.objects.update(status=TemplateStatus.SUSPENDED)
    letter = {"mail_subject": "", "mail_body": "", "message_type": "TEST.MAIL"}
    now, later = submitted(caller, **letter), submitted(caller, send_at=timezone.now() + timedelta(days=1), **letter)
    assert editorial.release_forgotten() == 0
    # It was being taken while an editor let the others go.
    Template.objects.filter(pk=version.template_id).update(status=TemplateStatus.ENABLED)
    assert editorial.release_forgotten() == 2
    now.refresh_from_db()
    later.refresh_from_db()
    assert (now.status, later.status) == ("ACCEPTED", "ACCEPTED")
    assert now.due_at <= timezone.now() < later.due_at


def test_r29_a_tick_wakes_every_channel(wakes) -> None:
    maintenance.tick()
    assert wakes == [("sending.tasks.dispatch", "EMAIL")]


def test_every_change_is_an_event(worker) -> None:
    submitted()
    worker(_outcome(OutcomeKind.RETRY))
    assert list(MessageEvent.objects.order_by("id").values_list("name", flat=True)) == ["ACCEPTED", "SENDING", "RETRY"]


def test_r3_a_channel_that_breaks_leaves_its_message_in_doubt_and_the_others_go(worker) -> None:
    def broken(parcel) -> Outcome:
        raise ValueError("a bug of ours")

    caller = make_caller()
    first, second = submitted(caller), submitted(caller)
    worker(broken)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == ("UNCERTAIN", "SENT")
    assert first.reason == "internal failure while handing over, see the log"


def test_a_process_that_ends_in_a_hand_over_leaves_only_that_message_in_doubt(worker) -> None:
    def ended(parcel) -> Outcome:
        raise SystemExit

    caller = make_caller()
    first, second = submitted(caller), submitted(caller)
    with pytest.raises(SystemExit):
        worker(ended)
    assert event_names(first) == ["ACCEPTED", "SENDING"]
    assert event_names(second) == ["ACCEPTED", "SENDING", "ACCEPTED"]
    dispatcher = Dispatcher.objects.get()
    assert queue.recover(dispatcher, why="ended") == ([first.pk], [])


def test_r3_a_row_that_cannot_be_read_fails_alone(worker) -> None:
    caller = make_caller()
    broken, good = submitted(caller), submitted(caller)
    Message.objects.filter(pk=broken.pk).update(content={})
    worker()
    broken.refresh_from_db()
    good.refresh_from_db()
    assert (broken.status, good.status) == ("FAILED", "SENT")
    assert broken.reason == "not made ready: internal failure, see the log"
