"""R13, R15: a bounce marks its message once, suppresses whom it names, and never overwrites what was decided."""

import json
import mailbox
from importlib import import_module
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from gateway.caller import Caller
from hammy_project.addresses import imap_server
from jobs import runner
from jobs import services as job_services
from jobs.models import Trigger
from jobs.states import Queue
from sending import bouncing, queue
from sending.bouncing import Verdict
from sending.channels.email import EmailChannel
from sending.mailboxes import ImapServer
from sending.models import Dispatcher, Message, MessageEvent, Suppression
from sending.parcels import build
from sending.states import Status
from tests.factories import make_caller
from tests.fakes.imap import FakeImap
from tests.sending import bounce_mails
from tests.sending.factories import event_names, make_uncertain, submitted

pytestmark = pytest.mark.django_db
HOUSE = Caller.house("operator")
READ_BOUNCES = "hu.dbx.hammy.processor.bounce.ReadBouncesJobRunner"


def _sent(caller: Caller | None = None, **overrides: Any) -> Message:
    message = submitted(caller, **overrides)
    Message.objects.filter(pk=message.pk).update(status=Status.SENT, closed_at=timezone.now(), due_at=None)
    message.refresh_from_db()
    return message


def _dsn(message: Message, **words: Any) -> bytes:
    return bounce_mails.dsn(message.uuid, domain=django_settings.HAMMY_MESSAGE_ID_DOMAIN, **words)


def _taken(data: bytes) -> str:
    return bouncing.take_in(HOUSE, data).value


# ── what it does to a message ───────────────────────────────────────────────────────────────────
def test_a_sent_message_that_came_back_is_bounced_and_says_how() -> None:
    message = _sent()
    assert _taken(_dsn(message)) == "bounced"
    message.refresh_from_db()
    event = MessageEvent.objects.filter(message=message).latest("id")
    assert (message.status, message.reason) == ("BOUNCED", "failed: 550 5.1.1 <elek@example.com>: user unknown")
    assert (event.name, event.reason, event.actor) == ("BOUNCED", message.reason, "operator")
    assert event.facts is not None
    assert {name: event.facts[name] for name in ("status", "finalRecipient", "diagnostic")} == {
        "status": "5.1.1",
        "finalRecipient": "elek@example.com",
        "diagnostic": "550 5.1.1 <elek@example.com>: user unknown",
    }


def test_a_message_in_doubt_that_came_back_is_bounced_too() -> None:
    message = make_uncertain()
    assert _taken(_dsn(message)) == "bounced"
    assert event_names(message)[-2:] == ["UNCERTAIN", "BOUNCED"]


@pytest.mark.parametrize("kind", [bounce_mails.exim, bounce_mails.qmail])
def test_an_older_servers_word_counts_as_well(kind: Any) -> None:
    message = _sent()
    assert _taken(kind(message.uuid, domain=django_settings.HAMMY_MESSAGE_ID_DOMAIN)) == "bounced"


def test_a_delay_is_noted_once_and_changes_nothing() -> None:
    message = _sent()
    late = _dsn(message, action="delayed", status="4.4.1", words="connection timed out")
    assert [_taken(late), _taken(late)] == ["noted", "known"]
    message.refresh_from_db()
    assert (message.status, event_names(message)) == ("SENT", ["ACCEPTED", "REPORTED"])
    event = MessageEvent.objects.filter(message=message).latest("id")
    assert event.reason == "delayed: 4.4.1 connection timed out"
    assert event.recipients == {"elek@example.com": event.reason}
    assert not Suppression.objects.exists()


def test_r13_the_same_bounce_twice_counts_once() -> None:
    message = _sent()
    assert [_taken(_dsn(message)), _taken(_dsn(message))] == ["bounced", "known"]
    assert event_names(message) == ["ACCEPTED", "BOUNCED"]
    assert Suppression.objects.count() == 1


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED, Status.BOUNCED])
def test_r13_a_late_bounce_never_overwrites_what_is_final(status: Status) -> None:
    message = _sent()
    Message.objects.filter(pk=message.pk).update(status=status, reason="as it was")
    assert _taken(_dsn(message)) == "known"
    message.refresh_from_db()
    assert (message.status, message.reason, event_names(message)) == (status, "as it was", ["ACCEPTED"])


