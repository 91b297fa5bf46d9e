"""Taking letters, and what people may do with them afterwards."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from gateway.errors import Code, Refusal
from sending import services, taking
from sending.channels import letter_channels
from sending.letter import Property
from sending.models import Attachment, Blob, Message, MessageEvent, Template
from sending.states import HeldFor, Status, TemplateStatus, VersionStatus
from tests.factories import make_caller
from tests.sending.factories import a_letter, an_attachment, event_names, make_template, submitted

pytestmark = pytest.mark.django_db


def _refused(letter, caller=None) -> Refusal:
    with pytest.raises(Refusal) as caught:
        services.submit(caller=caller or make_caller(), letter=letter)
    assert (Message.objects.count(), MessageEvent.objects.count(), Blob.objects.count()) == (0, 0, 0)
    return caught.value


def test_a_letter_is_one_message_with_one_event_and_one_wake_up(wakes, django_capture_on_commit_callbacks) -> None:
    caller = make_caller(name="insurer")
    with django_capture_on_commit_callbacks(execute=True):
        accepted = services.submit(caller=caller, letter=a_letter(batch_id="B1", partner_ref="P1"))
    message = Message.objects.get()
    assert accepted == services.Accepted(message_id=message.pk, uuid=message.uuid)
    assert (message.status, message.client_id, message.batch_id, message.partner_ref) == (
        "ACCEPTED", caller.client_id, "B1", "P1",
    )  # fmt: skip
    assert [(event.name, event.actor) for event in message.events.all()] == [("ACCEPTED", "insurer")]
    assert wakes == [("sending.tasks.dispatch", "EMAIL")]


def test_the_same_request_id_answers_the_same_message() -> None:
    caller = make_caller()
    first = services.submit(caller=caller, letter=a_letter(request_id="r1"))
    again = services.submit(caller=caller, letter=a_letter(request_id="r1"))
    assert again == services.Accepted(message_id=first.message_id, uuid=first.uuid, is_repeat=True)
    assert (Message.objects.count(), MessageEvent.objects.count()) == (1, 1)


def test_the_same_request_id_with_other_content_is_refused() -> None:
    caller = make_caller()
    first = services.submit(caller=caller, letter=a_letter(request_id="r1"))
    with pytest.raises(Refusal) as caught:
        services.submit(caller=caller, letter=a_letter(request_id="r1", mail_body="más"))
    assert caught.value.code == Code.DUPLICATE_REQUEST
    assert caught.value.problems[0].detail == (
        f"request_id: already used for message {first.message_id} with different content; use a new request id"
    )
    assert Message.objects.count() == 1


def test_a_client_that_reuses_its_ids_gets_a_message_each_time() -> None:
    caller = make_caller(request_id_unique=False)
    for _ in range(2):
        services.submit(caller=caller, letter=a_letter(request_id="r1"))
    assert list(Message.objects.values_list("request_id", flat=True)) == ["r1", "r1"]


def test_s30_two_clients_may_use_one_request_id() -> None:
    ids = {services.submit(caller=make_caller(), letter=a_letter(request_id="r1")).message_id for _ in range(2)}
    assert len(ids) == 2


@pytest.mark.django_db(transaction=True)
def test_the_same_request_fifty_times_at_once_is_one_message() -> None:
    caller = make_caller()
    letter = a_letter(request_id="r1", attachments=(an_attachment(),))

    def submit(_: int) -> int:
        try:
            return services.submit(caller=caller, letter=letter).message_id
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        ids = set(pool.map(submit, range(50)))
    assert len(ids) == 1
    assert (Message.objects.count(), Attachment.objects.count(), Blob.objects.count()) == (1, 1, 1)


def test_attachments_lie_in_the_storage_under_their_digest_once() -> None:
    attachment = an_attachment(b"twice the same")
    message = submitted(attachments=(attachment, an_attachment(b"twice the same", file_name="b.pdf")))
    assert [row.file_name for row in message.attachments.all()] == ["minta.pdf", "b.pdf"]
    blob = Blob.objects.get()
    assert (blob.digest, blob.size) == (attachment.digest, 14)
    with default_storage.open(Blob.path(blob.digest)) as file:
        assert file.read() == b"twice the same"


def test_a_full_storage_refuses_the_letter_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(default_storage, "save", full)
    refusal = _refused(a_letter(attachments=(an_attachment(b"does not fit"),)))
    assert (refusal.code, refusal.retry_after) == (Code.UNAVAILABLE, 60)


def test_an_unknown_channel_names_the_known_ones() -> None:
    refusal = _refused(a_letter(channel="FAX"))
    assert [problem.detail for problem in refusal.problems] == [
        f"channel: must be one of {', '.join(letter_channels())}"
    ]


def test_a_sender_outside_the_clients_domains_is_refused() -> None:
    caller = make_caller(sender_domains=["dbx.hu"])
    refusal = _refused(a_letter(from_address="boss@bank.example"), caller)
    assert refusal.problems[0].detail == "from_address: must be an address at dbx.hu"


@pytest.mark.parametrize(
    ("template_status", "version_status", "code", "http_status"),
    [
        (TemplateStatus.DISABLED, VersionStatus.ENABLED, Code.UNUSABLE_NAME, 409),
        (TemplateStatus.ARCHIVED, VersionStatus.ENABLED, Code.UNUSABLE_NAME, 409),
        (TemplateStatus.ENABLED, VersionStatus.DRAFT, Code.UNUSABLE_NAME, 409),
        (TemplateStatus.ENABLED, VersionStatus.RETIRED, Code.UNUSABLE_NAME, 409),
    ],
)
def test_a_template_that_is_not_enabled_refuses(template_status, version_status, code, http_status) -> None:
    version = make_template(status=version_status)
    Template.objects.update(status=template_status)
    refusal = _refused(_templated())
    assert (refusal.code, refusal.problems[0].http_status) == (code, http_status)
    assert version.pk


def _templated(**overrides):
    values = {"mail_subject": "", "mail_body": "", "message_type": "TEST.MAIL"}
    return a_letter(**values | {"properties": (Property(key="AZON", value="123"),)} | overrides)


def test_an_unknown_template_is_refused_as_not_found() -> None:
    refusal = _refused(_templated())
    assert (refusal.code, refusal.problems[0].http_status) == (Code.UNUSABLE_NAME, 404)


def test_a_template_kept_to_another_client_looks_unknown() -> None:
    other = make_caller()
    make_template().template.clients.set([other.client_id])
    assert _refused(_templated()).problems[0].http_status == 404


def test_what_the_template_needs_and_the_letter_lacks_is_refused() -> None:
    make_template()
    refusal = _refused(_templated(properties=()))
    assert [problem.detail for problem in refusal.problems] == [
        'properties: the template TEST.MAIL needs properties["AZON"]'
    ]


def test_the_newest_enabled_version_serves_and_the_message_keeps_it() -> None:
    make_template()
    second = make_template()
    make_template(status=VersionStatus.DRAFT)
    accepted = services.submit(caller=make_caller(), letter=_templated())
    assert Message.objects.get(pk=accepted.message_id).template_version == second


def test_r14_a_suspended_template_holds_the_letter(wakes) -> None:
    make_template()
    Template.objects.update(status=TemplateStatus.SUSPENDED)
    accepted = services.submit(caller=make_caller(), letter=_templated())
    message = Message.objects.get(pk=accepted.message_id)
    assert (message.status, message.held_for, event_names(message)) == ("HELD", HeldFor.TEMPLATE, ["HELD"])
    assert wakes == []


def test_send_at_ahead_holds_the_letter_until_then() -> None:
    moment = timezone.now() + timedelta(hours=1)
    message = submitted(send_at=moment)
    assert (message.status, message.held_for, message.due_at) == ("HELD", HeldFor.TIME, moment)


def test_expires_at_in_the_past_is_refused() -> None:
    refusal = _refused(a_letter(expires_at=timezone.now() - timedelta(seconds=1)))
    assert refusal.problems[0].detail == "params.EXPIRES_AT: must be in the future"


def test_a_bulk_takes_the_good_and_refuses_the_bad_each_on_its_own() -> None:
    caller = make_caller()
    letters = [
        a_letter(request_id="1"),
        a_letter(request_id="2", channel="FAX"),
        a_letter(request_id="1"),
        a_letter(request_id="1", mail_body="más"),
    ]
    first, second, third, fourth = services.submit_many(caller=caller, letters=letters)
    assert isinstance(first, services.Accepted)
    assert not first.is_repeat
    assert isinstance(second, Refusal)
    assert second.code == Code.INVALID
    assert third == services.Accepted(message_id=first.message_id, uuid=first.uuid, is_repeat=True)
    assert isinstance(fourth, Refusal)
    assert fourth.code == Code.DUPLICATE_REQUEST
    assert Message.objects.count() == 1


def test_a_storage_that_fills_up_refuses_only_the_letters_that_need_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(attachments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(services, "_CHUNK", 1)
    monkeypatch.setattr(taking.blobs, "store", full)
    letters = [a_letter(), a_letter(attachments=(an_attachment(b"does not fit"),)), a_letter()]
    results = services.submit_many(caller=make_caller(), letters=letters)
    assert [isinstance(result, services.Accepted) for result in results] == [True, False, True]
    assert isinstance(results[1], Refusal)
    assert results[1].code == Code.UNAVAILABLE
    assert Message.objects.count() == 2


def test_r7_a_database_that_fails_amid_a_bulk_does_not_hide_what_was_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = taking.storing.insert, []

    def insert(messages, **options) -> None:
        calls.append(len(messages))
        if len(calls) == 2:
            raise OperationalError("server closed the connection unexpectedly")
        real(messages, **options)

    monkeypatch.setattr(services, "_CHUNK", 2)
    monkeypatch.setattr(taking.storing, "insert", insert)
    results = services.submit_many(caller=make_caller(), letters=[a_letter() for _ in range(5)])
    assert [isinstance(result, services.Accepted) for result in results] == [True, True, False, False, True]
    assert Message.objects.count() == 3
    calls[:] = [0]
    with pytest.raises(OperationalError):
        services.submit_many(caller=make_caller(name="later"), letters=[a_letter()])


def test_a_bulk_looks_its_template_up_once(django_assert_num_queries) -> None:
    make_template()
    caller = make_caller()
    letter = a_letter(
        mail_subject="", mail_body="", message_type="TEST.MAIL", properties=(Property(key="AZON", value="v"),)
    )
    services.submit(caller=caller, letter=letter)
    with CaptureQueriesContext(connection) as one:
        services.submit(caller=caller, letter=letter)
    with django_assert_num_queries(len(one)):
        services.submit_many(caller=caller, letters=[letter] * 20)


def test_cancel_withdraws_what_did_not_go_out() -> None:
    caller = make_caller()
    message = submitted(caller)
    assert services.cancel(caller=caller, message_ids=[message.pk], reason="mistake") == 1
    message.refresh_from_db()
    assert (message.status, message.reason, event_names(message)) == ("CANCELLED", "mistake", ["ACCEPTED", "CANCELLED"])


def test_a_command_moves_all_of_its_messages_or_none() -> None:
    caller = make_caller()
    good, closed = submitted(caller), submitted(caller)
    services.cancel(caller=caller, message_ids=[closed.pk], reason="first")
    with pytest.raises(Refusal) as caught:
        services.cancel(caller=caller, message_ids=[good.pk, closed.pk], reason="second")
    assert caught.value.problems[0].detail == f"cannot become CANCELLED: message {closed.pk} is CANCELLED"
    good.refresh_from_db()
    assert (good.status, event_names(good)) == ("ACCEPTED", ["ACCEPTED"])


def test_s30_another_clients_message_does_not_exist() -> None:
    message = submitted()
    with pytest.raises(Refusal) as caught:
        services.cancel(caller=make_caller(), message_ids=[message.pk], reason="")
    assert caught.value.code == Code.NOT_FOUND
    message.refresh_from_db()
    assert message.status == Status.ACCEPTED


def test_hold_and_release() -> None:
    caller = make_caller()
    message = submitted(caller)
    services.hold(caller=caller, message_ids=[message.pk], reason="wait")
    services.release(caller=caller, message_ids=[message.pk], reason="go")
    message.refresh_from_db()
    assert (message.status, message.held_for, event_names(message)) == (
        "ACCEPTED",
        "",
        ["ACCEPTED", "HELD", "ACCEPTED"],
    )


def test_purge_forgets_only_what_is_closed_and_settled() -> None:
    caller = make_caller()
    kept, gone = submitted(caller), submitted(caller, attachments=(an_attachment(b"purged"),))
    services.cancel(caller=caller, message_ids=[gone.pk], reason="")
    assert services.purge(closed_before=timezone.now() + timedelta(seconds=1)) == 1
    assert list(Message.objects.all()) == [kept]
    assert (Attachment.objects.count(), MessageEvent.objects.count()) == (0, 1)


def test_a_request_taken_once_is_answered_alike_when_it_could_not_be_taken_any_more() -> None:
    caller = make_caller()
    make_template()
    letter = _templated(request_id="r1")
    first = services.submit(caller=caller, letter=letter)
    Template.objects.update(status=TemplateStatus.DISABLED)
    assert services.submit(caller=caller, letter=letter) == services.Accepted(
        message_id=first.message_id, uuid=first.uuid, is_repeat=True
    )
    with pytest.raises(Refusal) as caught:
        services.submit(caller=caller, letter=_templated(request_id="r2"))
    assert caught.value.code == Code.UNUSABLE_NAME
    assert Message.objects.count() == 1
