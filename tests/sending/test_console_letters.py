"""Reading what messages say: for who may, never without a trace, never with power over the page."""

from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.storage import default_storage

from sending import blobs
from sending.channels.email import EmailChannel
from sending.letter import Property
from sending.models import Attachment, Blob, MessageEvent
from sending.parcels import attachments_of, build
from tests.console import client_of, plain_pages, trail  # noqa: F401
from tests.factories import make_caller
from tests.sending import authority
from tests.sending.console import MESSAGES
from tests.sending.factories import an_attachment, make_template, submitted

pytestmark = pytest.mark.django_db
CLOSED = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"


def _letter():
    return submitted(
        make_caller(),
        mail_body="Kedves <b>Elek</b>!",
        mail_html_body="<script>alert(1)</script><p>Kedves Elek!</p>",
        recipient_email_address_cc=("masolat@example.com",),
        bcc_address=("titok@example.com",),
        attachments=(an_attachment(file_name='<img src=x onerror="alert(1)">.html', media_type="text/html"),),
    )


def _pages(message) -> list[str]:
    attachment = Attachment.objects.get(message=message)
    base = f"{MESSAGES}{message.pk}/"
    return [
        base + page for page in ("letter/", "letter/html/", "raw/", "raw/download/", f"attachments/{attachment.pk}/")
    ]


def test_s33_nobody_reads_a_letter_without_the_permission() -> None:
    message = _letter()
    for page in _pages(message):
        assert client_of("Viewer").get(page).status_code == 403
        assert client_of("Template editor").get(page).status_code == 403
        assert client_of().get(page).status_code == 403
    assert trail() == []


def test_every_reading_is_in_the_audit_trail() -> None:
    message = _letter()
    client = client_of("Operator")
    for page in _pages(message):
        assert client.get(page).status_code == 200
    attachment = Attachment.objects.get(message=message)
    words = ["read: letter", "read: HTML", "read: raw mail", "read: raw mail", f"read: attachment {attachment.pk}"]
    assert trail() == [(str(message.pk), what) for what in words]


def test_a_letter_shows_its_headers_words_data_and_attachments() -> None:
    make_template(subject="Kedves {{ recipientName }}!")
    message = submitted(
        message_type="TEST.MAIL",
        mail_subject="",
        mail_body="",
        properties=(Property(key="AZON", value="SZ-1"),),
        xml_data="<DATA><a>1</a></DATA>",
    )
    page = client_of("Operator").get(f"{MESSAGES}{message.pk}/letter/").content.decode()
    for shown in (
        "Kedves Teszt Elek!",
        "Szerződés: SZ-1",
        "AZON",
        "&lt;DATA&gt;",
        "Teszt Elek &lt;elek@example.com&gt;",
    ):
        assert shown in page


def test_s33_html_is_shown_only_in_a_frame_that_can_do_nothing() -> None:
    message = _letter()
    client = client_of("Operator")
    response = client.get(f"{MESSAGES}{message.pk}/letter/")
    assert response["Content-Security-Policy"] == "frame-src 'self'; frame-ancestors 'self'"
    page = response.content.decode()
    assert "<script>alert(1)</script>" not in page
    assert "<img src=x" not in page
    assert "&lt;b&gt;Elek&lt;/b&gt;" in page
    frame = (
        f'sandbox="" referrerpolicy="no-referrer" loading="lazy" title="HTML" src="{MESSAGES}{message.pk}/letter/html/"'
    )
    assert frame in page
    frame = client.get(f"{MESSAGES}{message.pk}/letter/html/")
    assert frame.content.decode() == "<script>alert(1)</script><p>Kedves Elek!</p>"
    assert frame["Content-Security-Policy"] == f"{CLOSED}; frame-ancestors 'self'"
    assert (frame["X-Content-Type-Options"], frame["X-Frame-Options"], frame["Cache-Control"]) == (
        "nosniff",
        "SAMEORIGIN",
        "max-age=0, no-cache, no-store, must-revalidate, private",
    )


def test_s33_an_attachment_is_saved_and_never_shown() -> None:
    message = _letter()
    attachment = Attachment.objects.get(message=message)
    response = client_of("Operator").get(f"{MESSAGES}{message.pk}/attachments/{attachment.pk}/")
    assert b"".join(response.streaming_content) == b"%PDF-1.4 minta"
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"] == r'attachment; filename="<img src=x onerror=\"alert(1)\">.html"'
    assert (response["X-Content-Type-Options"], response["Content-Security-Policy"]) == ("nosniff", CLOSED)


