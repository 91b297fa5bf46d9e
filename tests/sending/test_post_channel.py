"""POST: what it asks of a letter, and what it lays into the spool."""

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage

from gateway.errors import Code
from sending.channels.base import NotReady, OutcomeKind
from sending.channels.post import PostChannel
from sending.letter import Letter
from tests.sending.authority import signer
from tests.sending.factories import a_letter, an_attachment
from tests.sending.printed import a_parcel, a_pdf, enclosed, pages_of, spool

CHANNEL = PostChannel()


def a_printed_letter(**overrides: Any) -> Letter:
    values = {
        "channel": "POST",
        "recipient_email_address": "",
        "recipient_postal_address": "1117 Budapest, Fő utca 1.",
        "letter_type": "NORMAL",
    }
    return a_letter(**values | overrides)


def problems(**overrides: Any) -> list[tuple[int, str, str]]:
    found = CHANNEL.check(a_printed_letter(**overrides))
    return [(int(problem.code), ".".join(map(str, problem.field)), problem.sentence) for problem in found]


# ── what it asks for ────────────────────────────────────────────────────────────────────────────
def test_a_good_letter_needs_an_address_a_type_and_something_to_say() -> None:
    assert problems() == []
    assert problems(mail_body="", mail_html_body="<p>a</p>") == []
    assert problems(mail_body="", mail_subject="", message_type="T") == []
    assert problems(mail_body="", attachments=(an_attachment(media_type="application/pdf"),)) == []
    # Unlike a mail, a printed letter may do without a subject.
    assert problems(mail_subject="") == []


def test_what_is_missing_is_told_at_once() -> None:
    found = problems(mail_body="", recipient_postal_address=" \n", letter_type="")
    assert found == [
        (1001, "mail_body", "required without messageType, unless mailHtmlBody or a PDF attachment is given"),
        (1001, "recipient_postal_address", "required"),
        (1001, "letter_type", "required: one of NORMAL, PRIORITY, REGISTERED, REGISTERED_RETURN_RECEIPT"),
    ]


def test_letter_types_are_the_sites(settings: Any) -> None:
    settings.HAMMY_LETTER_TYPES = ["A", "B"]
    assert problems(letter_type="A") == []
    assert problems() == [(1002, "letter_type", "must be one of A, B")]


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("\n".join("abcdef"), "must be at most 5 lines, and is 6"),
        ("a" * 61, "a line must be at most 60 characters long, and one has 61"),
        ("Budapest\x07", "must not contain control characters (U+0007 at position 9)"),
        ("a\x0cb", "must not contain control characters (U+000C at position 2)"),
    ],
)
def test_s16_an_address_that_no_window_shows_is_refused(address: str, sentence: str) -> None:
    assert problems(recipient_postal_address=address) == [(1002, "recipient_postal_address", sentence)]


def test_an_address_may_have_lines() -> None:
    assert problems(recipient_postal_address="Fő utca 1.\r\n1117 Budapest\n\nHungary") == []


@pytest.mark.parametrize("field", ["recipient_name", "from_name", "mail_subject"])
def test_s16_control_characters_are_refused(field: str) -> None:
    sentence = "must not contain control characters (U+000A at position 2)"
    assert problems(**{field: "a\nb"}) == [(1002, field, sentence)]


def test_only_pdf_documents_can_be_enclosed() -> None:
    attachments = (
        an_attachment(file_name="a.docx", media_type="application/msword"),
        an_attachment(b"GIF89a", media_type="application/pdf"),
        an_attachment(media_type="application/pdf"),
    )
    assert problems(attachments=attachments) == [
        (1002, "attachments.0.file_name", "only PDF documents can be printed, and this is application/msword"),
        (1002, "attachments.1.content", "only PDF documents can be printed, and this is none"),
    ]


def test_enclosures_are_so_large_at_most(settings: Any) -> None:
    settings.HAMMY_MAX_LETTER_BYTES = 20
    attachments = (an_attachment(b"%PDF-1.4 tizenhat", media_type="application/pdf"),) * 2
    found = list(CHANNEL.check(a_printed_letter(attachments=attachments)))
    assert [(problem.code, problem.sentence, problem.status) for problem in found] == [
        (Code.INVALID, "together 34 bytes, must be at most 20", 413)
    ]


