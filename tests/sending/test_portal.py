"""PORTAL: messages in inboxes, read over REST by the portals that may (contract send_v2, "Channels")."""

from base64 import b64encode
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from gateway.caller import Caller as CoreCaller
from gateway.dates import format_moment
from sending import dispatch, inbox, leases
from sending.models import Attachment, Blob, Message, MessageEvent, TemplateVersion
from sending.portal_v1.urls import urlpatterns
from sending.send_v2.answer import JSON_API
from sending.states import Status
from tests.factories import headers_for, make_client
from tests.sending.authority import signer
from tests.sending.documents import a_pdf
from tests.sending.factories import make_template
from tests.sending.send_v2_calls import Caller, keep_files_in, nothing_happened, problems

pytestmark = pytest.mark.django_db
READER = CoreCaller(client_id=1, rights=frozenset({"portal"}))
BASE = "/hammy/json/portal/v1/messages"
PORTAL = {"channel": "PORTAL", "partnerRef": "P1"}
PDF = {
    "fileName": "számla.pdf",
    "content": "JVBERi0=",
    "documentType": "INVOICE",
    "properties": [{"key": "ATTACHMENT_SOURCE", "value": "INLINE"}],
}


class Portal:
    """A portal's client with the right ``portal`` and no user token, over HTTP."""

    def __init__(self, *shows: Caller, **overrides: Any) -> None:
        self.client, keys = make_client(**{"needs_user_token": False, "rights": ["portal"]} | overrides)
        self.headers = headers_for(keys)
        for caller in shows:
            caller.client.portals.add(self.client)

    def get(self, path: str = "", **query: Any) -> Any:
        return Client().get(BASE + path, query, headers=self.headers)

    def open(self, message: Message | int, **headers: str) -> Any:
        number = message.pk if isinstance(message, Message) else message
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Client().post(f"{BASE}/{number}/open", headers=self.headers | named)

    def ids(self, **query: Any) -> list[int]:
        answer = self.get(**query)
        assert answer.status_code == 200, answer.content
        assert answer.json()["meta"]["total"] >= len(answer.json()["data"])
        return [int(item["id"]) for item in answer.json()["data"]]


@pytest.fixture
def api(settings: Any, tmp_path: Path) -> Caller:
    keep_files_in(tmp_path, settings)
    return Caller()


@pytest.fixture
def portal(api: Caller) -> Portal:
    return Portal(api)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The portal's worker: whatever is due goes into its inbox."""
    monkeypatch.setattr(leases, "_own", None)
    return lambda: dispatch.Worker("PORTAL").work()


@pytest.fixture
def put(api: Caller, work: Any) -> Any:
    """A letter in its inbox, handed over by the worker."""

    def put(caller: Caller = api, **members: Any) -> Message:
        message = caller.sent(**PORTAL | members)
        work()
        message.refresh_from_db()
        assert message.status == "SENT", message.reason
        return message

    return put


def test_a_message_is_in_the_inbox_when_it_is_sent(api: Caller, portal: Portal, work: Any) -> None:
    message = api.sent(**PORTAL)
    assert portal.ids(partnerRef="P1") == []
    work()
    message.refresh_from_db()
    assert (message.status, message.reason, message.attempts) == ("SENT", "in the inbox", 1)
    assert portal.ids(partnerRef="P1") == [message.pk]


def test_a_list_tells_everything_but_what_a_message_says(portal: Portal, put: Any) -> None:
    message = put(mailBody="titkos szavak", attachments=[PDF], fromName="Biztosító", requestId="r1")
    answer = portal.get(partnerRef="P1")
    assert (answer.status_code, answer["Content-Type"], answer["Cache-Control"]) == (200, JSON_API, "no-store")
    assert answer.json() == {
        "data": [
            {
                "type": "portalMessages",
                "id": str(message.pk),
                "attributes": {
                    "subject": "Teszt levél tárgy",
                    "messageType": None,
                    "partnerRef": "P1",
                    "recipientName": "Teszt Elek",
                    "recipientEmailAddress": "elek@example.com",
                    "fromName": "Biztosító",
                    "attachmentCount": 1,
                    "createdAt": format_moment(message.created_at),
                    "sentAt": format_moment(message.closed_at),
                    "openedAt": None,
                    "expiresAt": None,
                },
            }
        ],
        "meta": {"total": 1, "params": [], "responseStatus": {"code": 0, "messages": []}},
    }


