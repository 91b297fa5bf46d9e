"""What an operator reads whose settings are wrong, or whose database is not there."""

import os
import subprocess
import sys
from logging import getLevelNamesMapping
from pathlib import Path

import pytest
from django.conf import settings

_DATABASES = "must begin with one of postgres://, postgresql://, psql://, pgsql://, sqlite://"
_QUESTION = "Is it there, and migrated (manage.py migrate)?"


def _manage(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR, env={"PATH": os.environ["PATH"], "VAR_DIR": str(folder)} | environment,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("database", "said"),
    [
        ({}, "no such table: gateway_apiclient"),
        ({"DATABASE_URL": "postgres://postgres@127.0.0.1:1/none"}, "Connection refused"),
    ],
)
def test_a_command_without_a_database_says_so(database: dict[str, str], said: str, tmp_path: Path) -> None:
    done = _manage("create_client", "crm", folder=tmp_path, **database)

    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    assert "The database cannot be used: " in done.stderr
    assert said in done.stderr
    assert done.stderr.rstrip().endswith(_QUESTION)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DATABASE_URL", "", _DATABASES),
        ("DATABASE_URL", "oracle://db/x", _DATABASES),
        ("DATABASE_URL", "postgres://u:p@db:x/hammy", "Port could not be cast to integer value as 'x'"),
        ("CACHE_URL", "cache", "must begin with one of redis://, rediss://, rediscache://, filecache://"),
        ("BROKER_URL", "rabbit", "must begin with one of amqp://, amqps://, redis://, rediss://, filesystem://"),
        ("TIME_ZONE", "Mars/Base", "must be a time zone, as Europe/Budapest"),
        ("TIME_ZONE", "/etc/passwd", "must be a time zone, as Europe/Budapest"),
        ("LANGUAGE_CODE", "xx", "must be one of hu, en"),
        ("LOG_LEVEL", "LOUD", f"must be one of {', '.join(getLevelNamesMapping())}"),
        ("EMAIL_URL", "smtp://mail:x", "Port could not be cast to integer value as 'x'"),
        ("HAMMY_BOUNCE_IMAP_URL", "imaps://u:p@mail:x", "Port could not be cast to integer value as 'x'"),
        ("VAR_DIR", "", "must name a folder"),
        ("VAR_DIR", "/proc/none", "[Errno 2] No such file or directory: '/proc/none'"),
        ("HAMMY_RETENTION_DAYS", "long", "invalid literal for int() with base 10: 'long'"),
    ],
)
def test_a_setting_that_is_wrong_is_named(name: str, value: str, said: str, tmp_path: Path) -> None:
    done = _manage("check", folder=tmp_path, **{name: value})

    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"A setting is wrong. {name}: {said}\n")


def test_what_else_goes_wrong_keeps_its_traceback(tmp_path: Path) -> None:
    wrong = "from django.db import connection; connection.cursor().execute('selec 1')"
    done = _manage("shell", "--no-imports", "-c", wrong, folder=tmp_path)

    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert done.stderr.rstrip().endswith('near "selec": syntax error')
