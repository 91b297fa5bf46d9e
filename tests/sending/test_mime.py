"""S16, S18, S19: what a built mail says, and what it can never be made to say."""

import base64
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import pytest

from sending.channels.base import Address, Enclosure, Parcel
from sending.mime import build_mail, safe_file_name

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
NUMBER = UUID("00112233-4455-6677-8899-aabbccddeeff")
LONG_WORD = "Megszentségteleníthetetlenségeskedéseitekért"


def a_parcel(**overrides: Any) -> Parcel:
    values: dict[str, Any] = {
        "message_id": 1,
        "uuid": NUMBER,
        "created_at": NOW,
        "subject": "Hello",
        "text": "Good day!\n",
        "sender": Address(address="noreply@hammy.test", name="Hammy"),
        "recipient": Address(address="anna@example.org", name="Anna"),
    }
    return Parcel(**values | overrides)


def build(**overrides: Any) -> bytes:
    return build_mail(a_parcel(**overrides), domain="hammy.test", date=NOW)


def read(data: bytes) -> EmailMessage:
    """As a mail program reads it."""
    message = message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def test_a_plain_mail_byte_for_byte() -> None:
    assert build() == (
        b"Date: Sun, 01 Mar 2026 12:30:00 +0000\r\n"
        b"From: Hammy <noreply@hammy.test>\r\n"
        b"To: Anna <anna@example.org>\r\n"
        b"Subject: Hello\r\n"
        b"Message-ID: <00112233-4455-6677-8899-aabbccddeeff@hammy.test>\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=us-ascii\r\n"
        b"Content-Transfer-Encoding: 7bit\r\n"
        b"\r\n"
        b"Good day!\r\n"
    )


def test_text_html_and_attachments_are_nested_as_mail_programs_expect() -> None:
    pdf = bytes(range(256)) * 40
    data = build(
        text="Szia, űrhajós!",
        html="<p>Szia, <b>űrhajós</b>!</p>",
        enclosures=(
            Enclosure(file_name="számla.pdf", content=pdf, media_type="application/pdf"),
            Enclosure(file_name="empty.txt", content=b"", media_type="text/plain"),
        ),
    )
    message = read(data)
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "application/pdf", "text/plain",
    ]  # fmt: skip
    body, html = message.get_body(("plain",)), message.get_body(("html",))
    assert body is not None
    assert html is not None
    assert body.get_content() == "Szia, űrhajós!\r\n"
    assert html.get_content() == "<p>Szia, <b>űrhajós</b>!</p>\r\n"
    first, second = message.iter_attachments()
    assert (first.get_filename(), first.get_payload(decode=True)) == ("számla.pdf", pdf)
    assert (second.get_filename(), second.get_payload(decode=True)) == ("empty.txt", b"")
    assert data == build_mail(
        a_parcel(
            text="Szia, űrhajós!",
            html="<p>Szia, <b>űrhajós</b>!</p>",
            enclosures=(
                Enclosure(file_name="számla.pdf", content=pdf, media_type="application/pdf"),
                Enclosure(file_name="empty.txt", content=b"", media_type="text/plain"),
            ),
        ),
        domain="hammy.test",
        date=NOW,
    )


@pytest.mark.parametrize(
    ("overrides", "media_type"),
    [
        ({"text": "", "html": "<p>x</p>"}, "text/html"),
        ({"text": "x", "html": "<p>x</p>"}, "multipart/alternative"),
        ({"text": "", "html": ""}, "text/plain"),
    ],
)
def test_only_what_there_is_becomes_a_part(overrides: dict[str, str], media_type: str) -> None:
    assert read(build(**overrides)).get_content_type() == media_type


@pytest.mark.parametrize(
    "text",
    [
        "",
        "árvíztűrő tükörfúrógép\n" * 50,
        "Привет, мир! " * 200,
        "漢字" * 2000,
        "x" * 5000,
        "ő" * 5000,
        "line end spaces   \nand = signs ==\n",
        ".\n..\n.leading\n",
        "From here\n",
        "tab\tand\x0bvertical\n",
        "one\r\ntwo\rthree\nfour",
        "emoji 👩‍👩‍👧‍👦" * 40,
        "\n\n\n",
        "ő\n.\nő",
    ],
)
def test_s18_any_text_survives_in_short_clean_lines(text: str) -> None:
    for data in (build(text=text), build(text=text, html=text)):
        _assert_clean(data)
        body = read(data).get_body(("plain",))
        assert body is not None
        payload = body.get_payload(decode=True)
        assert isinstance(payload, bytes)
        expected = text.replace("\r\n", "\n").replace("\r", "\n")
        assert payload.decode().replace("\r\n", "\n").removesuffix("\n") == expected.removesuffix("\n")


def _assert_clean(data: bytes) -> None:
    assert data.isascii()
    assert b"\0" not in data
    assert data.count(b"\r") == data.count(b"\n") == data.count(b"\r\n")
    assert max(map(len, data.split(b"\r\n"))) <= 998


