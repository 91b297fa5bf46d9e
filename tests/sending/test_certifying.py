"""Certified letters: what is taken, what is signed, what goes without, and that it is signed once."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from gateway.caller import Caller
from gateway.errors import Refusal
from sending import blobs, certifying, dispatch, leases, services, signing
from sending.channels import channel, close_channels
from sending.channels.base import OutcomeKind, Parcel
from sending.letter import Letter, LetterAttachment
from sending.models import Attachment, Blob, Message
from sending.parcels import attachments_of, build
from sending.resending import resend
from sending.send_v2.request import read
from tests.factories import make_caller
from tests.fakes.smtp import Mailbox
from tests.sending import documents
from tests.sending.authority import Signed, made, signer
from tests.sending.factories import ScriptedChannel, a_letter, an_outcome, event_names, submitted
from tests.sending.test_signing_mail import verified
from tests.sending.test_signing_pdf import status

pytestmark = pytest.mark.django_db

NO_SIGNER = "cannot sign: the site has no signing certificate"


@pytest.fixture(autouse=True)
def a_lease_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the worker fixture has it."""
    monkeypatch.setattr(leases, "_own", None)


@pytest.fixture
def own(settings: Any, tmp_path: Path) -> Signed:
    return signer("ec").settle(settings, tmp_path)


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    """Where the real channel's mails arrive."""
    with Mailbox() as running:
        settings.HAMMY_SMTP_SERVERS = (running.server,)
        close_channels()
        yield running
        close_channels()


def a_document(content: bytes | None = None, **overrides: Any) -> LetterAttachment:
    values = {"file_name": "szerződés.pdf", "media_type": "application/pdf", "certification_expected": True}
    return LetterAttachment(content=documents.a_pdf() if content is None else content, **values | overrides)


def a_sheet(**overrides: Any) -> LetterAttachment:
    values = {"file_name": "tétel.csv", "media_type": "text/csv", "certification_expected": True}
    return LetterAttachment(content=b"1;2\n", **values | overrides)


@pytest.fixture
def fs(settings: Any, tmp_path: Path) -> Path:
    """Where archived files lie."""
    root = tmp_path / "external"
    root.mkdir()
    settings.HAMMY_EXTERNAL_ROOT = str(root)
    return root


class Signing(ScriptedChannel):
    """A channel that signs what the real one does."""

    signs_letter = True
    signs_all = True


class SigningNothing(ScriptedChannel):
    """One that hands on what it was given."""


@pytest.fixture
def send(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Parcel]]:
    """One wake-up over a channel of that kind; the parcels it was given."""

    def run(*script: Any, kind: type[ScriptedChannel] = Signing) -> list[Parcel]:
        scripted = kind(*script)
        monkeypatch.setattr(dispatch, "kept_channel", lambda name: scripted)
        Message.objects.filter(status="RETRY").update(due_at=timezone.now())
        dispatch.Worker("EMAIL").work()
        return scripted.parcels

    return run


def refused(letter: Letter) -> list[tuple[int, str]]:
    with pytest.raises(Refusal) as caught:
        services.submit(caller=make_caller(), letter=letter)
    assert Message.objects.count() == 0
    assert Blob.objects.count() == 0
    return [(problem.http_status, problem.detail) for problem in caught.value.problems]


def ended(message: Message) -> tuple[str, str, dict[str, Any] | None]:
    message.refresh_from_db()
    event = message.events.order_by("-id").first()
    assert event is not None
    return message.status, message.reason, event.facts


# ── what is taken ───────────────────────────────────────────────────────────────────────────────


def test_a_site_that_does_not_sign_takes_nothing_that_must_be_signed() -> None:
    letter = a_letter(certification_expected=True, attachments=(a_document(), a_sheet()))
    assert refused(letter) == [
        (400, "certification_expected: must be false: signing is not available"),
        (400, "attachments[0].certification_expected: must be false: signing is not available"),
        (400, "attachments[1].certification_expected: must be false: signing is not available"),
    ]


