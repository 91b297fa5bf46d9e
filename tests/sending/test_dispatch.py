"""Handing over: what each outcome leads to."""

from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.utils import timezone

from gateway.caller import Caller
from jobs import services as job_services
from jobs.models import Job
from sending import dispatch, editorial, handing, leases, maintenance, queue, services
from sending.channels import channels
from sending.channels.base import Outcome, OutcomeKind
from sending.models import Dispatcher, Lane, Message, MessageEvent, Template
from sending.states import TemplateStatus
from tests.factories import make_caller
from tests.sending.factories import (
    ScriptedChannel,
    an_attachment,
    an_outcome,
    event_names,
    make_template,
    submitted,
)

pytestmark = pytest.mark.django_db


def test_a_message_that_is_sent_is_closed_with_the_servers_words(worker) -> None:
    message = submitted()
    channel = worker(an_outcome(OutcomeKind.SENT, "250 queued as 1", elek="sent"))
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
    worker(an_outcome(OutcomeKind.RETRY, "451 later"))
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
        worker(an_outcome(OutcomeKind.RETRY, "451 later"), an_outcome(OutcomeKind.RETRY, "451 later"))
    message.refresh_from_db()
    assert (message.status, message.attempts) == ("FAILED", 2)
    assert message.reason == "gave up after 2 attempts: 451 later"


def test_retrying_ends_some_time_after_the_first_try(worker, settings) -> None:
    settings.HAMMY_RETRY_AGE_SECONDS = 86400.0
    message = submitted()
    worker(an_outcome(OutcomeKind.RETRY, "451 busy"))
    MessageEvent.objects.update(created_at=timezone.now() - timedelta(days=2))
    Message.objects.update(due_at=timezone.now())
    worker(an_outcome(OutcomeKind.RETRY, "451 busy"))
    message.refresh_from_db()
    assert (message.status, message.reason) == ("FAILED", "gave up after 1 days: 451 busy")


def test_r12_throttling_never_ends_as_failed(worker, settings) -> None:
    settings.HAMMY_RETRY_AGE_SECONDS = 86400.0
    message = submitted()
    for _ in range(3):
        worker(an_outcome(OutcomeKind.LATER, "421 busy"))
        MessageEvent.objects.update(created_at=timezone.now() - timedelta(days=9))
        Lane.objects.update(paused_until=timezone.now())
    message.refresh_from_db()
    assert (message.status, message.attempts, Lane.objects.get().failures) == ("ACCEPTED", 0, 3)


def test_one_that_always_draws_a_throttling_does_not_keep_the_others_back(worker) -> None:
    caller = make_caller()
    evil = submitted(caller)
    others = [submitted(caller) for _ in range(3)]

    def answer(parcel) -> Outcome:
        return an_outcome(OutcomeKind.LATER if parcel.message_id == evil.pk else OutcomeKind.SENT, "421 you again")

    assert len(worker(*[answer] * 9).parcels) == 1
    Lane.objects.update(paused_until=timezone.now())
    channel = worker(*[answer] * 9)
    assert [parcel.message_id for parcel in channel.parcels] == [*(one.pk for one in others), evil.pk]
    evil.refresh_from_db()
    assert evil.status == "ACCEPTED"


@pytest.mark.parametrize("kind", [OutcomeKind.LATER, OutcomeKind.RETRY])
def test_a_letter_that_waited_long_for_its_time_gets_all_its_tries(worker, settings, kind: OutcomeKind) -> None:
    settings.HAMMY_RETRY_AGE_SECONDS = 86400.0
    message = submitted(send_at=timezone.now() + timedelta(days=5))
    long_ago = timezone.now() - timedelta(days=5)
    Message.objects.update(created_at=long_ago, due_at=timezone.now())
    MessageEvent.objects.update(created_at=long_ago)
    assert maintenance.release_due() == 1
    worker(an_outcome(kind, "451 not now"))
    message.refresh_from_db()
    assert message.status == ("ACCEPTED" if kind == OutcomeKind.LATER else "RETRY")