def test_lone_surrogates_and_nul_do_not_break_the_mail() -> None:
    data = build(text="a\ud800b\0c", subject="x\ud800y")
    _assert_clean(data)
    assert read(data)["Subject"] == "x y"


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "Rövid",
        "Very long subject " * 30 + "end",
        f"{LONG_WORD} " * 12 + "vége",
        "x" * 600,
        "ő" * 600,
        "😀" * 300,
        "looks =?utf-8?q?encoded?=",
        " leading and double  spaces ",
        'a,b:c;d<e>f@g"h\\i',
    ],
)
def test_subjects_survive_folded(subject: str) -> None:
    data = build(subject=subject)
    _assert_clean(data)
    head = data.partition(b"\r\n\r\n")[0]
    assert max(map(len, head.split(b"\r\n"))) <= 78
    assert read(data)["Subject"] == subject


@pytest.mark.parametrize(
    "evil",
    ["x\r\nBcc: evil@example.org", "x\nBcc: evil@example.org", "x\rBcc: evil", "x\0y", "x\u2028Bcc: y", "x\x85y"],
)
def test_s16_no_field_can_begin_a_header_of_its_own(evil: str) -> None:
    data = build(
        subject=evil,
        sender=Address(address="noreply@hammy.test", name=evil),
        recipient=Address(address="anna@example.org", name=evil),
        reply_to=Address(address="reply@example.org", name=evil),
        cc=(Address(address="bela@example.org", name=evil),),
        list_unsubscribe=f"https://example.org/{evil}",
        enclosures=(Enclosure(file_name=evil, content=b"x", media_type=f"text/plain{evil}"),),
    )
    _assert_clean(data)
    message = read(data)
    assert message.keys() == [
        "Date", "From", "To", "Cc", "Reply-To", "Subject", "Message-ID", "List-Unsubscribe", "MIME-Version",
        "Content-Type",
    ]  # fmt: skip
    assert next(message.iter_attachments()).keys() == [
        "Content-Type", "Content-Transfer-Encoding", "Content-Disposition",
    ]  # fmt: skip


@pytest.mark.parametrize("address", ["a@b>,<c@d", "a@b\r\nX: y", "nobody", ""])
def test_s17_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="not a valid"):
        build(recipient=Address(address=address))


@pytest.mark.parametrize(
    "name", ["Kovács Anna", 'Anna "Panni" Kovács', "O'Brien, Ann (x) <y@z>", 'back\\slash "q"', "Dr. A", "Ő" * 15, ""]
)
def test_names_survive(name: str) -> None:
    message = read(build(recipient=Address(address="anna@example.org", name=name)))
    (mailbox,) = message["To"].addresses
    assert (mailbox.display_name, mailbox.addr_spec) == (name, "anna@example.org")


def test_long_names_are_cut_between_letters() -> None:
    name = "Ő" * 100
    head = build(recipient=Address(address="anna@example.org", name=name)).partition(b"Subject:")[0]
    phrase = head.partition(b"To: ")[2].partition(b" <")[0].decode()
    assert str(make_header(decode_header(phrase.replace("\r\n", "")))).strip() == name
    assert max(map(len, head.split(b"\r\n"))) <= 78


def test_copies_are_named_and_blind_copies_are_not() -> None:
    message = read(
        build(
            cc=(Address(address="bela@example.org"), Address(address="éva@bücher.example", name="Éva")),
            bcc=(Address(address="secret@example.org"),),
            reply_to=Address(address="reply@example.org", name="Ügyfélszolgálat"),
            list_unsubscribe="https://example.org/u?ő=1",
        )
    )
    assert str(message["Cc"]) == "bela@example.org, Éva <éva@xn--bcher-kva.example>"
    assert str(message["Reply-To"]) == "Ügyfélszolgálat <reply@example.org>"
    assert message["List-Unsubscribe"] == "<https://example.org/u?%C5%91=1>"
    assert b"secret" not in message.as_bytes()
    assert message["Bcc"] is None


def test_several_ways_to_unsubscribe_are_kept() -> None:
    message = read(build(list_unsubscribe="<https://example.org/u>, <mailto:u@example.org>"))
    assert message["List-Unsubscribe"] == "<https://example.org/u>, <mailto:u@example.org>"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\evil.exe", "evil.exe"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\r\nb\0c.txt", "abc.txt"),
        ("..", "attachment"),
        ("/", "attachment"),
        ("", "attachment"),
        (" .hidden ", "hidden"),
        ("x" * 300 + ".pdf", "x" * 251 + ".pdf"),
    ],
)
def test_s19_a_file_name_is_a_name_and_nothing_more(name: str, safe: str) -> None:
    assert safe_file_name(name) == safe


@pytest.mark.parametrize(
    "name", ["számla 2026 (1).pdf", "ő" * 200 + ".pdf", 'quo"te.txt', "semi;colon=x.txt", "漢字.doc"]
)
def test_s19_file_names_survive_encoded(name: str) -> None:
    data = build(enclosures=(Enclosure(file_name=name, content=b"x", media_type="application/pdf"),))
    _assert_clean(data)
    assert next(read(data).iter_attachments()).get_filename() == name


@pytest.mark.parametrize("media_type", ["message/rfc822", "multipart/mixed", "nonsense", "", "text/html; charset=x"])
def test_s19_a_type_that_could_be_taken_apart_is_sent_as_plain_bytes(media_type: str) -> None:
    data = build(enclosures=(Enclosure(file_name="x.eml", content=b"Subject: y\r\n\r\nz", media_type=media_type),))
    (part,) = read(data).iter_attachments()
    assert part.get_content_type() == "application/octet-stream"
    assert base64.b64encode(b"Subject: y\r\n\r\nz") in data