@pytest.mark.parametrize("slash", ["", "/"])
def test_one_message_is_read_with_its_words_as_they_were_written(portal: Portal, put: Any, slash: str) -> None:
    message = put(mailBody="Szöveg", mailHtmlBody="<p onclick='x()'>Szöveg</p>")
    attributes = portal.get(f"/{message.pk}{slash}").json()["data"]["attributes"]
    assert (attributes["subject"], attributes["text"], attributes["html"]) == (
        "Teszt levél tárgy", "Szöveg", "<p onclick='x()'>Szöveg</p>",
    )  # fmt: skip
    message.refresh_from_db()
    assert message.opened_at is None


def test_a_typed_message_is_shown_in_the_words_of_its_version(portal: Portal, put: Any) -> None:
    version = make_template("T", subject="Kedves {{ recipientName }}!", text="A: {{ properties['A'] }}", html="")
    typed = {"messageType": "T", "mailSubject": None, "mailBody": None, "properties": [{"key": "A", "value": "<1>"}]}
    message = put(**typed)
    make_template("T", version=version.version + 1, subject="Más", text="Más")
    assert portal.get(partnerRef="P1").json()["data"][0]["attributes"]["subject"] == "Kedves Teszt Elek!"
    attributes = portal.get(f"/{message.pk}").json()["data"]["attributes"]
    assert (attributes["messageType"], attributes["subject"], attributes["text"], attributes["html"]) == (
        "T", "Kedves Teszt Elek!", "A: <1>", None,
    )  # fmt: skip


def test_s26_a_template_that_takes_too_long_now_hides_its_words_and_no_other_message(
    portal: Portal, put: Any, settings: Any
) -> None:
    make_template("T", subject="Kedves {{ recipientName }}!", text="x")
    plain = put(mailSubject="Sima")
    typed = put(messageType="T", mailSubject=None, mailBody=None)
    settings.HAMMY_TEMPLATE_SECONDS = 0
    data = portal.get(partnerRef="P1").json()["data"]
    assert [(int(item["id"]), item["attributes"]["subject"]) for item in data] == [(typed.pk, None), (plain.pk, "Sima")]
    answer = portal.get(f"/{typed.pk}")
    assert (answer.status_code, problems(answer)) == (
        503, [(9001, "the message cannot be shown now, try again later")],
    )  # fmt: skip


def test_opening_is_an_event_with_its_actor_and_only_the_first_counts(api: Caller, portal: Portal, put: Any) -> None:
    message = put()
    answer = portal.open(message, X_User_Name="elek")
    message.refresh_from_db()
    assert answer.json()["data"]["attributes"]["openedAt"] == format_moment(message.opened_at)
    assert answer.json()["data"]["attributes"]["subject"] == "Teszt levél tárgy"
    assert portal.open(message, X_User_Name="anna").content == answer.content
    event = MessageEvent.objects.filter(message=message).order_by("id").last()
    assert event is not None
    assert (event.name, event.created_at, event.actor, event.reason) == (
        "OPENED", message.opened_at, f"{portal.client.name}/elek", "",
    )  # fmt: skip
    assert message.updated_at == message.opened_at
    assert [item.name for item in message.events.order_by("id")] == ["ACCEPTED", "SENDING", "SENT", "OPENED"]
    assert message.status == "SENT"
    told = api.get(f"/v2/messages/{message.pk}").json()["data"]["attributes"]
    assert (told["status"], told["openedAt"]) == ("SENT", format_moment(message.opened_at))
    assert api.get(f"/v2/messages/{message.pk}/events").json()["data"][-1]["attributes"]["eventName"] == "OPENED"


def test_unread_messages_are_listed_alone(portal: Portal, put: Any) -> None:
    first, second = put(), put()
    portal.open(first)
    assert portal.ids(partnerRef="P1", unread="true") == [second.pk]
    assert portal.ids(partnerRef="P1", unread="TRUE") == [second.pk]
    assert portal.ids(partnerRef="P1", unread="false") == [second.pk, first.pk]