def test_s19_a_downloaded_name_is_no_path_and_changes_no_direction() -> None:
    message = submitted(attachments=(an_attachment(file_name="../../etc/\u202efdp.exe"),))
    attachment = Attachment.objects.get(message=message)
    response = client_of("Operator").get(f"{MESSAGES}{message.pk}/attachments/{attachment.pk}/")
    assert response["Content-Disposition"] == 'attachment; filename="fdp.exe"'


def test_an_attachment_is_reached_through_its_own_message_only() -> None:
    message, other = _letter(), submitted()
    attachment = Attachment.objects.get(message=message)
    assert client_of("Operator").get(f"{MESSAGES}{other.pk}/attachments/{attachment.pk}/").status_code == 404


def test_an_attachment_whose_file_is_gone_is_not_found() -> None:
    message = _letter()
    attachment = Attachment.objects.get(message=message)
    default_storage.delete(Blob.path(attachment.blob_id))
    client = client_of("Operator")
    assert client.get(f"{MESSAGES}{message.pk}/attachments/{attachment.pk}/").status_code == 404
    assert "No such file" in client.get(f"{MESSAGES}{message.pk}/raw/").content.decode()


def test_the_raw_mail_is_the_bytes_that_went_out() -> None:
    message = _letter()
    sending = MessageEvent.objects.create(message=message, name="SENDING")
    raw = b"".join(client_of("Operator").get(f"{MESSAGES}{message.pk}/raw/download/").streaming_content)
    parcel = build(message, attachments_of([message])[message.pk])
    assert raw == EmailChannel(domain=settings.HAMMY_MESSAGE_ID_DOMAIN).raw(parcel, date=sending.created_at)
    mail = message_from_bytes(raw, policy=policy.default)
    assert mail["Message-ID"] == message.message_id_header
    assert "titok@example.com" not in raw.decode()
    assert blobs.read(Attachment.objects.get(message=message).blob_id) == b"%PDF-1.4 minta"


def test_a_mail_that_cannot_be_signed_now_says_why_instead(settings: Any, tmp_path: Path) -> None:
    authority.signer("ec").settle(settings, tmp_path)
    message = submitted(certification_expected=True)
    client = client_of("Operator")
    assert "multipart/signed" in client.get(f"{MESSAGES}{message.pk}/raw/").content.decode()
    settings.HAMMY_SIGNING_CERTIFICATE = ""
    assert "the site has no signing certificate" in client.get(f"{MESSAGES}{message.pk}/raw/").content.decode()
    assert client.get(f"{MESSAGES}{message.pk}/raw/download/").status_code == 404
    # Nor is what went out unsigned shown as signed.
    MessageEvent.objects.create(message=message, name="SENT", facts={"unsigned": "attachment 1: no key"})
    assert "multipart/signed" not in client.get(f"{MESSAGES}{message.pk}/raw/").content.decode()


def test_a_template_that_fails_says_why_instead() -> None:
    version = make_template(text="{{ properties['NEM'] }}")
    message = submitted()
    type(message).objects.filter(pk=message.pk).update(template_version=version)
    client = client_of("Operator")
    assert "is missing" in client.get(f"{MESSAGES}{message.pk}/letter/").content.decode()
    assert "is missing" in client.get(f"{MESSAGES}{message.pk}/raw/").content.decode()
    assert client.get(f"{MESSAGES}{message.pk}/letter/html/").content == b""


@pytest.mark.parametrize(("channel", "is_shown"), [("EMAIL", True), ("PORTAL", False)])
def test_a_channel_that_hands_nothing_over_has_no_tab_for_it(channel: str, is_shown: bool) -> None:
    message = submitted(channel=channel)
    browser = client_of("Operator")
    for page in ("change", "letter"):
        body = browser.get(f"{MESSAGES}{message.pk}/{page}/").content.decode()
        assert (f'{MESSAGES}{message.pk}/raw/"' in body, f'{MESSAGES}{message.pk}/letter/"' in body) == (is_shown, True)


def test_whoever_moves_a_printed_letter_sees_to_whom_it_goes() -> None:
    printed = {"channel": "POST", "letter_type": "NORMAL", "recipient_postal_address": "1117 Budapest"}
    message = submitted(recipient_name="Szőke Tűnde", recipient_email_address="", **printed)
    page = client_of("Operator").get(f"{MESSAGES}operate/cancel/?ids={message.pk}").content.decode()
    assert f"<strong>{message.pk}</strong> Szőke Tűnde" in page
    assert ("Waiting" in page, "ACCEPTED" in page) == (True, False)