def test_r13_a_bounce_that_is_faster_than_our_own_record_is_left_for_the_next_time() -> None:
    message = submitted()
    dispatcher = Dispatcher.objects.create(host="h", pid=1, lease_until=timezone.now())
    queue.claim(channel="EMAIL", dispatcher=dispatcher, size=1)
    assert _taken(_dsn(message)) == "early"
    queue.move(Message.objects.filter(pk=message.pk), Status.SENT, reason="250 ok", claimed_by=dispatcher)
    assert _taken(_dsn(message)) == "bounced"


def test_a_message_that_waits_to_be_tried_again_keeps_waiting() -> None:
    message = submitted()
    assert _taken(_dsn(message)) == "known"
    assert event_names(message) == ["ACCEPTED"]


def test_a_bounce_of_nobodys_letter_and_what_is_no_bounce_do_nothing() -> None:
    message = _sent()
    unknown = bounce_mails.dsn(uuid4(), domain=django_settings.HAMMY_MESSAGE_ID_DOMAIN)
    other = bounce_mails.dsn(message.uuid, domain="elsewhere.test")
    assert [_taken(data) for data in (unknown, other, b"hello")] == ["unmatched", "strange", "strange"]
    assert event_names(message) == ["ACCEPTED"]
    assert not Suppression.objects.exists()


def test_good_news_is_no_news() -> None:
    message = _sent()
    assert _taken(_dsn(message, action="delivered", status="2.0.0")) == "known"
    assert event_names(message) == ["ACCEPTED"]


def test_a_copy_that_came_back_is_noted_and_the_letter_stays_sent() -> None:
    message = _sent(recipient_email_address_cc=("cc@example.com",))
    assert _taken(_dsn(message, address="CC@example.com", words="550 5.1.1 no")) == "noted"
    message.refresh_from_db()
    assert (message.status, event_names(message)) == ("SENT", ["ACCEPTED", "REPORTED"])
    assert MessageEvent.objects.latest("id").recipients == {"cc@example.com": "failed: 550 5.1.1 no"}
    assert Suppression.objects.get().address == "cc@example.com"


# ── what it does to an address ──────────────────────────────────────────────────────────────────
def test_r15_a_hard_bounce_suppresses_the_recipient_for_its_client_for_so_long(settings: Any) -> None:
    settings.HAMMY_SUPPRESS_DAYS = 30
    caller = make_caller()
    message = _sent(caller)
    _taken(_dsn(message))
    entry = Suppression.objects.get()
    assert (entry.client_id, entry.address, entry.source_message_id, entry.created_by) == (
        caller.client_id,
        "elek@example.com",
        message.pk,
        "operator",
    )
    assert entry.reason == "failed: 550 5.1.1 <elek@example.com>: user unknown"
    assert entry.expires_at is not None
    assert 29 < (entry.expires_at - timezone.now()).total_seconds() / 86400 < 30
    assert [submitted(one).status for one in (caller, make_caller())] == ["CANCELLED", "ACCEPTED"]


@pytest.mark.parametrize(("days", "count"), [(0, 0), (-1, 1)])
def test_a_site_may_suppress_nobody_or_for_ever(settings: Any, days: int, count: int) -> None:
    settings.HAMMY_SUPPRESS_DAYS = days
    assert _taken(_dsn(_sent())) == "bounced"
    assert Suppression.objects.filter(expires_at=None).count() == count


@pytest.mark.parametrize("status", ["5.2.2", "5.7.1", "5.0.0", "4.4.7"])
def test_a_full_box_or_a_refused_letter_suppresses_nobody(status: str) -> None:
    assert _taken(_dsn(_sent(), status=status, words=f"{status} no")) == "bounced"
    assert not Suppression.objects.exists()


def test_nobody_is_suppressed_whom_the_letter_did_not_name() -> None:
    message = _sent()
    assert _taken(_dsn(message, address="victim@example.org")) == "bounced"
    assert not Suppression.objects.exists()


def test_a_mail_that_was_forwarded_concerns_whom_it_was_written_to() -> None:
    message = _sent()
    assert _taken(_dsn(message, address="old@example.org", original="Elek@example.com")) == "bounced"
    assert Suppression.objects.get().address == "elek@example.com"