def test_an_inbox_is_a_partners_else_an_addresss_in_any_case(portal: Portal, put: Any) -> None:
    with_partner = put(partnerRef="P1")
    by_address = put(partnerRef=None, recipientEmailAddress="Elek@Example.com")
    put(partnerRef=None, recipientEmailAddress="anna@example.com")
    put(partnerRef="P2", recipientEmailAddress=None)
    assert portal.ids(partnerRef="P1") == [with_partner.pk]
    assert portal.ids(recipientEmailAddress="elek@EXAMPLE.com") == [by_address.pk]
    assert portal.ids(partnerRef="p1") == []


def test_the_newest_come_first_and_pages_never_overlap(portal: Portal, put: Any) -> None:
    made = [put().pk for _ in range(5)]
    Message.objects.update(closed_at=timezone.now())
    pages = [portal.ids(partnerRef="P1", limit=2, offset=offset) for offset in (0, 2, 4, 6)]
    assert pages == [made[:2:-1], made[2:0:-1], made[:1], []]
    assert portal.get(partnerRef="P1", limit=2).json()["meta"]["total"] == 5
    assert portal.ids(partnerRef="P1", sort="sentAt") == made
    assert portal.ids(partnerRef="P1", sort="-createdAt") == made[::-1]


def test_s31_bad_parameters_are_all_told(portal: Portal) -> None:
    answer = portal.get(limit=0, offset=-1, sort="subject", unread="perhaps", **{"filter[partnerRef]": "x"})
    assert answer.status_code == 400
    assert {
        (error["source"]["parameter"], error["detail"].partition(": ")[2]) for error in answer.json()["errors"]
    } == {
        ("limit", "must be between 1 and 1000"),
        ("offset", "must be between 0 and 1000000000"),
        ("sort", "unknown field, sort by sentAt, createdAt, a minus before it for descending"),
        ("unread", "must be true or false"),
        ("partnerRef", "required, unless recipientEmailAddress is given"),
        ("filter[partnerRef]", "unknown parameter, use partnerRef"),
    }
    both = portal.get(partnerRef="P1", recipientEmailAddress="elek@example.com")
    assert problems(both) == [(1003, "partnerRef: not together with recipientEmailAddress")]
    for query in ({"partnerRef": "x" * 101}, {"recipientEmailAddress": "\0"}):
        assert [code for code, _ in problems(portal.get(**query))] == [1002]


def test_attachments_are_listed_and_their_bytes_given_to_be_saved(portal: Portal, put: Any) -> None:
    page = PDF | {"fileName": "oldal.html", "content": "PGI+", "documentType": None}
    message = put(attachments=[PDF, page])
    # A name that came in before names were looked at is made safe on the way out.
    Attachment.objects.filter(position=0).update(file_name="../számla\u202e.pdf")
    answer = portal.get(f"/{message.pk}/attachments")
    assert answer.json() == {
        "data": [
            {
                "type": "portalAttachments",
                "id": str(number),
                "attributes": {"fileName": name, "mediaType": media_type, "size": size, "documentType": kind},
            }
            for number, name, media_type, size, kind in (
                (1, "számla.pdf", "application/pdf", 5, "INVOICE"),
                (2, "oldal.html", "text/html", 3, None),
            )
        ],
        "meta": {"total": 2, "params": [], "responseStatus": {"code": 0, "messages": []}},
    }
    file = portal.get(f"/{message.pk}/attachments/2")
    assert (file.status_code, file.getvalue()) == (200, b"<b>")
    assert {
        name: file[name]
        for name in (
            "Content-Type", "Content-Length", "Content-Disposition", "Content-Security-Policy",
            "X-Content-Type-Options", "Cache-Control", "Referrer-Policy",
        )
    } == {
        "Content-Type": "text/html",
        "Content-Length": "3",
        "Content-Disposition": 'attachment; filename="oldal.html"',
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
    }  # fmt: skip
    first = portal.get(f"/{message.pk}/attachments/1")
    assert first["Content-Disposition"] == "attachment; filename*=utf-8''sz%C3%A1mla.pdf"
    assert first.getvalue() == b"%PDF-"
    message.refresh_from_db()
    assert message.opened_at is None