def test_the_refusal_names_what_the_caller_wrote(caller: Caller) -> None:
    part = {
        "fileName": "minta.pdf",
        "content": b64encode(documents.a_pdf()).decode(),
        "certificationExpected": True,
        "properties": [{"key": "ATTACHMENT_SOURCE", "value": "INLINE"}],
    }
    reading = read(
        {
            "recipientName": "Teszt Elek",
            "recipientEmailAddress": "elek@example.com",
            "mailSubject": "Tárgy",
            "mailBody": "Szöveg",
            "certificationExpected": True,
            "attachments": [part],
        }
    )
    with pytest.raises(Refusal) as caught:
        reading.submit(caller)
    assert [(int(problem.code), problem.detail) for problem in caught.value.problems] == [
        (1002, "certificationExpected: must be false: signing is not available"),
        (1002, "attachments[0].certificationExpected: must be false: signing is not available"),
    ]
    assert Message.objects.count() == 0


def test_what_may_go_without_is_taken_anywhere() -> None:
    message = submitted(
        attachments=(a_document(postable_without_certificate=True), a_sheet(postable_without_certificate=True))
    )
    assert message.status == "ACCEPTED"


def test_a_channel_takes_nothing_that_it_cannot_sign(own: Signed) -> None:
    letter = a_letter(
        certification_expected=True,
        attachments=(a_document(), a_sheet(), a_sheet(postable_without_certificate=True)),
    )
    assert [problem.detail for problem in certifying.problems_of(letter, SigningNothing())] == [
        "certification_expected: must be false: EMAIL has no letter to sign",
        "attachments[1].certification_expected: must be false: with EMAIL only PDF documents are signed",
    ]
    assert list(certifying.problems_of(letter, Signing())) == []
    assert list(certifying.problems_of(letter, channel("EMAIL"))) == []


def test_a_document_that_is_too_large_to_sign_is_refused_at_once(own: Signed, settings: Any) -> None:
    settings.HAMMY_SIGNING_MAX_BYTES = 99
    assert refused(a_letter(attachments=(a_document(b"x" * 99), a_document(b"x" * 100)))) == [
        (
            413,
            "attachments[1].certification_expected: must be false: the document has 100 bytes, at most 99 are signed",
        )
    ]


# ── what is signed ──────────────────────────────────────────────────────────────────────────────


def test_a_certified_letter_goes_out_signed(own: Signed, mailbox: Mailbox, tmp_path: Path) -> None:
    message = submitted(certification_expected=True)
    dispatch.work("EMAIL")
    (mail,) = mailbox.mails
    assert verified(mail.data, tmp_path) is not None
    assert ended(message) == ("SENT", "250 2.0.0 kept as 1", {"signed": "letter"})


def test_a_certified_document_goes_out_signed_and_no_other(own: Signed, send: Any) -> None:
    plain = documents.a_pdf(2)
    message = submitted(attachments=(a_document(), a_document(plain, certification_expected=False)))
    (parcel,) = send()
    signed, unsigned = parcel.enclosures
    assert status(signed.content, own.root_pem()).bottom_line
    assert unsigned.content == plain
    assert not parcel.is_certified
    assert ended(message)[2] == {"signed": "attachment 1"}
    first, second = Attachment.objects.filter(message=message).order_by("position")
    assert blobs.read(first.outgoing_blob_id) == signed.content == blobs.read(str(first.signed_blob_id))
    assert signed.content.startswith(blobs.read(first.blob_id))
    assert second.signed_blob_id is None
    assert second.outgoing_blob_id == second.blob_id


def test_a_certified_sheet_makes_the_mail_a_signed_one(own: Signed, mailbox: Mailbox, tmp_path: Path) -> None:
    message = submitted(attachments=(a_sheet(),))
    dispatch.work("EMAIL")
    (mail,) = mailbox.mails
    assert b"text/csv" in (verified(mail.data, tmp_path) or b"")
    assert ended(message) == ("SENT", "250 2.0.0 kept as 1", {"signed": "letter, attachment 1"})


def test_a_document_is_signed_once_however_often_it_is_tried(own: Signed, send: Any) -> None:
    message = submitted(attachments=(a_document(),))
    (first,) = send(an_outcome(OutcomeKind.RETRY))
    assert ended(message)[0] == "RETRY"
    (second,) = send()
    assert second.enclosures[0].content == first.enclosures[0].content
    assert second.uuid == first.uuid
    assert ended(message) == ("SENT", "250 ok", {"signed": "attachment 1"})


