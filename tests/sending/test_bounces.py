"""Bounces read: what they say of one of our messages, and nothing else, whatever they are."""

import time
from uuid import UUID, uuid4

import pytest

from sending.bounces import Action, Report, read
from tests.sending.bounce_mails import dsn, exim, qmail

DOMAIN = "hammy.test"
UUID_ = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")


def _read(data: bytes) -> list[tuple[Action, str, str, str, bool]]:
    return [
        (report.action, report.status, report.address, report.words, report.is_hard)
        for report in read(data, domain=DOMAIN)
    ]


@pytest.mark.parametrize("headers_only", [True, False])
def test_a_delivery_status_notification(headers_only: bool) -> None:
    (report,) = read(dsn(UUID_, domain=DOMAIN, headers_only=headers_only, original="e@example.com"), domain=DOMAIN)
    assert report == Report(
        message_uuid=UUID_,
        action=Action.FAILED,
        status="5.1.1",
        address="elek@example.com",
        original_address="e@example.com",
        words="550 5.1.1 <elek@example.com>: user unknown",
    )
    assert report.is_hard


def test_what_older_servers_write() -> None:
    assert _read(exim(UUID_, domain=DOMAIN)) == [
        (Action.FAILED, "5.1.1", "elek@example.com", "5.1.1 no such user here", True)
    ]
    assert _read(qmail(UUID_, domain=DOMAIN)) == [(Action.FAILED, "", "", "552 mailbox full", False)]


@pytest.mark.parametrize(
    ("action", "status", "words", "expected"),
    [
        ("failed", "5.2.2", "552 5.2.2 full", (Action.FAILED, "5.2.2", False)),
        ("failed (gave up)", "4.4.7", "timeout", (Action.FAILED, "4.4.7", False)),
        ("failed", "5.0.0", "550 5.1.1 unknown", (Action.FAILED, "5.1.1", True)),
        ("failed", "5.0.0", "450 4.1.1 unknown", (Action.FAILED, "5.0.0", False)),
        ("failed", "5.7.1", "550 5.7.1 spam", (Action.FAILED, "5.7.1", False)),
        ("failed", "5.1.8", "bad sender", (Action.FAILED, "5.1.8", False)),
        ("delayed", "4.4.1", "timeout", (Action.DELAYED, "4.4.1", False)),
        ("delayed", "5.1.1", "odd", (Action.DELAYED, "5.1.1", False)),
        ("delivered", "2.0.0", "250 ok", (Action.DONE, "2.0.0", False)),
        ("relayed", "2.0.0", "250 ok", (Action.DONE, "2.0.0", False)),
    ],
)
def test_what_is_final_and_what_is_the_addresss_fault(
    action: str, status: str, words: str, expected: tuple[Action, str, bool]
) -> None:
    ((found_action, found_status, _, _, is_hard),) = _read(
        dsn(UUID_, domain=DOMAIN, action=action, status=status, words=words)
    )
    assert (found_action, found_status, is_hard) == expected


def test_several_recipients_of_one_letter() -> None:
    block = b"Final-Recipient: rfc822; b@example.com\r\nAction: delayed\r\nStatus: 4.2.2\r\n\r\n--A\r\nContent-Type: m"
    data = (
        dsn(UUID_, domain=DOMAIN)
        .replace(b"--A\r\nContent-Type: m", block, 2)
        .replace(block, b"--A\r\nContent-Type: m", 1)
    )
    assert [report.address for report in read(data, domain=DOMAIN)] == ["elek@example.com", "b@example.com"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\xff\xfe",
        b"no mail at all",
        dsn("not-a-uuid", domain=DOMAIN),
        dsn(UUID_, domain="elsewhere.test"),
        # Somebody answers and quotes, somebody is away.
        f"From: elek@example.com\r\nIn-Reply-To: <{UUID_}@{DOMAIN}>\r\n\r\nError 5.1.1 in your invoice!".encode(),
        f"From: elek@x\r\nAuto-Submitted: auto-replied\r\nReferences: <{UUID_}@{DOMAIN}>\r\n\r\nBack on 550.".encode(),
        # Two of ours are named and none is returned: nobody can say which is meant.
        f"From: mailer-daemon@x\r\n\r\n550 <{UUID_}@{DOMAIN}> <{uuid4()}@{DOMAIN}>".encode(),
        # A mailer daemon that says nothing of a failure.
        f"From: mailer-daemon@x\r\nReferences: <{UUID_}@{DOMAIN}>\r\n\r\nHello".encode(),
    ],
)
def test_what_reports_nothing_of_ours(data: bytes) -> None:
    assert read(data, domain=DOMAIN) == []


def test_words_become_one_clean_line() -> None:
    data = dsn(UUID_, domain=DOMAIN, words="550 5.1.1 one\r\n two\x00\x1b[31m \xad\u202ethree" + "x" * 3000)
    ((_, _, _, words, _),) = _read(data)
    assert (len(words), words.isprintable()) == (1000, True)
    assert words.startswith("550 5.1.1 one two")


def _nested(depth: int) -> bytes:
    heads = [f'Content-Type: multipart/mixed; boundary="{number}"\r\n\r\n--{number}\r\n' for number in range(depth)]
    return ("".join(heads) + "Content-Type: text/plain\r\n\r\nx\r\n").encode()


@pytest.mark.parametrize(
    "data",
    [
        _nested(40),
        _nested(5000),
        b"Content-Type: message/rfc822\r\n\r\n" * 8000,
        b'Content-Type: multipart/report; boundary="A"\r\n\r\n' + b"--A\r\n\r\nx\r\n" * 25_000,
        b"Content-Type: multipart/report" + b';"' * 130_000 + b"\r\n\r\n",
        b"X-Failed-Recipients: " + b"a" * 250_000 + b"\r\n\r\n",
        b"From: mailer-daemon@x\r\n\r\n" + b"<" * 250_000,
        b"From: mailer-daemon@x\r\n\r\n" + b"5." * 125_000,
        b"A: b\r\n" * 40_000,
    ],
    ids=["nested", "very nested", "letters in letters", "many parts", "parameters", "no address", "brackets", "digits",
         "many headers"],
)  # fmt: skip
def test_s22_a_mail_made_to_hurt_is_left_alone_quickly(data: bytes) -> None:
    began = time.process_time()
    # With a letter of ours named in it, so that nothing is left out early.
    assert read(data + f"<{UUID_}@{DOMAIN}>".encode(), domain=DOMAIN) == []
    assert time.process_time() - began < 3


def test_endless_words_are_cut_before_they_are_looked_at() -> None:
    began = time.process_time()
    ((_, status, _, words, _),) = _read(
        dsn(UUID_, domain=DOMAIN, words="5.1.1 " * 30_000).replace(b"\r\n\r\n--A--", b"")
    )
    assert (status, len(words)) == ("5.1.1", 1000)
    assert time.process_time() - began < 1


def test_only_the_beginning_of_a_large_mail_is_looked_at() -> None:
    data = dsn(UUID_, domain=DOMAIN).removesuffix(b"--A--\r\n") + b"x" * 50_000_000
    began = time.process_time()
    assert len(read(data, domain=DOMAIN)) == 1
    assert time.process_time() - began < 1