def test_a_document_that_was_to_be_signed_is_shown_signed(
    api: Caller, portal: Portal, put: Any, settings: Any, tmp_path: Path
) -> None:
    signer().settle(settings, tmp_path)
    signed = PDF | {"content": b64encode(a_pdf()).decode(), "certificationExpected": True}
    message = put(attachments=[signed])
    (attachment,) = portal.get(f"/{message.pk}/attachments").json()["data"]
    content = portal.get(f"/{message.pk}/attachments/1")
    data = content.getvalue()
    assert b"/ByteRange" in data
    assert len(data) == attachment["attributes"]["size"] == int(content["Content-Length"])
    assert problems(api.send(**PORTAL, certificationExpected=True)) == [
        (1002, "certificationExpected: must be false: PORTAL has no letter to sign")
    ]


@pytest.mark.parametrize("number", ["0", "3", "-1", "x", "9" * 30, "१"])
def test_what_is_no_attachment_is_not_found(portal: Portal, put: Any, number: str) -> None:
    message = put(attachments=[PDF])
    answer = portal.get(f"/{message.pk}/attachments/{number}")
    assert (answer.status_code, problems(answer)[0][0]) == (404, 3000)


def test_an_attachment_whose_bytes_are_away_says_so(portal: Portal, put: Any) -> None:
    message = put(attachments=[PDF])
    default_storage.delete(Blob.path(Attachment.objects.get().blob_id))
    answer = portal.get(f"/{message.pk}/attachments/1")
    assert (answer.status_code, problems(answer)) == (
        503, [(9001, "the attachment cannot be read now, try again later")],
    )  # fmt: skip


def not_shown(portal: Portal, message: Message) -> bool:
    """The message looks as if it did not exist, at every address, and nobody could open it."""
    before = MessageEvent.objects.count()
    answers = [
        *(portal.get(f"/{message.pk}{path}") for path in ("", "/attachments", "/attachments/1")),
        portal.open(message),
    ]
    listed = [*portal.ids(partnerRef="P1"), *portal.ids(recipientEmailAddress="elek@example.com")]
    total = portal.get(partnerRef="P1").json()["meta"]["total"]
    message.refresh_from_db()
    return (
        {(answer.status_code, problems(answer)[0]) for answer in answers}
        == {(404, (3000, f"message {message.pk} not found"))}
        and (listed, total, message.opened_at) == ([], 0, None)
        and MessageEvent.objects.count() == before
    )


def test_s30_a_portal_shows_what_it_was_named_for_and_nothing_else(api: Caller, portal: Portal, put: Any) -> None:
    message = put(attachments=[PDF])
    stranger, other = Portal(), Portal(Caller())
    assert not_shown(stranger, message)
    assert not_shown(other, message)
    # The client itself, without a portal of its own, sees it over Send V2 alone.
    api.client.rights = ["send", "portal"]
    api.client.save()
    own = Portal()
    own.headers = api.headers
    assert own.ids(partnerRef="P1") == [message.pk]
    assert portal.ids(partnerRef="P1") == [message.pk]
    assert Portal(rights=["portal", "see_all"]).ids(partnerRef="P1") == [message.pk]
    api.client.portals.clear()
    assert not_shown(portal, message)


def test_s30_being_named_is_no_favour_returned(api: Caller, put: Any) -> None:
    # The portal's own messages are not its clients' to show.
    own = Caller(rights=["send", "portal"])
    api.client.portals.add(own.client)
    message = put(own)
    api.client.rights = ["send", "portal"]
    api.client.save()
    reader = Portal()
    reader.headers = api.headers
    assert not_shown(reader, message)


