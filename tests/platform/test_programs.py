"""What `run` starts: a consumer where there is a RabbitMQ, as many as wanted."""

import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.checks import check_admin_app
from django.core.management import call_command
from django.urls import get_resolver

from hammy_project import programs
from hammy_project.management.commands import run


@pytest.mark.parametrize(
    ("url", "processes", "names"),
    [
        ("", 1, []),
        ("amqp://127.0.0.1//", 0, []),
        ("amqp://127.0.0.1//", 1, ["consumer"]),
        ("amqp://127.0.0.1//", 3, ["consumer", "consumer-2", "consumer-3"]),
    ],
)
def test_consumers_run_where_there_is_a_rabbitmq(
    url: str, processes: int, names: list[str], monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.HAMMY_AMQP_URL, settings.CONSUMER_PROCESSES, settings.IS_EMAIL_URL_GIVEN = url, processes, True
    started: list[str] = []

    class Supervisor:
        """Starts nothing."""

        def __init__(self, everything: Any, **_: Any) -> None:
            started.extend(program.name for program in everything)

        signals = nullcontext
        start = run = stop = lambda self: None

    monkeypatch.setattr(run, "Supervisor", Supervisor)
    monkeypatch.setattr(run, "call_command", lambda *_, **__: None)
    monkeypatch.setattr(run.static_files, "collect", lambda: None)
    monkeypatch.setattr(programs, "is_port_free", lambda *_: True)
    call_command("run")
    assert started == ["web", "worker", "long-worker", "notifier", "beat", *names]


def test_a_consumer_is_the_command_of_its_name() -> None:
    assert programs.consumer().command[-3:] == ["consume_send_requests", "--settings", "hammy_project.settings"]


# What Celery does before a worker takes its first task.
_LOADED = """
import sys
from hammy_project.celery import app
app.set_default()
app.loader.import_default_modules()
print([name for name in sys.modules if name in ("hammy_project.urls", "sending.admin.messages", "sending.tasks")])
"""


def test_a_worker_loads_no_page(tmp_path: Path) -> None:
    environment = {**os.environ, **programs.worker().environment, "VAR_DIR": str(tmp_path)}
    environment["DJANGO_SETTINGS_MODULE"] = "hammy_project.settings"
    done = subprocess.run(
        [sys.executable, "-c", _LOADED], env=environment, capture_output=True, text=True, check=True, timeout=60
    )  # fmt: skip
    assert done.stdout == "['sending.tasks']\n"


def test_the_pages_that_the_addresses_load_pass_their_checks() -> None:
    assert get_resolver().url_patterns
    assert check_admin_app(None) == []
