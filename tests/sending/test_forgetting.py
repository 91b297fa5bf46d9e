"""S36: one person's data are erased on request, everywhere they stand, and the person stays suppressed."""

import json
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from gateway.caller import Caller
from gateway.errors import Refusal
from jobs import runner
from jobs import services as job_services
from jobs.context import Stopped, Why
from jobs.models import Job, JobEvent, JobLogLine
from jobs.states import Queue
from sending import choosing, erasing, forgetting, in_bulk, persons, queue, services, suppressing
from sending.channels.base import OutcomeKind
from sending.job_classes import erase_person
from sending.models import Attachment, Dispatcher, Message, MessageEvent, Suppression
from sending.states import Operation, Status
from tests.factories import make_caller, make_client
from tests.sending.factories import a_letter, an_attachment, an_outcome, event_names, submitted

pytestmark = pytest.mark.django_db(transaction=True)
HOUSE = Caller.house("operator")
ADDRESS = "elek@example.com"


@pytest.fixture(autouse=True)
def no_eraser_left() -> Iterator[None]:
    before = dict(erasing._erasers)
    yield
    erasing._erasers.clear()
    erasing._erasers.update(before)


def _forget(**overrides: Any) -> Job:
    job = forgetting.start(**{"caller": HOUSE, "email_address": ADDRESS, "reason": "asked for on paper"} | overrides)
    runner.work(Queue.LONG)
    job.refresh_from_db()
    return job


def _report(job: Job) -> dict[str, str]:
    return {key: value for key, value in job.params if key.startswith(("ERASED", "WITHDRAWN")) and value != "0"}


