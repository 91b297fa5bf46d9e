"""System checks: each thing an operator can get wrong has an id, and a site that is right has none."""

import os
import shlex
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from django.conf import settings as django_settings
from django.core.checks import WARNING
from django.core.exceptions import ImproperlyConfigured

from hammy_project import checks
from hammy_project.environment import Environment
from tests.sending import authority

_ALL = (
    checks.addresses,
    checks.networks,
    checks.folders,
    checks.archives,
    checks.numbers,
    checks.jobs,
    checks.notifications,
    checks.letters,
    checks.signing,
    checks.pushes,
    checks.queues,
    checks.habits,
    checks.secrets,
)


def _ids() -> list[str]:
    return [str(found.id) for check in _ALL for found in check(None)]


def test_the_embedded_default_has_nothing_to_complain_of(settings: Any) -> None:
    settings.IS_EMBEDDED_DATABASE = True
    assert _ids() == []


@pytest.mark.parametrize(
    ("name", "value", "ids"),
    [
        ("HAMMY_PUBLIC_URL", "letters.example.org", ["hammy.E002"]),
        ("HAMMY_PUBLIC_URL", "ftp://letters.example.org", ["hammy.E002"]),
        ("HAMMY_METRICS_NETWORKS", ["10.0.0.0/8", "10.0.0.1/8"], ["hammy.E004"]),
        ("HAMMY_OUTBOUND_NETWORKS", ["everything", "10.0.0.0/8"], ["hammy.E004"]),
        ("HAMMY_OUTBOUND_PORTS", [443, 0, 70000], ["hammy.E005"]),
        ("WEB_PORT", 65536, ["hammy.E005"]),
        ("HAMMY_METRICS_LISTEN", "9101", ["hammy.E005"]),
        ("HAMMY_EXTERNAL_ROOT", "/proc/1/cmdline/external", ["hammy.E006"]),
        ("HAMMY_SPOOL", "/proc/version", ["hammy.E006"]),
        ("HAMMY_INCOMING", "/proc/version", ["hammy.E006"]),
        ("HAMMY_LEASE_SECONDS", 600.0, ["hammy.E007"]),
        ("HAMMY_WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", []),
        ("HAMMY_WEBHOOK_SECRET", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", ["hammy.E050"]),
        ("HAMMY_WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", ["hammy.E050"]),
        ("HAMMY_WEBHOOK_SECRET", "whsec_c2hvcnQ=", ["hammy.E050"]),
        ("HAMMY_WEBHOOK_SECRET", "whsec_" + "QUFB" * 22, ["hammy.E050"]),
        ("HAMMY_PUSH_CONTACT", "pushes@example.org", []),
        ("HAMMY_PUSH_CONTACT", "mailto:pushes@example.org", []),
        ("HAMMY_PUSH_CONTACT", "https://example.org/contact", []),
        ("HAMMY_PUSH_CONTACT", "http://example.org/contact", ["hammy.E060"]),
        ("HAMMY_PUSH_CONTACT", "example.org", ["hammy.E060"]),
        ("HAMMY_PUSH_HOSTS", ["push.example.org", "127.0.0.1"], []),
        ("HAMMY_PUSH_HOSTS", ["https://push.example.org", "Push.example.org"], ["hammy.E061", "hammy.E061"]),
        ("HAMMY_PUSH_HOSTS", [], ["hammy.E061"]),
        ("HAMMY_BROWSERS_PER_MINUTE", 0, ["hammy.E008"]),
        ("HAMMY_SUBSCRIPTIONS_PER_CLIENT", -1, ["hammy.E008"]),
        ("HAMMY_SUBSCRIPTIONS_PER_CLIENT", 0, []),
        ("HAMMY_DELIVERY_LEASE_SECONDS", 24.0, ["hammy.E051"]),
        ("HAMMY_DISABLE_TARGET_DAYS", -1.0, []),
        ("HAMMY_DISABLE_TARGET_DAYS", 0.0, ["hammy.E052"]),
        ("HAMMY_DELIVERY_RETENTION_DAYS", 0, ["hammy.E013"]),
        ("HAMMY_SCHEDULE_RETENTION_DAYS", 0, ["hammy.E013"]),
        ("HAMMY_IMPORT_FILE_DAYS", 0, ["hammy.E013"]),
        ("HAMMY_SCHEDULE_LATE_SECONDS", 0.0, ["hammy.E008"]),
        ("HAMMY_MAX_SCHEDULE_BYTES", 0, ["hammy.E008"]),
        ("HAMMY_MAX_SCHEDULES", -1, ["hammy.E008"]),
        ("HAMMY_MAX_SCHEDULES", 0, []),
        ("NOTIFIER_PROCESSES", 0, ["hammy.E008"]),
        ("HAMMY_RETRY_ATTEMPTS", 0, ["hammy.E008"]),
        ("HAMMY_RETRY_AGE_SECONDS", -1.0, ["hammy.E008"]),
        ("HAMMY_TOKEN_MINUTES", 0, ["hammy.E008"]),
        ("WEB_WORKERS", 0, ["hammy.E008"]),
        ("HAMMY_MAX_UPLOAD_BYTES", 0, ["hammy.E008"]),
        ("HAMMY_MAX_ATTACHMENT_BYTES", 0, ["hammy.E008"]),
        ("HAMMY_CALLER_CACHE_SECONDS", -0.5, ["hammy.E008"]),
        ("HAMMY_RETRY_FIRST_SECONDS", 99999.0, ["hammy.E009"]),
        ("HAMMY_LANE_CAP_SECONDS", 1.0, ["hammy.E009"]),
        ("HAMMY_AMQP_URL", "redis://127.0.0.1", ["hammy.E040"]),
        ("HAMMY_AMQP_SEND_QUEUE", "mailRequestQueueError", ["hammy.E040"]),
        ("HAMMY_AMQP_ERROR_QUEUE", "", ["hammy.E040"]),
        ("HAMMY_AMQP_BATCH", 401, ["hammy.E040"]),
        ("HAMMY_AMQP_BATCH", 0, ["hammy.E008"]),
        ("CONSUMER_PROCESSES", -1, ["hammy.E008"]),
        ("HAMMY_FROM_ADDRESS", "nobody", ["hammy.E010"]),
        ("HAMMY_MESSAGE_ID_DOMAIN", "exam ple", ["hammy.E011"]),
        ("HAMMY_MESSAGE_ID_DOMAIN", "", ["hammy.E011"]),
        ("HAMMY_RETENTION_DAYS", 0, ["hammy.E013"]),
        ("HAMMY_RETENTION_DAYS", -2, ["hammy.E013"]),
        ("HAMMY_JOB_RETENTION_DAYS", 0, ["hammy.E013"]),
        ("HAMMY_CONTENT_DAYS", 0, ["hammy.E013"]),
        ("HAMMY_SUPPRESS_DAYS", -2, ["hammy.E019"]),
        ("HAMMY_SUPPRESS_DAYS", 0, []),
        ("HAMMY_BOUNCE_ADDRESS", "bounces", ["hammy.E018"]),
        ("HAMMY_JOB_HEARTBEAT_SECONDS", 0.0, ["hammy.E008"]),
        ("HAMMY_JOB_GRACE_SECONDS", -1.0, ["hammy.E008"]),
        ("HAMMY_TRIGGER_LATE_SECONDS", 0.0, ["hammy.E008"]),
        ("LONG_WORKER_PROCESSES", 0, ["hammy.E008"]),
        ("HAMMY_JOB_LOST_SECONDS", 4.0, ["hammy.E014"]),
        ("HAMMY_JOB_HEARTBEAT_SECONDS", 7.5, ["hammy.E014"]),
        ("HAMMY_JOB_CLASSES", ["tests.jobs.classes", "tests.jobs.nothing"], ["hammy.E015"]),
        ("HAMMY_SIGNING_SECONDS", 0.0, ["hammy.E008"]),
        ("HAMMY_SIGNING_MAX_BYTES", 0, ["hammy.E008"]),
        ("HAMMY_SIGNING_KEY", "/etc/hammy/key.pem", ["hammy.E030"]),
        ("HAMMY_SIGNING_CERTIFICATE", "/etc/hammy/nothing.pem", ["hammy.E030"]),
        ("HAMMY_REPORT_RECIPIENTS", ["anna@example.org", "nobody"], ["hammy.E016"]),
        ("HAMMY_ARCHIVE_TARGET", "S3", ["hammy.E017"]),
        ("HAMMY_LETTER_FONTS", "/no/such/folder", ["hammy.E033"]),
        ("HAMMY_LETTER_TYPES", [], ["hammy.E034"]),
        ("HAMMY_LETTER_SECONDS", 0.0, ["hammy.E008"]),
        ("HAMMY_PRINT_BATCH_LETTERS", 0, ["hammy.E008"]),
        ("HAMMY_TOKEN_MINUTES", 1441, ["hammy.W005"]),
    ],
)
def test_a_wrong_setting_has_its_id(settings: Any, name: str, value: object, ids: list[str]) -> None:
    settings.IS_EMBEDDED_DATABASE = True
    setattr(settings, name, value)
    assert _ids() == ids


@pytest.mark.parametrize(
    ("certificate", "found"),
    [
        ({}, []),
        ({"address": ""}, []),
        (
            {"kind": "rsa1024"},
            [("hammy.E031", "HAMMY_SIGNING_CERTIFICATE: a key of 1024 bits is too weak: at least 2048")],
        ),
        (
            {"usage": ("key_encipherment",)},
            [
                (
                    "hammy.E031",
                    "HAMMY_SIGNING_CERTIFICATE: the certificate is not made for signatures: keyUsage lacks"
                    " digitalSignature",
                )
            ],
        ),
        (
            {"address": "iroda@hammy.test"},
            [
                (
                    "hammy.W031",
                    "HAMMY_FROM_ADDRESS is not in the signing certificate, which names iroda@hammy.test",
                )
            ],
        ),
        (
            {"extended": (ExtendedKeyUsageOID.CODE_SIGNING,)},
            [
                (
                    "hammy.W032",
                    "HAMMY_SIGNING_CERTIFICATE is not made for mail: extendedKeyUsage lacks emailProtection",
                )
            ],
        ),
    ],
)
def test_a_certificate_that_does_not_fit_has_its_id(
    settings: Any, tmp_path: Path, certificate: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    settings.HAMMY_FROM_ADDRESS = authority.ADDRESS
    authority.made("Own", **certificate).settle(settings, tmp_path)
    assert [(one.id, one.msg) for one in checks.signing(None)] == found


def test_a_certificate_that_has_ended_is_warned_of_and_stops_nothing(settings: Any, tmp_path: Path) -> None:
    settings.HAMMY_FROM_ADDRESS = authority.ADDRESS
    over = authority.made("Over", begins=timedelta(days=-9), ends=timedelta(days=-2)).settle(settings, tmp_path)
    (found,) = checks.signing(None)
    day = f"{over.certificate.not_valid_after_utc:%Y-%m-%d}"
    words = f"HAMMY_SIGNING_CERTIFICATE: the certificate ended on {day}: letters that must be signed wait"
    assert (found.id, found.level, found.msg) == ("hammy.W030", WARNING, words)


def test_a_server_database_with_all_else_embedded_is_warned_of(settings: Any) -> None:
    settings.IS_EMBEDDED_DATABASE = False
    settings.IS_EMBEDDED_CACHE = settings.IS_EMBEDDED_BROKER = settings.DEBUG = True
    settings.IS_EMAIL_URL_GIVEN = settings.IS_SECRET_KEY_GIVEN = False
    assert _ids() == ["hammy.W001", "hammy.W002", "hammy.W003", "hammy.W004", "hammy.E001"]


def _check(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "check", *arguments],
        cwd=django_settings.BASE_DIR,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_example_environment_passes_the_deployment_checks(tmp_path: Path) -> None:
    example = django_settings.BASE_DIR / "deploy" / "environment.example"
    lines = [line for line in example.read_text().splitlines() if line and not line.startswith("#")]
    places = dict.fromkeys(("VAR_DIR", "HAMMY_EXTERNAL_ROOT", "HAMMY_SPOOL"), str(tmp_path))
    environment = dict(shlex.split(line)[0].split("=", 1) for line in lines) | places

    done = _check("--deploy", "--fail-level", "WARNING", **environment)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_cannot_be_read_names_its_variable(tmp_path: Path) -> None:
    done = _check(VAR_DIR=str(tmp_path), HAMMY_RETRY_ATTEMPTS="many")
    assert done.returncode == 1
    assert done.stderr == "A setting is wrong. HAMMY_RETRY_ATTEMPTS: invalid literal for int() with base 10: 'many'\n"


def test_a_secret_comes_from_a_file_without_its_line_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "token"
    file.write_text("s3cret\n")
    monkeypatch.setenv("HAMMY_TEST_TOKEN_FILE", str(file))
    assert Environment().str("HAMMY_TEST_TOKEN") == "s3cret"


def test_a_secret_file_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAMMY_TEST_LOST_FILE", "/nowhere/token")
    with pytest.raises(ImproperlyConfigured, match="HAMMY_TEST_LOST_FILE: .*No such file"):
        Environment().str("HAMMY_TEST_LOST")