def test_a_message_that_did_not_arrive_has_run_out_or_is_a_mail_is_not_shown(
    api: Caller, portal: Portal, put: Any
) -> None:
    expired = put()
    Message.objects.filter(pk=expired.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert not_shown(portal, expired)
    cancelled = api.sent(**PORTAL)
    api.post(f"/v2/messages/{cancelled.pk}/cancel", b"")
    assert not_shown(portal, cancelled)
    mail = api.sent(partnerRef="P1")
    Message.objects.filter(pk=mail.pk).update(status="SENT", closed_at=timezone.now())
    assert not_shown(portal, mail)
    later = put(params=[{"key": "EXPIRES_AT", "value": "2099-01-01"}])
    assert portal.ids(partnerRef="P1") == [later.pk]


def test_inboxes_need_the_right_portal(put: Any) -> None:
    message = put()
    lacking = Portal(rights=["send", "see_all"])
    refused = [(2002, "the client lacks the right portal")]
    for path in ("", f"/{message.pk}", f"/{message.pk}/attachments", f"/{message.pk}/attachments/1"):
        assert problems(lacking.get(path)) == refused
    assert problems(lacking.open(message)) == refused
    message.refresh_from_db()
    assert message.opened_at is None


@pytest.mark.parametrize("number", ["0", "-1", "abc", "9223372036854775808", "%00", "१"])
def test_what_is_no_number_is_no_message(portal: Portal, number: str) -> None:
    for path in ("", "/attachments", "/attachments/1"):
        answer = portal.get(f"/{number}{path}")
        assert (answer.status_code, problems(answer)[0][0]) == (404, 3000)


def test_a_letter_for_the_portal_lacks_nobody_and_nothing(api: Caller) -> None:
    answer = api.send(channel="PORTAL", recipientEmailAddress=None, mailSubject=None, mailBody=None)
    assert problems(answer) == [
        (1001, "mailSubject: required without messageType"),
        (1001, "mailBody: required without messageType, unless mailHtmlBody is given"),
        (1001, "recipientEmailAddress: required for PORTAL, unless partnerRef is given"),
    ]
    evil = api.send(
        channel="PORTAL", mailSubject="a\r\nb", recipientEmailAddress="a@b\r\nBcc: x", fromName="a\u2028b",
        recipientName="x\ny",
    )  # fmt: skip
    assert {detail.partition(":")[0] for _, detail in problems(evil)} == {
        "mailSubject", "recipientEmailAddress", "recipientName", "fromName",
    }  # fmt: skip
    assert nothing_happened()


@pytest.mark.parametrize("field", ["partner", "address"])
def test_an_inbox_is_read_by_its_index(field: str) -> None:
    found = {
        "partner": inbox.messages(caller=READER, partner_ref="P1"),
        "address": inbox.messages(caller=READER, address="elek@example.com", is_unread=True),
    }[field]
    page = inbox.without_words(found).order_by("-closed_at", "-pk")[:20]
    if connection.vendor == "postgresql":
        # Of an empty table it knows nothing, and takes either index.
        Message.objects.bulk_create(
            Message(
                channel="PORTAL", status=Status.SENT, closed_at=timezone.now(), digest=b"", content={},
                recipient_email_address=f"a{number}@example.com",
            )
            for number in range(500)
        )  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE sending_message")
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
    plan = page.explain()
    assert f"message_inbox_{field}" in plan
    # In the index's own order: a page is read without sorting the inbox.
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


def test_an_inbox_costs_the_same_statements_whatever_its_length(
    portal: Portal, put: Any, django_assert_num_queries: Any, settings: Any
) -> None:
    settings.HAMMY_CALLER_CACHE_SECONDS = 60
    make_template("T", text="x")
    for _ in range(3):
        put(messageType="T", mailSubject=None, mailBody=None)
    portal.ids(partnerRef="P1")
    for limit in (1, 3):
        with django_assert_num_queries(3):
            assert len(portal.ids(partnerRef="P1", limit=limit)) == limit
    assert TemplateVersion.objects.count() == 1


def test_every_operation_is_published_once() -> None:
    published = SchemaGenerator(patterns=urlpatterns).get_schema(request=None, public=True)
    validate_schema(published)
    operations = {
        (path, method): operation["operationId"]
        for path, methods in published["paths"].items()
        for method, operation in methods.items()
    }
    assert operations == {
        ("/messages", "get"): "listInbox",
        ("/messages/{message_id}", "get"): "readInboxMessage",
        ("/messages/{message_id}/attachments", "get"): "listInboxAttachments",
        ("/messages/{message_id}/attachments/{number}", "get"): "readInboxAttachment",
        ("/messages/{message_id}/open", "post"): "openInboxMessage",
    }


def test_moments_are_the_sites(portal: Portal, put: Any) -> None:
    message = put()
    Message.objects.filter(pk=message.pk).update(closed_at=datetime.fromisoformat("2026-07-01T10:00:00+00:00"))
    assert portal.get(f"/{message.pk}").json()["data"]["attributes"]["sentAt"] == "2026-07-01T12:00:00.000+02:00"
