"""Sending closed messages again: what the new one is, for whom, once, and all or none (contract send_v2, "Resend")."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from gateway.caller import Caller
from gateway.errors import Code, Problem, Refusal
from sending import blobs, parcels, services
from sending.erasing import erase_content
from sending.letter import Property
from sending.models import Attachment, Blob, Message, MessageEvent
from sending.resending import MOST_AT_ONCE, Changes, resend
from sending.states import CLOSED, Status, TemplateStatus, VersionStatus
from tests.factories import make_caller
from tests.sending.factories import a_letter, an_attachment, event_names, make_template, submitted

pytestmark = pytest.mark.django_db

# What no two messages share, and what a resend is to have of its own.
_OWN = {"id", "uuid", "created_at", "updated_at", "due_at", "closed_at", "digest", "related_message_id", "content"}


def closed(caller: Caller | None = None, status: Status = Status.SENT, **overrides: Any) -> Message:
    """A message whose life is over."""
    message = submitted(caller, **overrides)
    close(message, status)
    return message


def close(message: Message, status: Status = Status.SENT) -> None:
    Message.objects.filter(pk=message.pk).update(status=status, closed_at=timezone.now(), due_at=None, held_for="")


def only(caller: Caller, *messages: Message, **options: Any) -> Message:
    """The one message that a resend made."""
    (accepted,) = resend(caller=caller, message_ids=[message.pk for message in messages], **options)
    return Message.objects.get(pk=accepted.message_id)


def refused(caller: Caller, *ids: int, **options: Any) -> list[tuple[int, str]]:
    """What a resend is refused for; nothing happens."""
    before = (Message.objects.count(), MessageEvent.objects.count(), Attachment.objects.count())
    with pytest.raises(Refusal) as caught:
        resend(caller=caller, message_ids=ids, **options)
    assert (Message.objects.count(), MessageEvent.objects.count(), Attachment.objects.count()) == before
    return [(int(problem.code), problem.detail) for problem in caught.value.problems]


def columns(message: Message) -> dict[str, Any]:
    return {
        name: value for name, value in Message.objects.filter(pk=message.pk).values()[0].items() if name not in _OWN
    }


def whole_letter() -> dict[str, Any]:
    return {
        "batch_id": "b", "partner_ref": "p", "recipient_email_address_cc": ("c@example.com", "d@example.com"),
        "bcc_address": ("e@example.com",), "mail_html_body": "<p>Szia</p>", "reply_to_address": "r@example.com",
        "xml_data": "<a>1</a>", "campaign_part_id": 7, "letter_type": "NORMAL",
        "properties": (Property(key="AZON", value="7", is_meta_data=True),),
        "attachments": (
            an_attachment(document_type="D", object_ref="9", properties=(Property(key="k", value="v"),)),
            an_attachment(b"more", file_name="b.txt", media_type="text/plain", internal_file_name="c.txt"),
        ),
    }  # fmt: skip


def test_a_resend_is_a_new_message_with_the_same_content_and_attachments(
    caller: Caller, wakes: list[tuple[str, ...]], django_capture_on_commit_callbacks: Any
) -> None:
    first = closed(caller, **whole_letter())
    files = Blob.objects.count()
    with django_capture_on_commit_callbacks(execute=True):
        again = only(caller, first)
    assert again.pk > first.pk
    assert (again.related_message_id, again.status) == (first.pk, "ACCEPTED")
    assert columns(again) == columns(first) | {"status": "ACCEPTED"}
    first.refresh_from_db()
    assert again.content == first.content | {"related_message_id": first.pk}
    rows = [
        list(Attachment.objects.filter(message=one).order_by("position").values()) for one in (first, again)
    ]  # fmt: skip
    assert [{**row, "id": 0, "message_id": 0} for row in rows[0]] == [
        {**row, "id": 0, "message_id": 0} for row in rows[1]
    ]
    assert Blob.objects.count() == files == 2
    assert (event_names(again), wakes) == (["ACCEPTED"], [("sending.tasks.dispatch", "EMAIL")])
    mails = [parcels.build(one, Attachment.objects.filter(message=one).order_by("position")) for one in (first, again)]
    assert [enclosure.read() for enclosure in mails[1].enclosures] == [b"%PDF-1.4 minta", b"more"]
    assert (mails[1].cc, mails[1].bcc, mails[1].text, mails[1].html) == (
        mails[0].cc, mails[0].bcc, mails[0].text, mails[0].html
    )  # fmt: skip


@pytest.mark.parametrize("status", sorted(CLOSED))
def test_every_closed_message_may_be_sent_again(caller: Caller, status: Status) -> None:
    assert only(caller, closed(caller, status)).status == "ACCEPTED"


@pytest.mark.parametrize("status", [Status.ACCEPTED, Status.HELD, Status.RETRY])
def test_none_that_is_still_under_way(caller: Caller, status: Status) -> None:
    good, message = closed(caller), submitted(caller)
    Message.objects.filter(pk=message.pk).update(status=status)
    assert refused(caller, good.pk, message.pk) == [
        (3001, f"cannot be sent again: message {message.pk} is {status}")
    ]  # fmt: skip


def test_s30_what_another_client_has_does_not_exist(caller: Caller, stranger: Caller) -> None:
    mine, theirs = closed(caller), closed(stranger)
    assert refused(caller, mine.pk, theirs.pk, 999_999) == [(3000, f"message {theirs.pk}, 999999 not found")]


def test_who_sees_all_sends_in_its_own_name_and_the_house_in_the_clients(caller: Caller) -> None:
    first = closed(caller)
    overseer = make_caller(rights=["send", "see_all"])
    assert only(overseer, first).client_id == overseer.client_id
    by_house = only(Caller.house("anna"), first, reason="asked for by phone")
    assert (by_house.client_id, by_house.user_name, by_house.reason) == (caller.client_id, "anna", "asked for by phone")
    assert list(by_house.events.values_list("reason", "actor")) == [("asked for by phone", "anna")]


def test_the_right_to_send_is_needed() -> None:
    caller = make_caller(rights=["jobs.read"])
    first = closed(make_caller())
    assert refused(caller, first.pk) == [(2002, "the client lacks the right send")]


def test_addresses_may_be_changed_and_are_checked_by_the_channel(caller: Caller) -> None:
    first, second = closed(caller), closed(caller)
    again = only(caller, first, changes=Changes(recipient_email_address="uj@example.com"))
    assert (again.recipient_email_address, again.content["recipient_email_address"]) == ("uj@example.com",) * 2
    wrong = Changes(recipient_email_address="uj@")
    # Said once, of what was given, whichever messages it is for.
    assert refused(caller, first.pk, second.pk, changes=wrong) == [
        (1002, "recipient_email_address: not a valid domain in the e-mail address: uj@")
    ]
    postal = only(caller, first, changes=Changes(recipient_postal_address="1111 Budapest, Fő u. 1."))
    assert postal.content["recipient_postal_address"] == "1111 Budapest, Fő u. 1."


def test_times_are_the_resends_own(caller: Caller) -> None:
    later = timezone.now() + timedelta(days=1)
    first = submitted(caller, send_at=later, expires_at=later + timedelta(days=1))
    close(first, Status.CANCELLED)
    again = only(caller, first)
    assert (again.status, again.expires_at, "send_at" in again.content) == ("ACCEPTED", None, False)
    held = only(caller, first, changes=Changes(send_at=later, expires_at=later + timedelta(hours=1)))
    assert (held.status, held.held_for, held.due_at) == ("HELD", "TIME", later)
    gone = Changes(expires_at=timezone.now() - timedelta(seconds=1))
    assert refused(caller, first.pk, changes=gone) == [(1002, "params.EXPIRES_AT: must be in the future")]


def test_r14_a_template_serves_as_it_does_a_new_letter_but_in_the_version_of_the_first(caller: Caller) -> None:
    version = make_template()
    letter = {"message_type": "TEST.MAIL", "mail_subject": "", "mail_body": "",
              "properties": (Property(key="AZON", value="7"),)}  # fmt: skip
    first = closed(caller, **letter)
    make_template(text="another")
    version.status = VersionStatus.RETIRED
    version.save()
    assert only(caller, first).template_version_id == version.pk
    version.template.status = TemplateStatus.SUSPENDED
    version.template.save()
    held = only(caller, first)
    assert (held.status, held.held_for) == ("HELD", "TEMPLATE")
    version.template.status = TemplateStatus.DISABLED
    version.template.save()
    assert refused(caller, first.pk) == [(3002, "message_ids[0].message_type: the template is disabled")]


def test_a_sender_that_the_site_gave_is_no_strangers(caller: Caller) -> None:
    limited = make_caller(sender_domains=["example.org"])
    first = closed(limited)
    assert only(limited, first).content["from_address"] == first.content["from_address"]


@pytest.mark.parametrize("lacks", ["content", "attachments"])
def test_what_was_erased_cannot_be_sent_again(caller: Caller, lacks: str) -> None:
    first, whole = closed(caller, attachments=(an_attachment(),)), closed(caller)
    if lacks == "content":
        Message.objects.filter(pk=first.pk).update(content={})
    else:
        Attachment.objects.filter(message=first).delete()
    assert refused(caller, whole.pk, first.pk) == [(3001, "message_ids[1]: its content is no longer kept")]


def test_what_was_erased_cannot_be_sent_again_though_its_template_could_speak_without_it(caller: Caller) -> None:
    make_template(text="Kedves ügyfelünk!")
    first = closed(caller, mail_subject="", mail_body="", message_type="TEST.MAIL")
    assert erase_content(closed_before=timezone.now()) == 1
    assert refused(caller, first.pk) == [(3001, "message_ids[0]: its content is no longer kept")]


def test_attachments_of_a_source_go_again_as_they_were_kept_and_leave_the_source_alone(caller: Caller) -> None:
    first = closed(caller, attachments=(an_attachment(),))
    content = first.content
    content["attachments"][0] |= {"source": "FS", "source_ref": "gone.pdf", "delete_source_expected": True}
    Message.objects.filter(pk=first.pk).update(content=content)
    again = only(caller, first)
    (attachment,) = again.content["attachments"]
    assert attachment.keys() & {"source", "source_ref", "delete_source_expected"} == set()
    assert blobs.read(Attachment.objects.get(message=again).blob_id) == b"%PDF-1.4 minta"


def test_several_come_in_the_order_named_each_once(caller: Caller) -> None:
    first, second, third = (closed(caller) for _ in range(3))
    made = resend(caller=caller, message_ids=[third.pk, first.pk, third.pk, second.pk])
    related = [Message.objects.get(pk=one.message_id).related_message_id for one in made]
    assert related == [third.pk, first.pk, second.pk]


def test_all_or_none_with_every_problem_at_once(caller: Caller) -> None:
    good, one, other = closed(caller), closed(caller), closed(caller)
    for message in (one, other):
        Message.objects.filter(pk=message.pk).update(content=message.content | {"mail_subject": ""})
    assert refused(caller, one.pk, good.pk, other.pk) == [
        (1001, "message_ids[0].mail_subject: required without messageType"),
        (1001, "message_ids[2].mail_subject: required without messageType"),
    ]


def test_none_and_too_many_are_refused(caller: Caller) -> None:
    assert refused(caller) == [(1001, "message_ids: required")]
    assert refused(caller, *range(1, MOST_AT_ONCE + 2)) == [
        (1002, f"message_ids: must be at most {MOST_AT_ONCE} messages")
    ]


def test_a_request_sent_again_is_answered_as_before(caller: Caller) -> None:
    one, two = closed(caller), closed(caller)
    first = resend(caller=caller, message_ids=[one.pk, two.pk], request_id="r")
    assert set(Message.objects.filter(related_message_id__isnull=False).values_list("request_id", flat=True)) == {"r"}
    # Whatever became of the messages since.
    Message.objects.filter(pk=one.pk).update(content={})
    again = resend(caller=caller, message_ids=[one.pk, two.pk], request_id="r")
    assert [answer.message_id for answer in again] == [answer.message_id for answer in first]
    assert ([answer.is_repeat for answer in first], [answer.is_repeat for answer in again]) == ([False] * 2, [True] * 2)
    assert Message.objects.count() == 4


@pytest.mark.parametrize("case", ["other messages", "other order", "other address", "a new letter"])
def test_another_command_under_the_same_request_id_is_refused(caller: Caller, case: str) -> None:
    one, two = closed(caller), closed(caller)
    (first, _) = resend(caller=caller, message_ids=[one.pk, two.pk], request_id="r")
    told = [
        (1005, f"request_id: already used for message {first.message_id} with different content; use a new request id")
    ]
    if case == "a new letter":
        with pytest.raises(Refusal) as caught:
            services.submit(caller=caller, letter=a_letter(request_id="r"))
        assert caught.value.problems == (
            Problem(code=Code.DUPLICATE_REQUEST, sentence=told[0][1].partition(": ")[2], field=("request_id",)),
        )
        return
    ids = {"other messages": [one.pk], "other order": [two.pk, one.pk]}.get(case, [one.pk, two.pk])
    changes = Changes(recipient_email_address="uj@example.com") if case == "other address" else Changes()
    assert refused(caller, *ids, request_id="r", changes=changes) == told


def test_s30_a_request_id_is_its_clients_own(caller: Caller) -> None:
    overseer = make_caller(rights=["send", "see_all"])
    first = closed(caller)
    made = [only(one, first, request_id="r") for one in (caller, overseer)]
    assert {message.client_id for message in made} == {caller.client_id, overseer.client_id}


def test_a_client_that_reuses_its_ids_sends_again_each_time() -> None:
    caller = make_caller(request_id_unique=False)
    first = closed(caller)
    assert only(caller, first, request_id="r").pk != only(caller, first, request_id="r").pk


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_same", [True, False])
def test_r1_the_same_request_at_the_same_moment_sends_once(is_same: bool) -> None:
    caller = make_caller()
    messages = [closed(caller) for _ in range(4)]
    barrier = Barrier(4)

    def call(message: Message) -> Any:
        try:
            barrier.wait()
            return [one.message_id for one in resend(caller=caller, message_ids=[message.pk], request_id="r")]
        except Refusal as refusal:
            return refusal.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(call, messages[:1] * 4 if is_same else messages))
    (made,) = Message.objects.filter(request_id="r").values_list("pk", flat=True)
    expected = [[made]] * 4 if is_same else [[made], *[Code.DUPLICATE_REQUEST] * 3]
    assert sorted(results, key=str) == sorted(expected, key=str), connection.vendor