def test_a_document_that_goes_again_is_the_one_that_was_signed_and_archived(own: Signed, send: Any, fs: Path) -> None:
    caller = make_caller(external_folder="")
    attachment = a_document(archiving_expected=True, archive_target="FS", archive_path="alma")
    message = submitted(caller, attachments=(attachment, a_sheet(certification_expected=False)))
    (first,) = send()
    (again,) = resend(caller=caller, message_ids=[message.pk])
    (second,) = send()
    assert second.enclosures[0].content == first.enclosures[0].content
    assert ended(Message.objects.get(pk=again.message_id))[0] == "SENT"


def test_what_was_signed_goes_out_though_the_key_is_gone(own: Signed, send: Any, settings: Any) -> None:
    message = submitted(attachments=(a_document(),))
    (first,) = send(an_outcome(OutcomeKind.RETRY))
    settings.HAMMY_SIGNING_CERTIFICATE = ""
    (second,) = send()
    assert second.enclosures[0].content == first.enclosures[0].content
    assert ended(message)[0] == "SENT"


def test_a_document_goes_again_as_it_was_signed_and_into_the_archive_that_has_it(
    own: Signed, send: Any, caller: Caller, settings: Any, tmp_path: Path
) -> None:
    settings.HAMMY_EXTERNAL_ROOT = tmp_path
    plain = a_document(file_name="b.pdf", certification_expected=False)
    archived = a_document(archiving_expected=True, archive_target="FS", archive_path="out")
    first = submitted(caller, attachments=(plain, archived))
    (went,) = send()
    (made,) = resend(caller=caller, message_ids=[first.pk])
    (again,) = send()
    assert [enclosure.read() for enclosure in again.enclosures] == [enclosure.read() for enclosure in went.enclosures]
    second = Message.objects.get(pk=made.message_id)
    assert ended(second) == ended(first)
    assert ended(second)[2] == {"signed": "attachment 2", "archived.1": "FS out/szerződés.pdf"}


def test_signed_bytes_are_kept_as_long_as_their_message(own: Signed, send: Any) -> None:
    submitted(attachments=(a_document(),))
    send()
    Blob.objects.update(created_at=timezone.now() - timedelta(days=2))
    assert blobs.sweep() == 0
    assert Blob.objects.count() == 2
    assert services.purge(closed_before=timezone.now() + timedelta(days=1)) == 1
    blobs.sweep()
    assert Blob.objects.count() == 0


# ── what goes without, and what does not ────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"%PDF-1.4 minta", "the document cannot be signed: Could not read malformed PDF file"),
        (documents.encrypted(), "the document is encrypted"),
    ],
    ids=["broken", "encrypted"],
)
def test_a_document_that_cannot_be_signed_fails_the_letter_unless_it_may_go_without(
    own: Signed, send: Any, content: bytes, why: str
) -> None:
    must = submitted(attachments=(a_document(content),))
    may = submitted(attachments=(a_document(), a_document(content, postable_without_certificate=True)))
    (parcel,) = send()
    assert parcel.message_id == may.pk
    assert parcel.enclosures[1].content == content
    assert ended(must) == ("FAILED", f"attachment 1: {why}", None)
    facts = {"signed": "attachment 1", "unsigned": f"attachment 2: {why}"}
    assert ended(may) == ("SENT", f"250 ok; unsigned: attachment 2: {why}", facts)
    assert Attachment.objects.exclude(signed_blob=None).count() == 1


@pytest.mark.parametrize("what", ["letter", "document", "sheet"])
def test_a_key_that_is_gone_is_waited_for(own: Signed, send: Any, settings: Any, what: str) -> None:
    wanted = {
        "letter": {"certification_expected": True},
        "document": {"attachments": (a_document(),)},
        "sheet": {"attachments": (a_sheet(),)},
    }
    message = submitted(**wanted[what])
    settings.HAMMY_SIGNING_CERTIFICATE, certificate = "", settings.HAMMY_SIGNING_CERTIFICATE
    assert send() == []
    number = "" if what == "letter" else "attachment 1: "
    assert ended(message) == ("RETRY", f"{number}{NO_SIGNER}", None)
    settings.HAMMY_SIGNING_CERTIFICATE = certificate
    (parcel,) = send()
    assert parcel.is_certified == (what != "document")
    assert ended(message)[0] == "SENT"