# ── what it lays into the spool ─────────────────────────────────────────────────────────────────
def test_a_letter_lies_in_its_batchs_folder_under_its_digest() -> None:
    outcome = CHANNEL.hand_over(a_parcel(enclosures=(enclosed(a_pdf(2)),)))
    ((name, content),) = spool().items()
    digest = sha256(content).hexdigest()
    assert name == f"2026-11-29/000001/18342-{digest[:16]}.pdf"
    assert outcome.kind == OutcomeKind.SENT
    assert outcome.words == f"in the spool: {name}"
    assert outcome.facts == {"file": name, "pages": 3, "sheets": 3, "size": len(content), "digest": digest}
    assert len(pages_of(content)) == 3


def test_handing_over_twice_is_the_same_as_once() -> None:
    first = CHANNEL.hand_over(a_parcel())
    files = spool()
    assert CHANNEL.hand_over(a_parcel()) == first
    assert spool() == files


def test_a_letter_bears_its_batchs_day() -> None:
    CHANNEL.hand_over(a_parcel(batch="2026-12-24/000003"))
    assert "2026. december 24." in pages_of(next(iter(spool().values())))[0]


@pytest.mark.parametrize("batch", ["", "2026-11-29", "yesterday/000001"])
def test_a_letter_without_a_batch_waits(batch: str) -> None:
    outcome = CHANNEL.hand_over(a_parcel(batch=batch))
    assert (outcome.kind, outcome.words) == (OutcomeKind.RETRY, "the letter was given to no batch")
    assert spool() == {}


def test_what_cannot_be_printed_fails_by_name_and_leaves_nothing() -> None:
    outcome = CHANNEL.hand_over(a_parcel(enclosures=(enclosed(a_pdf(password="x")),)))
    assert outcome.kind == OutcomeKind.FAILED
    assert outcome.words == "szerződés.pdf cannot be printed: it is protected by a password"
    assert spool() == {}


def test_a_spool_that_cannot_be_written_rests_the_lane(settings: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    settings.STORAGES = {
        **settings.STORAGES,
        "spool": {
            "BACKEND": "hammy_project.storage.AtomicFileStorage",
            "OPTIONS": {"location": str(tmp_path / "file")},
        },
    }
    outcome = CHANNEL.hand_over(a_parcel())
    assert (outcome.kind, outcome.words) == (OutcomeKind.LATER, "spool not writable: Not a directory")


def test_half_a_file_that_a_dead_worker_left_is_written_anew(settings: Any, tmp_path: Path) -> None:
    settings.STORAGES = {
        **settings.STORAGES,
        "spool": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path)},
        },
    }
    CHANNEL.hand_over(a_parcel())
    files = spool()
    (name,) = files
    (tmp_path / name).write_bytes(b"%PDF half")
    assert CHANNEL.hand_over(a_parcel()).kind == OutcomeKind.SENT
    assert spool() == files


def test_a_storage_that_calls_files_otherwise_is_no_spool(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FileSystemStorage, "_save", lambda self, name, content: "elsewhere.pdf")
    settings.STORAGES = {
        **settings.STORAGES,
        "spool": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    }
    assert CHANNEL.hand_over(a_parcel()).kind == OutcomeKind.LATER


def test_the_console_shows_the_document_itself() -> None:
    CHANNEL.hand_over(a_parcel())
    assert CHANNEL.raw(a_parcel(), date=datetime(2027, 1, 1, tzinfo=UTC)) == next(iter(spool().values()))
    unbound = CHANNEL.raw(a_parcel(batch=""), date=datetime(2026, 12, 31, 23, 30, tzinfo=UTC))
    assert "2027. január 1." in pages_of(unbound)[0]
    with pytest.raises(NotReady, match="cannot be printed"):
        CHANNEL.raw(a_parcel(enclosures=(enclosed(b"x"),)), date=datetime(2026, 12, 31, tzinfo=UTC))


def test_a_certified_letter_is_signed_as_a_whole(settings: Any, tmp_path: Path) -> None:
    waiting = CHANNEL.hand_over(a_parcel(is_certified=True))
    assert (waiting.kind, spool()) == (OutcomeKind.RETRY, {})
    signer().settle(settings, tmp_path)
    outcome = CHANNEL.hand_over(a_parcel(is_certified=True, enclosures=(enclosed(a_pdf(2)),)))
    (content,) = spool().values()
    assert outcome.facts["digest"] == sha256(content).hexdigest()
    assert outcome.facts["pages"] == len(pages_of(content)) == 3
    assert content.count(b"/ETSI.CAdES.detached") == 1
