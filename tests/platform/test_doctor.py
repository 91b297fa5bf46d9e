"""The doctor: each probe sees what it is for, and the round always ends."""

import io
import json
import ssl
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from gateway.caller import Caller
from gateway.models import ApiClient
from hammy_project import doctor, vital_signs
from hammy_project.doctor import Level, broker, database, findings, machine, printing, queue, signing, smtp, templates
from jobs import queue as job_queue
from jobs import services as job_services
from jobs.maintenance import tick
from jobs.models import Job
from jobs.states import Queue
from sending import services
from sending.channels.base import SmtpServer
from sending.letter import Letter
from sending.models import Dispatcher, Lane, Message, PrintBatch, Template, TemplateVersion
from sending.states import BatchStatus, Status, VersionStatus
from tests.fakes import smtp as fake_smtp
from tests.sending import authority


def _letter() -> Letter:
    return Letter(
        channel="EMAIL",
        recipient_name="Anna",
        recipient_email_address="anna@example.org",
        mail_subject="Hello",
        mail_body="Hello",
    )


def _seen(probe: findings.Probe) -> list[tuple[str, str]]:
    return [(found.subject, found.level.value) for found in findings.examine([probe])]


@pytest.mark.django_db
def test_a_sound_database_is_sound_and_left_as_it_was() -> None:
    assert _seen(database.reachable)[0] == ("database", "ok")
    assert _seen(database.migrated) == [("migrations", "ok")]
    assert _seen(database.clock) == [("clock", "ok")]
    before = ApiClient.objects.count()
    assert _seen(database.writable) == [("database writing", "ok")]
    assert ApiClient.objects.count() == before


@pytest.mark.django_db
def test_a_database_that_does_not_answer_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vital_signs, "database_failure", lambda: "connection refused")
    (found,) = database.reachable()
    assert (found.level, found.words) == (Level.FAILURE, "connection refused")


@pytest.mark.django_db
def test_a_migration_not_applied_is_a_failure() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sending'")
    (found,) = database.migrated()
    assert found.level == Level.FAILURE
    assert "sending.0001" in found.words


def test_a_message_goes_through_the_broker_and_back() -> None:
    (found,) = findings.examine([broker.confirms])
    assert (found.subject, found.level) == ("broker", Level.OK)


def test_a_broker_that_is_away_is_a_failure(settings: Any) -> None:
    settings.IS_EMBEDDED_BROKER = True
    settings.BROKER_DIR = settings.BASE_DIR / "manage.py" / "broker"
    assert _seen(broker.confirms) == [("broker", "failure")]


def test_a_mail_server_is_asked_what_it_offers(settings: Any) -> None:
    with fake_smtp.Mailbox() as server:
        settings.HAMMY_SMTP_SERVERS = (server.server,)
        found = list(findings.examine([smtp.servers]))
    assert found[0].level == Level.OK
    assert "8BITMIME" in found[0].words


def test_a_mail_server_that_is_away_is_a_failure_and_the_next_is_asked(settings: Any) -> None:
    with fake_smtp.Mailbox() as server:
        settings.HAMMY_SMTP_SERVERS = (SmtpServer(host="127.0.0.1", port=1), server.server)
        levels = [level for _, level in _seen(smtp.servers)]
    assert levels[:2] == ["failure", "ok"]