def test_a_requeued_letter_gets_all_its_tries_anew(worker, settings) -> None:
    settings.HAMMY_RETRY_AGE_SECONDS = 86400.0
    caller = make_caller()
    message = submitted(caller)
    worker(an_outcome(OutcomeKind.FAILED, "550 no"))
    MessageEvent.objects.update(created_at=timezone.now() - timedelta(days=9))
    services.requeue(caller=caller, message_ids=[message.pk], reason="the mailbox exists now")
    worker(an_outcome(OutcomeKind.RETRY, "450 busy"))
    message.refresh_from_db()
    assert (message.status, message.attempts) == ("RETRY", 1)


def test_a_permanent_refusal_fails_with_the_servers_words(worker) -> None:
    message = submitted()
    worker(an_outcome(OutcomeKind.FAILED, "550 no such user"))
    message.refresh_from_db()
    assert (message.status, message.reason) == ("FAILED", "550 no such user")


def test_r12_throttling_rests_the_lane_and_spends_no_attempt(worker) -> None:
    caller = make_caller()
    messages = [submitted(caller) for _ in range(3)]
    channel = worker(an_outcome(OutcomeKind.LATER, "421 slow down"))
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


def test_messages_go_in_the_order_in_which_they_were_taken(worker) -> None:
    caller = make_caller()
    ids = [submitted(caller).pk for _ in range(5)]
    assert [parcel.message_id for parcel in worker().parcels] == ids


def test_uncertain_is_settled_only_by_a_person(worker) -> None:
    caller = make_caller()
    messages = [submitted(caller) for _ in range(3)]
    worker(*[an_outcome(OutcomeKind.UNCERTAIN, "lost after the final dot")] * 3)
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
    assert wakes == [("sending.tasks.dispatch", name) for name in channels()]
    assert {"EMAIL", "POST"} <= {name for _, name in wakes}


def test_every_change_is_an_event(worker) -> None:
    submitted()
    worker(an_outcome(OutcomeKind.RETRY))
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


def test_what_another_process_put_in_the_way_is_tried_again(worker, monkeypatch: pytest.MonkeyPatch) -> None:
    def in_the_way(*words, **options):
        raise IntegrityError("violates foreign key constraint")

    message = submitted()
    monkeypatch.setattr(handing, "ready", in_the_way)
    worker()
    message.refresh_from_db()
    assert (message.status, message.attempts) == ("RETRY", 1)
    assert message.reason == "not made ready: the database refused, see the log"


def test_r3_a_row_that_cannot_be_read_fails_alone(worker) -> None:
    caller = make_caller()
    broken, good = submitted(caller), submitted(caller)
    Message.objects.filter(pk=broken.pk).update(content={})
    worker()
    broken.refresh_from_db()
    good.refresh_from_db()
    assert (broken.status, good.status) == ("FAILED", "SENT")
    assert broken.reason == "not made ready: internal failure, see the log"


def test_mails_give_way_to_jobs_and_only_to_those_that_can_run(
    monkeypatch: pytest.MonkeyPatch, settings, caller: Caller
) -> None:
    """A flood of mails takes turns with them in each process."""
    monkeypatch.setattr(leases, "_own", None)
    monkeypatch.setattr(dispatch, "_TURN_SECONDS", 0.0)
    monkeypatch.setattr(dispatch, "kept_channel", lambda name: ScriptedChannel())
    settings.HAMMY_CLAIM_SIZE = 1
    for _ in range(3):
        submitted()
    waiting = job_services.submit(caller=caller, job_class="tests.Nothing")

    assert dispatch.Worker("EMAIL").work() is True
    assert Message.objects.filter(status="SENT").count() == 1

    Job.objects.filter(pk=waiting.pk).update(due_at=timezone.now() + timedelta(hours=1))
    assert dispatch.Worker("EMAIL").work() is False
    assert Message.objects.filter(status="SENT").count() == 3
