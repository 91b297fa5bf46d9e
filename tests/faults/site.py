"""A whole site of its own for one test: database, broker folder, mail sink, worker, beat and web as real processes."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import psycopg
import requests

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], Any], *, seconds: float, what: str) -> Any:
    """The first true value of ``condition``; a time-out says what was waited for."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds:g} s in vain for {what}")


class Site:
    """Processes and settings of one site below ``folder``. The database is PostgreSQL where the suite runs on it."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.web_port = free_port()
        self.mail_port = free_port()
        self.processes: list[subprocess.Popen[bytes]] = []
        self._database = ""
        url = environment.get("DATABASE_URL") or self._own_database()
        self.environment = {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "VAR_DIR": str(folder / "var"),
            "SECRET_KEY": "only-for-tests-" + "0123456789abcdef" * 4,
            "EMAIL_URL": f"smtp://127.0.0.1:{self.mail_port}",
            "HAMMY_PUBLIC_URL": f"http://127.0.0.1:{self.web_port}",
            "LOG_LEVEL": "WARNING",
            **({"DATABASE_URL": url} if url else {}),
            **environment,
        }

    def _own_database(self) -> str:
        shared = os.environ.get("DATABASE_URL", "")
        if not shared.startswith("postgres"):
            return ""
        base, _, _ = shared.rpartition("/")
        self._database = f"hammy_site_{uuid4().hex[:12]}"
        self._administer(f'CREATE DATABASE "{self._database}"')
        return f"{base}/{self._database}"

    def _administer(self, statement: str) -> None:
        base, _, _ = os.environ["DATABASE_URL"].rpartition("/")
        with psycopg.connect(f"{base}/postgres", autocommit=True) as connection:
            connection.execute(statement)

    def __enter__(self) -> Self:
        self.manage("migrate", "--verbosity", "0")
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            self.kill(process)
        if self._database:
            self._administer(f'DROP DATABASE IF EXISTS "{self._database}" WITH (FORCE)')

    # ── processes ───────────────────────────────────────────────────────────────────────────────
    def manage(self, *arguments: str) -> str:
        """Run a management command to its end; what it printed."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """A process that leads its own group and logs below the site's folder."""
        log = (self.folder / f"{len(self.processes)}-{Path(command[-1]).name[:20]}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, *command], env=self.environment, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
        )
        self.processes.append(process)
        return process

    def start_sink(self, *options: str) -> subprocess.Popen[bytes]:
        (self.folder / "sink").mkdir(exist_ok=True)
        command = ["-m", "tests.fakes.smtp_sink", "--port", str(self.mail_port), *options]
        process = self.start(*command, "--directory", str(self.folder / "sink"))
        wait_until(lambda: _answers(self.mail_port), seconds=20, what="the mail sink")
        return process

    def start_worker(self) -> subprocess.Popen[bytes]:
        return self.start("-m", "celery", "-A", "hammy_project", "worker", "--concurrency", "2")

    def start_beat(self) -> subprocess.Popen[bytes]:
        return self.start("-m", "celery", "-A", "hammy_project", "beat", "--pidfile=")

    def start_web(self) -> subprocess.Popen[bytes]:
        command = ["-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(self.web_port)]
        process = self.start(*command, "--workers", "1", "--blocking-threads", "2", "hammy_project.wsgi:application")
        wait_until(lambda: _answers(self.web_port), seconds=30, what="the web server")
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """SIGKILL to the process and all it started."""
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    # ── what a client does ──────────────────────────────────────────────────────────────────────
    def create_client(self) -> dict[str, str]:
        """A client's headers; no user token asked."""
        printed = json.loads(self.manage("create_client", "faults", "--rights", "all", "--no-user-token", "--json"))
        return {"X-Client-Hash-Key": printed["clientHashKey"]}

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.web_port}/hammy/json/send/v2/{path}"

    def submit(self, headers: dict[str, str], count: int, *, prefix: str = "r") -> list[int]:
        """``count`` letters by bulk; their message ids."""
        letters = [
            {
                "requestId": f"{prefix}{number}",
                "recipientName": "Teszt Elek",
                "recipientEmailAddress": f"elek{number}@example.com",
                "mailSubject": "Teszt",
                "mailBody": "Szöveg " * 20,
            }
            for number in range(count)
        ]
        answer = requests.post(self.url("batches"), json={"messages": letters}, headers=headers, timeout=120)
        assert answer.status_code == 200, answer.text
        return [item["messageId"] for item in answer.json()["messages"]]

    # ── what is true ────────────────────────────────────────────────────────────────────────────
    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows straight from the site's database."""
        url = self.environment.get("DATABASE_URL", "")
        if url.startswith("postgres"):
            with psycopg.connect(url) as connection:
                return connection.execute(statement).fetchall()
        with sqlite3.connect(f"file:{self.folder}/var/hammy.sqlite3?mode=ro", uri=True, timeout=30) as connection:
            return connection.execute(statement).fetchall()

    def statuses(self) -> Counter[str]:
        return Counter(dict(self.query("SELECT status, count(*) FROM sending_message GROUP BY status")))

    def received(self) -> Counter[str]:
        """How often the sink holds each Message-ID."""
        journal = self.folder / "sink" / "received.txt"
        return Counter(journal.read_text().split()) if journal.exists() else Counter()

    def wait_drained(self, *, seconds: float) -> Counter[str]:
        """The statuses once nothing waits or is on its way any more."""

        def drained() -> Counter[str]:
            statuses = self.statuses()
            return Counter() if statuses["ACCEPTED"] or statuses["SENDING"] or statuses["RETRY"] else statuses

        return wait_until(drained, seconds=seconds, what="all messages to be closed")


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def site(folder: Path, **environment: str) -> Iterator[Site]:
    """A migrated site, all of it gone afterwards."""
    with Site(folder, **environment) as made:
        yield made