def test_a_certificate_that_has_ended_is_waited_for(settings: Any, tmp_path: Path, send: Any) -> None:
    over = made("Over", begins=timedelta(days=-9), ends=timedelta(days=-2)).settle(settings, tmp_path)
    message = submitted(certification_expected=True)
    assert send() == []
    day = f"{over.certificate.not_valid_after_utc:%Y-%m-%d}"
    assert ended(message) == ("RETRY", f"cannot sign: the certificate ended on {day}", None)


def test_without_a_key_all_that_may_goes_without(send: Any, mailbox: Mailbox) -> None:
    message = submitted(
        attachments=(a_document(postable_without_certificate=True), a_sheet(postable_without_certificate=True))
    )
    (parcel,) = send()
    assert not parcel.is_certified
    unsigned = f"attachment 2: {NO_SIGNER}; attachment 1: {NO_SIGNER}"
    assert ended(message) == ("SENT", f"250 ok; unsigned: {unsigned}", {"unsigned": unsigned})


def test_one_that_must_be_signed_keeps_those_back_that_need_not(own: Signed, send: Any, settings: Any) -> None:
    message = submitted(attachments=(a_sheet(postable_without_certificate=True), a_sheet()))
    settings.HAMMY_SIGNING_CERTIFICATE = ""
    assert send() == []
    assert ended(message) == ("RETRY", f"attachment 2: {NO_SIGNER}", None)


def test_a_channel_without_signatures_of_its_own_is_given_none_to_make(own: Signed, send: Any) -> None:
    letter = submitted(certification_expected=True)
    sheet = submitted(attachments=(a_sheet(),))
    both = submitted(attachments=(a_document(), a_sheet(postable_without_certificate=True)))
    (parcel,) = send(kind=SigningNothing)
    assert (parcel.message_id, parcel.is_certified) == (both.pk, False)
    assert status(parcel.enclosures[0].content, own.root_pem()).bottom_line
    assert ended(letter)[:2] == ("FAILED", "EMAIL has no letter to sign")
    assert ended(sheet)[:2] == ("FAILED", "attachment 1: only PDF documents are signed")
    assert ended(both)[1] == "250 ok; unsigned: attachment 2: only PDF documents are signed"


def test_a_letter_without_signatures_knows_nothing_of_them(send: Any) -> None:
    message = submitted(attachments=(a_document(certification_expected=False),))
    (parcel,) = send()
    assert parcel.facts == {}
    assert ended(message) == ("SENT", "250 ok", None)
    assert event_names(message) == ["ACCEPTED", "SENDING", "SENT"]


# ── what the console shows ──────────────────────────────────────────────────────────────────────


def test_the_mail_can_be_built_again_to_the_byte(own: Signed, mailbox: Mailbox) -> None:
    message = submitted(certification_expected=True, attachments=(a_document(), a_sheet()))
    dispatch.work("EMAIL")
    (mail,) = mailbox.mails
    message.refresh_from_db()
    parcel = build(message, attachments_of([message])[message.pk])
    shown = certifying.as_handed_over(parcel, channel("EMAIL"), ended(message)[2])
    assert channel("EMAIL").raw(shown, date=mail.message["Date"].datetime) == mail.data


def test_what_went_without_is_shown_without(own: Signed, settings: Any, send: Any) -> None:
    message = submitted(attachments=(a_sheet(postable_without_certificate=True),))
    parcel = build(message, attachments_of([message])[message.pk])
    assert certifying.as_handed_over(parcel, Signing(), None).is_certified
    settings.HAMMY_SIGNING_CERTIFICATE, certificate = "", settings.HAMMY_SIGNING_CERTIFICATE
    send()
    settings.HAMMY_SIGNING_CERTIFICATE = certificate
    assert signing.is_configured()
    assert not certifying.as_handed_over(parcel, Signing(), ended(message)[2]).is_certified