def test_a_certificate_that_nobody_vouches_for_is_a_failure(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise ssl.SSLCertVerificationError(1, "certificate verify failed: self-signed certificate")

    monkeypatch.setattr(smtp.smtplib, "SMTP_SSL", refuse)
    settings.HAMMY_SMTP_SERVERS = (SmtpServer(host="127.0.0.1", port=465, security="tls"),)
    (found,) = findings.examine([smtp.servers])
    assert found.level == Level.FAILURE
    assert "self-signed certificate" in found.words


@pytest.mark.django_db
def test_an_enabled_template_that_no_longer_compiles_is_named() -> None:
    template = Template.objects.create(name="BROKEN")
    for version, status in ((1, VersionStatus.ENABLED), (2, VersionStatus.DRAFT)):
        TemplateVersion.objects.create(template=template, version=version, status=status, subject="x", text="{% if %}")
    assert _seen(templates.compile_all) == [("template BROKEN v1", "failure"), ("templates", "ok")]


def test_a_disk_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    free = {"size": 5 * 1024**3}

    class Usage:
        @property
        def free(self) -> int:
            return free["size"]

    monkeypatch.setattr(machine.shutil, "disk_usage", lambda path: Usage())
    levels = []
    for free["size"] in (5 * 1024**3, 1024**3, 100 * 1024**2):
        levels.append({found.level for found in machine.disk()})
    assert levels == [{Level.OK}, {Level.WARNING}, {Level.FAILURE}]


@pytest.mark.parametrize(("probe", "alias"), [(machine.storage, "default"), (machine.spool, "spool")])
def test_r30_a_full_storage_is_a_failure_of_its_own(probe: Any, alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _seen(probe) == [(probe.__name__, "ok")]

    def full(name: str, content: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storages[alias], "save", full)
    (found,) = findings.examine([probe])
    assert (found.subject, found.level) == (f"machine.{probe.__name__}", Level.FAILURE)
    assert found.words == "OSError: [Errno 28] No space left on device"


def test_a_font_that_is_not_there_is_told(settings: Any) -> None:
    assert _seen(printing.press_works) == [("letters", "ok")]
    settings.HAMMY_LETTER_FONT = "No Such Font"
    (found,) = printing.press_works()
    assert (found.level, found.words) == (
        Level.FAILURE,
        "no page can be set: line 4: assertion failed: no font is called No Such Font",
    )


def test_print_batches_that_stay_are_told(db: None) -> None:
    assert _seen(printing.batches) == [("print batches", "ok")]
    now = timezone.now()
    batch = PrintBatch.objects.create(day=now.date(), number=1, opened_at=now - timedelta(hours=2))
    assert _seen(printing.batches) == [(f"print batch {batch}", "warning")]
    PrintBatch.objects.update(status=BatchStatus.CLOSED, closed_at=now, reason="manifest not written: full")
    (found,) = printing.batches()
    assert (found.level, found.words) == (Level.FAILURE, "manifest not written: full")
    PrintBatch.objects.update(handed_over_at=now)
    assert _seen(printing.batches) == [("print batches", "ok")]


def test_what_is_stuck_is_told(caller: Caller) -> None:
    assert _seen(queue.stuck) == [("queue", "ok")]
    now = timezone.now()
    ids = [services.submit(caller=caller, letter=_letter()).message_id for _ in range(3)]
    Message.objects.filter(pk=ids[0]).update(due_at=now - timedelta(hours=1))
    Message.objects.filter(pk=ids[1]).update(status=Status.UNCERTAIN, closed_at=now)
    dispatcher = Dispatcher.objects.create(host="h", pid=1, lease_until=now - timedelta(seconds=1))
    Message.objects.filter(pk=ids[2]).update(status=Status.SENDING, dispatcher=dispatcher)
    # This one holds nothing: it had nothing to do for as long as a lease runs.
    Dispatcher.objects.create(host="idle", pid=2, lease_until=now - timedelta(hours=1))
    Lane.objects.update_or_create(
        channel="EMAIL", defaults={"paused_until": now + timedelta(minutes=1), "reason": "421 slow down"}
    )
    assert _seen(queue.stuck) == [
        ("EMAIL ACCEPTED", "failure"),
        ("EMAIL UNCERTAIN", "warning"),
        (f"worker {dispatcher}", "warning"),
        ("lane EMAIL", "warning"),
    ]


@pytest.mark.django_db
def test_jobs_that_wait_for_long_are_told_and_whether_anybody_is_at_work() -> None:
    now = timezone.now()
    quick = job_services.submit(caller=Caller.house(), job_class="tests.Nothing")
    later = job_services.submit(caller=Caller.house(), job_class="tests.Nothing")
    Job.objects.filter(pk=later.pk).update(due_at=now + timedelta(hours=1))
    long = [job_services.submit(caller=Caller.house(), job_class="tests.Count", params=[("STEPS", "1")]) for _ in "12"]
    assert _seen(queue.stuck) == [("queue", "ok")]
    Job.objects.filter(pk=quick.pk).update(due_at=now - timedelta(hours=1))
    job_queue.claim(queue=Queue.LONG, worker="w", size=1)
    Job.objects.filter(pk=long[1].pk).update(due_at=now - timedelta(hours=1))
    assert [(found.subject, found.level.value, found.words) for found in queue.stuck()] == [
        ("quick jobs", "failure", "2 jobs wait, the oldest for 3600 s: no worker takes them"),
        ("long jobs", "warning", "1 jobs wait, the oldest for 3600 s: 1 are at work"),
    ]
    Job.objects.exclude(pk=long[0].pk).delete()
    Job.objects.update(heartbeat_at=now - timedelta(minutes=5))
    assert [(found.subject, found.words) for found in queue.stuck()] == [
        ("long jobs", "1 had no heartbeat for long, and nobody rescued them: does beat run?")
    ]


@pytest.mark.django_db
def test_a_beat_that_is_not_heard_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def told() -> list[tuple[str, str]]:
        return [(found.level.value, found.words) for found in queue.ticks()]

    assert told() == [("warning", "beat has never been heard: start it, and a worker")]
    tick()
    assert told() == [("ok", "beat is heard each second")]
    later = vital_signs.time.time() + 68
    monkeypatch.setattr(vital_signs.time, "time", lambda: later)
    assert told() == [("warning", "beat was last heard 68 s ago: does it run, and a worker?")]


def test_a_probe_that_breaks_stops_no_other() -> None:
    def broken() -> list[findings.Finding]:
        raise RuntimeError("odd\n  thing")

    def sound() -> list[findings.Finding]:
        return [findings.ok("sound", "as a bell")]

    found = list(findings.examine([broken, sound]))
    assert [(item.level, item.words) for item in found] == [
        (Level.FAILURE, "RuntimeError: odd thing"),
        (Level.OK, "as a bell"),
    ]


@pytest.mark.parametrize(("level", "code"), [(Level.OK, 0), (Level.WARNING, 0), (Level.FAILURE, 1)])
def test_the_command_fails_when_something_failed(
    monkeypatch: pytest.MonkeyPatch, level: Level, code: int, tmp_path: Path
) -> None:
    def probe() -> list[findings.Finding]:
        return [findings.Finding(subject="thing", level=level, words="so and so")]

    monkeypatch.setattr(doctor, "PROBES", (probe,))
    output, table = io.StringIO(), io.StringIO()
    codes = []
    for stream, options in ((output, ["--json"]), (table, [])):
        try:
            call_command("doctor", *options, stdout=stream)
            codes.append(0)
        except SystemExit as end:
            codes.append(end.code)
    assert codes == [code, code]
    assert json.loads(output.getvalue()) == [{"subject": "thing", "level": level.value, "words": "so and so"}]
    assert table.getvalue().split() == [level.value, "thing", "so", "and", "so"]


@pytest.mark.django_db
def test_the_whole_round_ends(settings: Any) -> None:
    settings.HAMMY_SMTP_SERVERS = ()
    subjects = {found.subject for found in doctor.examine(doctor.PROBES)}
    assert {"database", "migrations", "clock", "broker", "templates", "storage", "queue"} <= subjects


@pytest.mark.django_db
def test_a_site_that_does_not_sign_says_so() -> None:
    assert _seen(signing.certificate) == [("signing", "ok")]


@pytest.mark.django_db
def test_a_certificate_is_told_with_its_days(settings: Any, tmp_path: Path) -> None:
    settings.HAMMY_FROM_ADDRESS = authority.ADDRESS
    own = authority.signer().settle(settings, tmp_path)
    (found,) = signing.certificate()
    serial = f"{own.certificate.serial_number:x}"
    assert (found.level, found.words) == (
        Level.OK,
        f"Minta Biztosító (serial {serial}), valid for 99 days more",
    )


@pytest.mark.django_db
def test_a_certificate_near_its_end_or_past_it_is_told(settings: Any, tmp_path: Path) -> None:
    settings.HAMMY_FROM_ADDRESS = authority.ADDRESS
    authority.made("Near", ends=timedelta(days=21)).settle(settings, tmp_path)
    assert _seen(signing.certificate) == [("signing", "warning")]
    authority.made("Over", begins=timedelta(days=-9), ends=timedelta(days=-2)).settle(settings, tmp_path)
    assert _seen(signing.certificate) == [("signing", "failure")]
    settings.HAMMY_SIGNING_CERTIFICATE = str(tmp_path / "nothing.pem")
    (found,) = signing.certificate()
    assert (found.level, found.words) == (
        Level.FAILURE,
        "HAMMY_SIGNING_CERTIFICATE cannot be read: No such file or directory",
    )


@pytest.mark.django_db
def test_all_that_is_wrong_with_a_certificate_is_told(settings: Any, tmp_path: Path) -> None:
    authority.made("Weak", kind="rsa1024", address="iroda@hammy.test").settle(settings, tmp_path)
    (tmp_path / "k.pem").chmod(0o640)
    settings.HAMMY_FROM_ADDRESS = "noreply@hammy.test"
    ApiClient.objects.create(name="one", from_address="one@hammy.test")
    ApiClient.objects.create(name="same", from_address="Iroda@hammy.test")
    ApiClient.objects.create(name="off", from_address="off@hammy.test", is_active=False)
    found = list(signing.certificate())
    assert [(one.subject, one.level.value) for one in found] == [
        ("signing", "ok"),
        ("signing certificate", "failure"),
        ("signing senders", "warning"),
        ("signing key", "warning"),
    ]
    assert found[2].words == (
        "the certificate names iroda@hammy.test: mail programs doubt it under noreply@hammy.test, one@hammy.test"
    )
    assert found[3].words == f"{tmp_path / 'k.pem'} can be read by others than its owner"