def test_mails_go_out_with_the_address_that_bounces_come_back_to(settings: Any) -> None:
    settings.HAMMY_BOUNCE_ADDRESS = "bounces@example.org"

    class Session:
        def send(self, **words: Any) -> None:
            self.sender = words["sender"]

    session: Any = Session()
    EmailChannel(session=session).hand_over(build(submitted()))
    assert session.sender == "bounces@example.org"


# ── mailboxes ───────────────────────────────────────────────────────────────────────────────────
def _mails() -> tuple[list[Message], list[bytes]]:
    """One that bounced, one of a message that is being sent, one of nobody's letter, and one that is no bounce."""
    bounced, early = _sent(), submitted()
    dispatcher = Dispatcher.objects.create(host="h", pid=1, lease_until=timezone.now())
    queue.claim(channel="EMAIL", dispatcher=dispatcher, size=1)
    unknown = bounce_mails.dsn(uuid4(), domain=django_settings.HAMMY_MESSAGE_ID_DOMAIN)
    return [bounced, early], [_dsn(bounced), _dsn(early), unknown, b"Subject: hello\r\n\r\nCan you call me?\r\n"]


def _read(*words: str) -> dict[str, int]:
    out = StringIO()
    call_command("read_bounces", *words, "--json", stdout=out)
    return {name: count for name, count in json.loads(out.getvalue()).items() if count}


_FIRST = {"bounced": 1, "early": 1, "unmatched": 1, "strange": 1}


def test_a_mailbox_file_is_read(tmp_path: Path) -> None:
    (bounced, _), mails = _mails()
    box = mailbox.mbox(tmp_path / "bounces")
    for mail in mails:
        box.add(mail)
    box.close()
    assert _read("--mbox", str(tmp_path / "bounces")) == _FIRST
    bounced.refresh_from_db()
    assert bounced.status == "BOUNCED"
    # What was not understood stays for people, and is not looked at again; what came too early is.
    assert len(mailbox.mbox(tmp_path / "bounces")) == 3
    assert _read("--mbox", str(tmp_path / "bounces")) == {"early": 1}
    assert "Can you call me?" in (tmp_path / "bounces").read_text()


def test_a_maildir_is_read(tmp_path: Path) -> None:
    (bounced, _), mails = _mails()
    box = mailbox.Maildir(tmp_path / "box")
    for mail in mails:
        box.add(mail)
    assert _read("--maildir", str(tmp_path / "box")) == _FIRST
    bounced.refresh_from_db()
    assert bounced.status == "BOUNCED"
    assert [path.name.endswith(":2,S") for path in (tmp_path / "box" / "cur").iterdir()] == [True, True]
    assert len(list((tmp_path / "box" / "new").iterdir())) == 1
    assert _read("--maildir", str(tmp_path / "box")) == {"early": 1}


def _imap(server: FakeImap, **overrides: Any) -> ImapServer:
    values = {"host": "127.0.0.1", "port": server.port, "security": "", "user": "anna", "password": "secret"}
    return ImapServer(**values | overrides)  # type: ignore[arg-type]


def test_a_mailbox_on_a_server_is_read(settings: Any) -> None:
    (bounced, _), mails = _mails()
    with FakeImap(*mails) as server:
        settings.HAMMY_BOUNCE_IMAP = _imap(server)
        assert _read("--imap") == _FIRST
        assert server.flags == {"2": set(), "3": {"\\Seen"}, "4": {"\\Seen"}}
        assert _read("--imap") == {"early": 1}
    bounced.refresh_from_db()
    assert bounced.status == "BOUNCED"


def test_only_the_beginning_of_each_mail_is_asked_for(settings: Any) -> None:
    with FakeImap(b"x" * 3_000_000) as server:
        settings.HAMMY_BOUNCE_IMAP = _imap(server)
        assert _read("--imap") == {"strange": 1}
        assert "UID FETCH 1 (BODY.PEEK[]<0.262144>)" in server.commands


def test_a_server_that_goes_away_in_between_loses_nothing(settings: Any) -> None:
    (bounced, _), mails = _mails()
    with FakeImap(*mails) as server:
        settings.HAMMY_BOUNCE_IMAP = _imap(server)
        server.breaks_after = 5
        with pytest.raises(CommandError, match=r"^127\.0\.0\.1: "):
            _read("--imap")
        server.breaks_after = 10**9
        assert _read("--imap") == {"known": 1, "early": 1, "unmatched": 1, "strange": 1}
    assert event_names(bounced) == ["ACCEPTED", "BOUNCED"]


