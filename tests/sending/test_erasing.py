"""What letters say is erased after its time; that they were sent is not."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.utils import timezone

from gateway.caller import Caller as House
from gateway.errors import Code, Refusal
from sending import blobs, erasing, error_queues, maintenance, services
from sending.models import Attachment, Blob, Message, MessageEvent
from sending.states import Status
from tests.console import client_of, plain_pages  # noqa: F401
from tests.sending.factories import a_letter, an_attachment, event_names, make_uncertain, submitted
from tests.sending.send_v2_calls import Caller, files

pytestmark = pytest.mark.django_db
HOUSE = House.house("operator")
OLD = timedelta(days=31)


def _closed(status: Status = Status.SENT, *, ago: timedelta = OLD, **overrides: Any) -> Message:
    message = submitted(**overrides)
    Message.objects.filter(pk=message.pk).update(
        status=status, closed_at=timezone.now() - ago, due_at=None, created_at=timezone.now() - ago
    )
    return message


def _erase() -> int:
    return erasing.erase_content(closed_before=timezone.now() - timedelta(days=30))


def test_bodies_data_and_attachments_go_and_the_row_and_its_events_stay() -> None:
    message = _closed(
        mail_html_body="<p>Szia!</p>",
        attachments=(an_attachment(),),
        recipient_email_address_cc=("cc@example.com",),
        xml_data="<DATA/>",
        request_id="R-1",
    )
    before = Message.objects.get(pk=message.pk)
    assert _erase() == 1
    message.refresh_from_db()
    assert message.erased_at is not None
    assert message.content == {
        name: value
        for name, value in before.content.items()
        if name not in ("mail_body", "mail_html_body", "xml_data", "properties", "attachments")
    }
    assert message.content["recipient_email_address_cc"] == ["cc@example.com"]
    assert (message.subject, message.recipient_name, message.attachment_count, message.status) == (
        "Teszt levél tárgy",
        "Teszt Elek",
        1,
        "SENT",
    )
    assert (Attachment.objects.count(), event_names(message)) == (0, ["ACCEPTED"])


def test_files_nobody_names_any_more_go_with_the_next_sweep() -> None:
    kept, gone = an_attachment(b"kept"), an_attachment(b"gone")
    submitted(attachments=(kept,))
    _closed(attachments=(kept, gone))
    assert len(files("blobs")) == 2
    _erase()
    Blob.objects.update(created_at=timezone.now() - 2 * blobs.ORPHAN_AGE)
    maintenance.clean()
    assert list(Blob.objects.values_list("digest", flat=True)) == [kept.digest]
    assert default_storage.exists(Blob.path(kept.digest))


def test_only_those_closed_long_enough_are_erased_and_each_once() -> None:
    doubtful = make_uncertain()
    young, waiting = _closed(ago=timedelta(days=29)), submitted()
    Message.objects.filter(pk=doubtful.pk).update(closed_at=timezone.now() - OLD)
    old = [_closed(status) for status in (Status.SENT, Status.FAILED, Status.CANCELLED, Status.BOUNCED)]
    assert [_erase(), _erase()] == [4, 0]
    assert set(Message.objects.filter(erased_at=None)) == {young, waiting, doubtful}
    assert set(Message.objects.exclude(erased_at=None)) == set(old)


def test_many_go_in_portions() -> None:
    for _ in range(5):
        _closed()
    assert erasing.erase_content(closed_before=timezone.now(), size=2) == 5


def test_cleaning_erases_by_the_setting_and_keeps_all_without_it(settings: Any) -> None:
    message = _closed()
    maintenance.clean()
    message.refresh_from_db()
    assert message.erased_at is None
    settings.HAMMY_CONTENT_DAYS = 30
    maintenance.clean()
    message.refresh_from_db()
    assert message.erased_at is not None


def test_what_was_erased_can_never_go_out_again() -> None:
    message = _closed(Status.FAILED)
    _erase()
    with pytest.raises(Refusal) as refused:
        services.requeue(caller=HOUSE, message_ids=[message.pk], reason="r")
    assert refused.value.code == Code.STATE_CONFLICT
    assert str(refused.value) == f"cannot become ACCEPTED: message {message.pk} is FAILED and erased"
    queue = error_queues.ERROR_QUEUES["outgoingMailQueueError"]
    queue.put_back(caller=HOUSE, before=timezone.now(), after=0, size=10, reason="r")
    message.refresh_from_db()
    assert (message.status, event_names(message)) == ("FAILED", ["ACCEPTED"])


def test_a_repeat_of_its_request_is_still_known() -> None:
    caller = Caller()
    message = caller.sent(requestId="R-1")
    Message.objects.update(status=Status.SENT, closed_at=timezone.now() - OLD, due_at=None)
    _erase()
    assert caller.send(requestId="R-1").json()["messageId"] == message.pk
    assert caller.send(requestId="R-1", mailBody="other").json()["meta"]["responseStatus"]["code"] == 1005


def test_its_client_sees_since_when_it_is_gone() -> None:
    caller = Caller()
    message = caller.sent()
    assert caller.get(f"/v2/messages/{message.pk}").json()["data"]["attributes"]["erasedAt"] is None
    Message.objects.update(status=Status.SENT, closed_at=timezone.now() - OLD, due_at=None)
    _erase()
    shown = caller.get(f"/v2/messages/{message.pk}").json()["data"]["attributes"]
    assert shown["erasedAt"].startswith(timezone.localtime().isoformat()[:10])
    assert len(caller.get("/v2/messages").json()["data"]) == 1


@pytest.mark.parametrize("page", ["letter/", "letter/html/", "raw/"])
@pytest.mark.usefixtures("plain_pages")
def test_the_console_says_so_instead_of_showing_an_empty_letter(page: str) -> None:
    message = _closed()
    _erase()
    answer = client_of("Operator").get(f"/admin/sending/message/{message.pk}/{page}")
    assert answer.status_code == 200
    assert ("What this letter said was erased." in answer.content.decode()) == (page != "letter/html/")
    assert "Teszt levél szöveg" not in answer.content.decode()


def test_purging_takes_erased_ones_too() -> None:
    _closed()
    _erase()
    out = StringIO()
    call_command("purge_messages", "--days", "1", "--json", stdout=out)
    assert json.loads(out.getvalue())["count"] == 1
    assert not MessageEvent.objects.exists()


def test_a_held_letter_is_untouched(settings: Any) -> None:
    message = submitted(send_at=timezone.now() + timedelta(days=1))
    Message.objects.update(created_at=timezone.now() - OLD)
    assert _erase() == 0
    message.refresh_from_db()
    assert message.content == {**a_letter().content(), **message.content}