def _everything() -> str:
    """All that the database holds, as text."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')
            found += [str(row) for row in cursor.fetchall()]
    return "\n".join(found).lower()


def _closed(caller: Caller | None = None, **overrides: Any) -> Message:
    message = submitted(caller, **overrides)
    Message.objects.filter(pk=message.pk).update(status=Status.SENT, closed_at=timezone.now(), due_at=None)
    return message


# ── what goes ───────────────────────────────────────────────────────────────────────────────────
def test_nothing_of_a_person_is_left_anywhere(worker: Any, settings: Any) -> None:
    accepted = services.submit(
        caller=make_caller(),
        letter=a_letter(
            recipient_name="Rejtő Jenő",
            recipient_email_address="Jeno.Rejto@Example.com",
            mail_body="Tisztelt Rejtő Jenő!",
            partner_ref="P-4711",
            request_id="jeno.rejto@example.com/1",
            runs_as_job=True,
            attachments=(an_attachment(),),
        ),
    )
    refused = {"jeno.rejto@example.com": "550 no"}
    worker(an_outcome(OutcomeKind.FAILED, "550 <jeno.rejto@example.com> Rejtő Jenő unknown", **refused))
    suppressing.suppress(caller=HOUSE, address="jeno.rejto@example.com", reason="550 <jeno.rejto@example.com>")
    assert "rejt" in _everything()
    job = _forget(email_address="JENO.REJTO@example.com")
    assert (job.status, job.reason) == ("FINISHED", "")
    assert "rejt" not in _everything()
    message = Message.objects.get(pk=accepted.message_id)
    pseudonym = f"erased-{job.uuid.hex[:12]}"
    assert (message.status, message.recipient_name, message.recipient_email_address, message.subject) == (
        "FAILED",
        pseudonym,
        "",
        "",
    )
    assert (message.partner_ref, message.request_id, message.idempotency_key) == (pseudonym, "", None)
    assert message.reason == f"550 <{pseudonym}> {pseudonym} unknown"
    assert message.content == {
        "channel": "EMAIL",
        "runs_as_job": True,
        "from_address": settings.HAMMY_FROM_ADDRESS,
        "from_name": settings.HAMMY_FROM_NAME,
    }
    assert message.erased_at is not None
    assert event_names(message) == ["ACCEPTED", "SENDING", "FAILED"]
    assert MessageEvent.objects.filter(message=message).latest("id").recipients == {pseudonym: "550 no"}
    assert not Attachment.objects.exists()
    ran = Job.objects.get(pk=message.job_id)
    assert ran.reason == f"message {message.pk} is FAILED: 550 <{pseudonym}> {pseudonym} unknown"
    assert JobEvent.objects.filter(job=ran).latest("id").reason == ran.reason


def test_the_job_reports_what_it_did_and_forgets_whom_it_was_about() -> None:
    _closed()
    _closed(recipient_email_address="ELEK@example.com", attachments=(an_attachment(),))
    submitted(send_at=timezone.now() + timedelta(days=1))
    _closed(recipient_email_address="b@example.com", recipient_email_address_cc=("elek@example.com", "c@example.com"))
    suppressing.suppress(caller=HOUSE, address=ADDRESS, reason="r")
    job = _forget()
    assert _report(job) == {
        "ERASED_MESSAGES": "3",
        "ERASED_COPIES": "1",
        "ERASED_ATTACHMENTS": "1",
        "WITHDRAWN_MESSAGES": "1",
        "ERASED_SUPPRESSIONS": "1",
    }
    assert dict(job.params)["EMAIL_ADDRESS"] == f"erased-{job.uuid.hex[:12]}@erased.invalid"
    assert sorted(JobLogLine.objects.filter(job=job).values_list("text", flat=True)) == [
        "attachments: 1",
        "copies: 1",
        "messages: 3",
        "subscriptions: 0",
        "suppressions: 1",
        "withdrawn: 1",
    ]
    assert (job.completed, job.total) == (4, 4)
    # Run again, it finds nobody.
    job_services.set_status(caller=HOUSE, ids=[job.pk], status="FINISHED")
    assert _report(_forget()) == {}


def test_others_keep_everything() -> None:
    strangers = [
        _closed(recipient_email_address="b@example.com"),
        # Whose address only contains the other one.
        _closed(recipient_email_address="c@example.com", recipient_email_address_cc=("felek@example.com",)),
        _closed(recipient_email_address="elek@example.com.hu"),
    ]
    before = list(Message.objects.filter(pk__in=[one.pk for one in strangers]).order_by("id").values())
    assert _report(_forget()) == {}
    assert list(Message.objects.filter(pk__in=[one.pk for one in strangers]).order_by("id").values()) == before


def test_of_a_copy_only_the_address_goes_and_the_letter_stays() -> None:
    message = _closed(
        recipient_email_address="b@example.com",
        recipient_email_address_cc=(ADDRESS,),
        recipient_name_cc="Teszt Elek",
        bcc_address=("Elek@example.com", "d@example.com"),
    )
    MessageEvent.objects.create(message=message, name="SENT", recipients={ADDRESS: "550 no", "d@example.com": "ok"})
    job = _forget()
    message.refresh_from_db()
    assert (message.erased_at, message.recipient_email_address) == (None, "b@example.com")
    assert message.content["mail_body"] == "Teszt levél szöveg"
    assert "recipient_email_address_cc" not in message.content
    assert "recipient_name_cc" not in message.content
    assert message.content["bcc_address"] == ["d@example.com"]
    assert MessageEvent.objects.latest("id").recipients == {
        f"erased-{job.uuid.hex[:12]}": "550 no",
        "d@example.com": "ok",
    }


def test_a_partner_is_known_by_its_reference_whatever_the_address() -> None:
    mine, other = _closed(partner_ref="P-1"), _closed(partner_ref="P-10")
    assert _report(_forget(email_address="", partner_ref="P-1")) == {"ERASED_MESSAGES": "1"}
    assert [Message.objects.get(pk=one.pk).erased_at is None for one in (mine, other)] == [False, True]


def test_a_reference_of_digits_spoils_no_name_of_a_printed_file() -> None:
    message = _closed(partner_ref="2026")
    facts = {"file": "2026-11-29/000017/18-20260f.pdf", "digest": "0f2026", "signed": "for 2026"}
    MessageEvent.objects.create(message=message, name=Status.SENT, facts=facts)
    _forget(email_address="", partner_ref="2026")
    kept = MessageEvent.objects.get(message=message, name=Status.SENT).facts
    assert kept is not None
    assert (kept["file"], kept["digest"]) == (facts["file"], facts["digest"])
    assert "2026" not in kept["signed"]


def test_one_client_may_forget_somebody_whom_another_knows() -> None:
    client, _ = make_client(name="billing")
    caller = make_caller()
    mine = Message.objects.create(**_row(client.pk))
    other = _closed(caller)
    assert _report(_forget(client_name="billing")) == {"ERASED_MESSAGES": "1"}
    assert [Message.objects.get(pk=one.pk).erased_at is None for one in (mine, other)] == [False, True]


def _row(client_id: int) -> dict[str, Any]:
    return {
        "client_id": client_id,
        "digest": b"",
        "channel": "EMAIL",
        "status": "SENT",
        "closed_at": timezone.now(),
        "recipient_name": "Teszt Elek",
        "recipient_email_address": ADDRESS,
        "content": {},
    }


def test_an_international_domain_is_found_in_both_its_forms() -> None:
    for address in ("elek@példa.hu", "elek@xn--plda-bpa.hu"):
        _closed(recipient_email_address=address)
        _closed(recipient_email_address="b@example.com", bcc_address=(address,))
    report = _report(_forget(email_address="elek@xn--plda-bpa.hu"))
    assert report == {"ERASED_MESSAGES": "2", "ERASED_COPIES": "2"}


def test_what_an_operation_in_bulk_looked_for_tells_of_the_person_no_more() -> None:
    wanted = choosing.read({"partnerRef": "P-4711", "search": ADDRESS, "status": "SENT"})
    job = in_bulk.begin(caller=HOUSE, operation=Operation.HOLD, wanted=wanted, reason=f"{ADDRESS} asked")
    submitted(partner_ref="P-4711")

    pseudonym = f"erased-{_forget(partner_ref='P-4711').uuid.hex[:12]}"

    job.refresh_from_db()
    assert dict(job.params) == {
        "OPERATION": "HOLD",
        "FILTER": f'{{"status":["SENT"],"partnerRef":"{pseudonym}","search":"{pseudonym}"}}',
        "REASON": f"{pseudonym} asked",
    }


def test_a_forgotten_person_stays_suppressed() -> None:
    suppressing.suppress(caller=HOUSE, address=ADDRESS, reason="elek@example.com is no more")
    _forget()
    entry = Suppression.objects.get()
    assert (entry.address, "elek" in entry.reason) == ("", False)
    assert submitted().status == "CANCELLED"


def test_what_lies_elsewhere_goes_first_while_no_transaction_holds_the_letters() -> None:
    message, seen = _closed(), []

    def documents(message_ids: Any) -> int:
        assert not connection.in_atomic_block
        seen.extend(message_ids)
        return 7

    erasing.register("documents", documents)
    job = _forget()
    assert seen == [message.pk]
    assert "documents: 7" in JobLogLine.objects.filter(job=job).values_list("text", flat=True)


def test_while_what_lies_elsewhere_cannot_be_erased_the_letters_can_be_found_again() -> None:
    message = _closed()

    def documents(message_ids: Any) -> int:
        raise OSError("the share is away")

    erasing.register("documents", documents)
    assert _forget().status == "FAILED"
    message.refresh_from_db()
    assert (message.recipient_email_address, message.erased_at) == (ADDRESS, None)


def test_a_letter_that_is_tried_anew_meanwhile_is_come_back_for() -> None:
    message = submitted()
    Message.objects.update(status=Status.FAILED, closed_at=timezone.now(), due_at=None)

    def documents(message_ids: Any) -> int:
        erasing.register("documents", lambda message_ids: 0)
        return services.requeue(caller=HOUSE, message_ids=list(message_ids), reason="anew")

    erasing.register("documents", documents)
    job = _forget()
    assert (job.status, job.reason) == ("NEW", "1 messages are being sent just now")
    Job.objects.update(due_at=timezone.now())
    runner.work(Queue.LONG)
    message.refresh_from_db()
    assert (message.status, message.recipient_email_address) == ("CANCELLED", "")


# ── letters that are still on their way ─────────────────────────────────────────────────────────
def test_what_did_not_go_out_is_withdrawn_first(worker: Any) -> None:
    message = submitted()
    _forget()
    message.refresh_from_db()
    assert (message.status, message.reason) == ("CANCELLED", "erased on request")
    assert worker().parcels == []


def test_what_is_being_sent_is_come_back_for() -> None:
    message = submitted()
    dispatcher = Dispatcher.objects.create(host="h", pid=1, lease_until=timezone.now())
    queue.claim(channel="EMAIL", dispatcher=dispatcher, size=1)
    job = _forget()
    assert (job.status, job.reason) == ("NEW", "1 messages are being sent just now")
    queue.move(Message.objects.filter(pk=message.pk), Status.SENT, reason="250 ok", claimed_by=dispatcher)
    Job.objects.update(due_at=timezone.now())
    runner.work(Queue.LONG)
    job.refresh_from_db()
    assert (job.status, _report(job)) == ("FINISHED", {"ERASED_MESSAGES": "1"})
    message.refresh_from_db()
    assert (message.status, message.erased_at is None) == ("SENT", False)


def test_what_is_in_doubt_cannot_go_out_again() -> None:
    message = _closed()
    Message.objects.update(status="UNCERTAIN")
    _forget()
    with pytest.raises(Refusal, match="cannot become ACCEPTED: message .* is UNCERTAIN and erased"):
        services.settle(caller=HOUSE, message_id=message.pk, verdict="send_again", reason="r")
    services.settle(caller=HOUSE, message_id=message.pk, verdict="sent", reason="r")


# ── runs that are interrupted ───────────────────────────────────────────────────────────────────
def test_a_run_that_is_stopped_goes_on_where_it_was_and_counts_each_once(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erase_person, "_PORTION", 2)
    settings.HAMMY_WAKE_SECONDS = 0.001
    for _ in range(5):
        _closed()
    real, calls = forgetting.forget, []

    def stopped(*words: Any, **options: Any) -> Any:
        found = real(*words, **options)
        calls.append(1)
        if len(calls) == 2:
            raise Stopped(Why.SHUTTING_DOWN)
        return found

    monkeypatch.setattr(forgetting, "forget", stopped)
    job = _forget()
    assert (job.status, Message.objects.exclude(erased_at=None).count()) == ("NEW", 2)
    runner.work(Queue.LONG)
    job.refresh_from_db()
    assert (job.status, _report(job)) == ("FINISHED", {"ERASED_MESSAGES": "5"})


# ── who is asked for ────────────────────────────────────────────────────────────────────────────
def test_a_job_that_names_nobody_is_not_begun() -> None:
    for params, sentence in (
        ({"email_address": ""}, "params: one of EMAIL_ADDRESS, PARTNER_REF, ALIAS and REGISTRATION_ID is required"),
        ({"email_address": "nobody"}, "params.EMAIL_ADDRESS: not a valid e-mail address"),
        ({"reason": ""}, "params.REASON: required"),
    ):
        with pytest.raises(Refusal) as refused:
            _forget(**params)
        assert sentence in str(refused.value)
    assert not Job.objects.exists()


def _output(*words: str) -> str:
    out = StringIO()
    call_command("erase_person", *words, stdout=out)
    return out.getvalue()


def test_the_command_counts_first_and_then_begins_a_job() -> None:
    _closed()
    submitted()
    _closed(recipient_email_address="b@example.com", recipient_email_address_cc=(ADDRESS,))
    suppressing.suppress(caller=HOUSE, address=ADDRESS, reason="r")
    counts = {"messages": 2, "open": 1, "copies": 1, "suppressions": 1, "subscriptions": 0}
    assert json.loads(_output("--email", ADDRESS, "--dry-run", "--json")) == counts
    assert not Job.objects.exists()
    person = persons.named(email_address="Elek@example.com")
    quickly = forgetting.quickly_counted(HOUSE, person)
    assert quickly == {"messages": 2, "open": 1, "suppressions": 1, "subscriptions": 0}
    printed = json.loads(_output("--email", ADDRESS, "--reason", "asked", "--json"))
    assert printed["jobUuid"] == str(Job.objects.get(pk=printed["jobId"]).uuid)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "--email: required where neither a partner nor a browser is named"),
        (("--email", "nobody"), "--email: not a valid e-mail address"),
        (("--email", ADDRESS, "--client", "nobody"), "client nobody not found"),
        (("--email", ADDRESS), "--reason: required"),
    ],
)
def test_a_command_that_is_refused_begins_nothing(words: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(CommandError) as refused:
        _output(*words)
    assert str(refused.value) == sentence
    assert not Job.objects.exists()