def test_one_mail_that_breaks_us_keeps_back_no_other(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    message = _sent()
    real = bouncing.take_in

    def breaking(caller: Caller, data: bytes) -> Verdict:
        if data.startswith(b"Subject: odd"):
            raise ZeroDivisionError
        return real(caller, data)

    monkeypatch.setattr(bouncing, "take_in", breaking)
    with FakeImap(b"Subject: odd\r\n\r\n", _dsn(message)) as server:
        settings.HAMMY_BOUNCE_IMAP = _imap(server)
        assert _read("--imap") == {"bounced": 1, "strange": 1}
        assert server.flags == {"1": {"\\Seen"}}


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"password": "wrong"}, "127.0.0.1: wrong password"),
        ({"folder": "Nowhere"}, "127.0.0.1: Nowhere: no such mailbox"),
    ],
)
def test_a_server_that_lets_us_not_in_says_why(settings: Any, overrides: dict[str, str], sentence: str) -> None:
    with FakeImap() as server:
        settings.HAMMY_BOUNCE_IMAP = _imap(server, **overrides)
        with pytest.raises(CommandError) as refused:
            _read("--imap")
    assert str(refused.value) == sentence


def test_a_mailbox_that_is_none_is_named(tmp_path: Path) -> None:
    for words, sentence in (
        (("--mbox", str(tmp_path)), f"{tmp_path} is no mailbox file"),
        (("--maildir", str(tmp_path)), f"{tmp_path} is no maildir: new, cur or tmp is missing"),
        (("--imap",), "HAMMY_BOUNCE_IMAP_URL is not set"),
    ):
        with pytest.raises(CommandError) as refused:
            _read(*words)
        assert str(refused.value) == sentence


def test_the_address_of_a_mailbox() -> None:
    assert imap_server("") is None
    assert imap_server("imaps://anna%40x:p%2Fw@mail.example.org/Back%20again") == ImapServer(
        host="mail.example.org", port=993, folder="Back again", security="tls", user="anna@x", password="p/w"
    )
    assert imap_server("imap+tls://a:b@h:1143") == ImapServer(
        host="h", port=1143, security="starttls", user="a", password="b"
    )
    for wrong in ("https://a:b@h/", "imaps://h/", "imaps://a:b@/"):
        with pytest.raises(ImproperlyConfigured, match=r"^HAMMY_BOUNCE_IMAP_URL: must be"):
            imap_server(wrong)


# ── as a job ────────────────────────────────────────────────────────────────────────────────────
def test_a_site_has_a_trigger_for_it() -> None:
    # Tests that commit empty the tables.
    Trigger.objects.filter(name="readBounces").delete()
    import_module("sending.migrations.0016_trigger_of_bounces").create(apps, SimpleNamespace(connection=connection))
    assert Trigger.objects.get(name="readBounces").job_class == READ_BOUNCES


@pytest.mark.django_db(transaction=True)
def test_a_job_reads_the_servers_mailbox(settings: Any) -> None:
    message = _sent()
    with FakeImap(_dsn(message)) as server:
        settings.HAMMY_BOUNCE_IMAP = _imap(server)
        job = job_services.submit(caller=HOUSE, job_class=READ_BOUNCES)
        runner.work(Queue.LONG)
        assert server.mails == {}
    job.refresh_from_db()
    assert (job.status, job.completed, job.total) == ("FINISHED", 1, 1)
    assert job.log_lines.get().text == "bounced: 1, noted: 0, known: 0, early: 0, unmatched: 0, strange: 0"
    assert event_names(message) == ["ACCEPTED", "BOUNCED"]


@pytest.mark.django_db(transaction=True)
def test_a_job_without_a_mailbox_says_so(settings: Any) -> None:
    job = job_services.submit(caller=HOUSE, job_class=READ_BOUNCES)
    runner.work(Queue.LONG)
    job.refresh_from_db()
    assert (job.status, job.reason) == ("FAILED", "HAMMY_BOUNCE_IMAP_URL is not set: there is no mailbox to read")
