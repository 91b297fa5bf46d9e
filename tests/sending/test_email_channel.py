"""The EMAIL channel: what it demands of a letter, and a parcel's way to a real mail server."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pytest_django import Settings

from gateway.errors import Code
from sending.addresses import is_valid, wire_form
from sending.channels.base import Address, Enclosure, Outcome, OutcomeKind, Parcel, SmtpServer
from sending.channels.email import EmailChannel
from sending.letter import Letter, LetterAttachment
from sending.smtp import SmtpSession
from tests.fakes.smtp import Mailbox, ScriptedServer
from tests.fakes.smtp_sink import received

NUMBER = UUID("00112233-4455-6677-8899-aabbccddeeff")


def a_letter(**overrides: Any) -> Letter:
    values: dict[str, Any] = {
        "recipient_name": "Kovács Anna",
        "recipient_email_address": "anna@example.org",
        "mail_subject": "Értesítő",
        "mail_body": "Szia!",
    }
    return Letter(**values | overrides)


def a_parcel(**overrides: Any) -> Parcel:
    values: dict[str, Any] = {
        "message_id": 7,
        "uuid": NUMBER,
        "created_at": datetime.now(UTC),
        "subject": "Értesítő",
        "text": "Szia!",
        "sender": Address(address="noreply@hammy.test", name="Hammy"),
        "recipient": Address(address="anna@example.org", name="Kovács Anna"),
    }
    return Parcel(**values | overrides)


def problems(letter: Letter) -> list[tuple[Code, tuple[str | int, ...]]]:
    return [(problem.code, problem.field) for problem in EmailChannel().check(letter)]


def test_a_good_letter_has_no_problem() -> None:
    assert problems(a_letter()) == []
    assert problems(a_letter(mail_body="", mail_html_body="<p>x</p>")) == []
    assert problems(a_letter(mail_subject="", mail_body="", message_type="WELCOME")) == []


def test_everything_missing_is_told_at_once_in_the_contracts_order() -> None:
    letter = a_letter(mail_subject="", mail_body="", recipient_email_address="")
    found = list(EmailChannel().check(letter))
    assert [(problem.code, problem.detail) for problem in found] == [
        (Code.REQUIRED, "mail_subject: required without messageType"),
        (Code.REQUIRED, "mail_body: required without messageType, unless mailHtmlBody is given"),
        (Code.REQUIRED, "recipient_email_address: required"),
    ]


def test_attachments_that_no_mail_may_hold_are_refused_at_once(settings: Settings) -> None:
    settings.HAMMY_MAX_MAIL_BYTES = 1368
    halves = (LetterAttachment(file_name="a", content=b"a" * 500), LetterAttachment(file_name="b", content=b"b" * 499))
    assert problems(a_letter(attachments=halves)) == []
    over = (*halves, LetterAttachment(file_name="c", content=b"cc"))
    (found,) = EmailChannel().check(a_letter(attachments=over))
    assert (found.code, found.http_status) == (Code.INVALID, 413)
    assert found.detail == "attachments: together 1001 bytes, must be at most 999"


def test_every_bad_address_is_told_at_once_in_the_contracts_order() -> None:
    letter = a_letter(
        recipient_email_address="a@b>,<c@d",
        recipient_email_address_cc=("bela@example.org", "nobody", "x@"),
        reply_to_address="@example.org",
        from_address="a b@example.org",
        bcc_address=("ok@example.org", "a@b@c"),
    )
    assert [problem.detail for problem in EmailChannel().check(letter)] == [
        "recipient_email_address: not a valid e-mail address: a@b>,<c@d",
        "recipient_email_address_cc: not a valid e-mail address: nobody",
        "recipient_email_address_cc: not a valid domain in the e-mail address: x@",
        "reply_to_address: not a valid e-mail address: @example.org",
        "from_address: not a valid e-mail address: a b@example.org",
        "bcc_address: not a valid e-mail address: a@b@c",
    ]


@pytest.mark.parametrize("evil", ["\r", "\n", "\r\n", "\0", "\t", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\ud800"])
def test_s16_no_control_character_in_any_field_bound_for_a_header(evil: str) -> None:
    text = f"a{evil}Bcc: evil@example.org"
    letter = a_letter(
        mail_subject=text,
        recipient_email_address=f"a{evil}@example.org",
        recipient_name=text,
        recipient_email_address_cc=(f"a@example{evil}.org",),
        recipient_name_cc=text,
        reply_to_address=f"a@example.org{evil}",
        reply_to_name=text,
        from_address=f"{evil}a@example.org",
        from_name=text,
        bcc_address=(f'"{evil}"@example.org',),
        attachments=(
            LetterAttachment(file_name="fine.txt", content=b""),
            LetterAttachment(file_name=text, internal_file_name=text, content=b""),
        ),
    )
    assert problems(letter) == [
        (Code.INVALID, ("mail_subject",)),
        (Code.INVALID, ("recipient_email_address",)),
        (Code.INVALID, ("recipient_name",)),
        (Code.INVALID, ("recipient_email_address_cc",)),
        (Code.INVALID, ("recipient_name_cc",)),
        (Code.INVALID, ("reply_to_address",)),
        (Code.INVALID, ("reply_to_name",)),
        (Code.INVALID, ("from_address",)),
        (Code.INVALID, ("from_name",)),
        (Code.INVALID, ("bcc_address",)),
        (Code.INVALID, ("attachments", 1, "file_name")),
        (Code.INVALID, ("attachments", 1, "internal_file_name")),
    ]
    assert all(problem.sentence.isprintable() for problem in EmailChannel().check(letter))


def test_line_ends_belong_in_bodies() -> None:
    assert problems(a_letter(mail_body="a\r\nb\nc\td", mail_html_body="<p>\n</p>")) == []


@pytest.mark.parametrize(
    ("address", "on_the_wire"),
    [
        ("anna@example.org", "anna@example.org"),
        ("Anna.Kovács+x=y@Bücher.EXAMPLE", "Anna.Kovács+x=y@xn--bcher-kva.example"),
        ("o'brien!#$%&*/=?^_`{|}~-@x-y.hu", "o'brien!#$%&*/=?^_`{|}~-@x-y.hu"),
        ('"a b\\"c@d"@example.org', '"a b\\"c@d"@example.org'),
        ("root@localhost", "root@localhost"),
        ("x" * 64 + "@example.org", "x" * 64 + "@example.org"),
    ],
)
def test_s17_addresses_that_are(address: str, on_the_wire: str) -> None:
    assert wire_form(address) == on_the_wire


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        "anna",
        "anna@",
        "@example.org",
        "a@b@c.org",
        "a..b@example.org",
        ".a@example.org",
        "a.@example.org",
        "a b@example.org",
        "Anna <anna@example.org>",
        "<anna@example.org>",
        "a@b>,<c@d",
        "a@example.org,b@example.org",
        "a@example.org;b@example.org",
        '"a"b"@example.org',
        "a@-example.org",
        "a@example-.org",
        "a@exa_mple.org",
        "a@example..org",
        "a@example.org.",
        "a@[127.0.0.1]",
        "a@127.0.0.1",
        "a@ex ample.org",
        "a@\u202eexample.org",
        "a\u202e@example.org",
        "a@example.org\n",
        "ő" * 33 + "@example.org",
        "x" * 65 + "@example.org",
        "a@" + "x" * 64 + ".org",
        "a@" + "x.y" * 100 + ".org",
        "a@" + "ő" * 60 + ".hu",
    ],
)
def test_s17_addresses_that_are_not(address: str) -> None:
    assert not is_valid(address)


def test_a_parcel_becomes_a_mail_in_a_real_mailbox(settings: Settings) -> None:
    with Mailbox() as mailbox:
        settings.HAMMY_SMTP_SERVERS = (mailbox.server,)
        settings.HAMMY_MESSAGE_ID_DOMAIN = "hammy.test"
        channel = EmailChannel()
        outcome = channel.hand_over(
            a_parcel(
                html="<p>Szia!</p>",
                cc=(Address(address="bela@example.org"),),
                bcc=(Address(address="titok@example.org"),),
                enclosures=(Enclosure(file_name="számla.pdf", content=b"%PDF", media_type="application/pdf"),),
            )
        )
        channel.close()
    assert outcome == Outcome(
        kind=OutcomeKind.SENT,
        words="250 2.0.0 kept as 1",
        recipients={"anna@example.org": "sent", "bela@example.org": "sent", "titok@example.org": "sent"},
    )
    (mail,) = mailbox.mails
    assert mail.recipients == ("anna@example.org", "bela@example.org", "titok@example.org")
    assert b"titok" not in mail.data
    assert mail.message["Message-ID"] == f"<{NUMBER}@hammy.test>"
    assert mail.message["Subject"] == "Értesítő"
    assert [part.get_filename() for part in mail.message.iter_attachments()] == ["számla.pdf"]


def test_every_try_carries_the_same_message_id(settings: Settings) -> None:
    with ScriptedServer(answers={"DOT": ["451 later", "250 ok"]}) as server:
        settings.HAMMY_SMTP_SERVERS = (server.server,)
        channel = EmailChannel(domain="hammy.test")
        first, second = channel.hand_over(a_parcel()), channel.hand_over(a_parcel())
        channel.close()
    assert (first.kind, second.kind) == (OutcomeKind.RETRY, OutcomeKind.SENT)
    assert server.mails[0].message["Message-ID"] == f"<{NUMBER}@hammy.test>"


def test_an_address_that_slipped_through_fails_without_touching_the_server(settings: Settings) -> None:
    with ScriptedServer() as server:
        settings.HAMMY_SMTP_SERVERS = (server.server,)
        outcome = EmailChannel().hand_over(a_parcel(recipient=Address(address="a@b>,<c@d")))
    assert (outcome.kind, server.connections) == (OutcomeKind.FAILED, 0)


def test_the_sink_process_counts_what_came_twice(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fakes.smtp_sink", "--directory", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sink:
        try:
            assert sink.stdout is not None
            server = SmtpServer(host="127.0.0.1", port=int(sink.stdout.readline()))
            channel = EmailChannel(session=SmtpSession(servers=[server], greeting_name="x"), domain="hammy.test")
            outcomes = [channel.hand_over(a_parcel(uuid=UUID(int=number))).kind for number in (1, 2, 2)]
            channel.close()
        finally:
            sink.terminate()
    assert outcomes == [OutcomeKind.SENT] * 3
    assert received(tmp_path) == {f"<{UUID(int=1)}@hammy.test>": 1, f"<{UUID(int=2)}@hammy.test>": 2}
