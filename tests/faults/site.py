"""A whole site of its own for a test: database, broker folder, mail sink, worker, beat and web as real processes."""

import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import psycopg
import requests

from hammy_project import programs
from hammy_project.supervisor import Program

ROOT = Path(__file__).resolve().parents[2]
_SECRET_KEY = "only-for-tests-" + "0123456789abcdef" * 4
_WAITING = ("ACCEPTED", "SENDING", "RETRY")


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


def children_of(process: subprocess.Popen[bytes]) -> list[int]:
    """The processes it started, whichever of its threads did."""
    found = []
    for listed in Path(f"/proc/{process.pid}/task").glob("*/children"):
        try:
            found += [int(number) for number in listed.read_text().split()]
        except OSError:
            continue
    return found


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass(frozen=True)
class Prepared:
    """A migrated database with one client in it, made once for a test process and copied for each site."""

    folder: Path
    database: str
    headers: dict[str, str]


_made: list[Prepared] = []


def prepared() -> Prepared:
    """The one of this process."""
    if not _made:
        folder = Path(tempfile.mkdtemp(prefix="prepared-", dir=os.environ.get("HAMMY_TEST_DIR")))
        base = _server_url()
        database = f"hammy_prepared_{uuid4().hex[:12]}" if base else ""
        if base:
            _administer(f'CREATE DATABASE "{database}"')
        site = Site(folder, **({"DATABASE_URL": f"{base}/{database}"} if base else {"DATABASE_URL": ""}))
        site.migrate()
        _made.append(Prepared(folder, database, site.headers))
    return _made[0]


def forget_prepared() -> None:
    """Remove it again."""
    while _made:
        gone = _made.pop()
        if gone.database:
            _administer(f'DROP DATABASE IF EXISTS "{gone.database}" WITH (FORCE)')
        shutil.rmtree(gone.folder, ignore_errors=True)


def _server_url() -> str:
    """Where this run's PostgreSQL is, without a database's name; "" when the run is on SQLite."""
    shared = os.environ.get("DATABASE_URL", "")
    return shared.rpartition("/")[0] if shared.startswith("postgres") else ""


def _administer(statement: str) -> None:
    with psycopg.connect(f"{_server_url()}/postgres", autocommit=True) as connection:
        connection.execute(statement)


class Site:
    """Processes and settings of one site below ``folder``. The database is PostgreSQL where the suite runs on it;
    an empty DATABASE_URL asks for SQLite. A database that is not named is a copy of the prepared one."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.web_port = free_port()
        self.mail_port = free_port()
        self.processes: list[subprocess.Popen[bytes]] = []
        self._environments: dict[int, Mapping[str, str]] = {}
        self.headers: dict[str, str] = {}
        self._is_named = "DATABASE_URL" in environment
        self._database = ""
        folder.mkdir(parents=True, exist_ok=True)
        if not self._is_named and _server_url():
            self._database = f"hammy_site_{uuid4().hex[:12]}"
            environment["DATABASE_URL"] = f"{_server_url()}/{self._database}"
        self.environment = {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "VAR_DIR": str(folder / "var"),
            "SECRET_KEY": _SECRET_KEY,
            "EMAIL_URL": f"smtp://127.0.0.1:{self.mail_port}",
            "HAMMY_PUBLIC_URL": f"http://127.0.0.1:{self.web_port}",
            "LOG_LEVEL": "WARNING",
            **{name: os.environ[name] for name in ("BROKER_URL", "CACHE_URL") if os.environ.get("HAMMY_TEST_SERVICES")},
            **{name: value for name, value in environment.items() if value},
        }

    def __enter__(self) -> Self:
        if self._is_named:
            self.migrate()
            return self
        made = prepared()
        self.headers = made.headers
        if self._database:
            _administer(f'CREATE DATABASE "{self._database}" TEMPLATE "{made.database}"')
        else:
            (self.folder / "var").mkdir(exist_ok=True)
            with (
                closing(sqlite3.connect(made.folder / "var" / "hammy.sqlite3")) as source,
                closing(sqlite3.connect(self.folder / "var" / "hammy.sqlite3")) as target,
            ):
                source.backup(target)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            self.kill(process)
        if self._database:
            _administer(f'DROP DATABASE IF EXISTS "{self._database}" WITH (FORCE)')

    def migrate(self) -> None:
        """The tables and one client without user token, whose headers are kept."""
        self.manage("migrate", "--verbosity", "0")
        # Each five minutes it would end a job that no test knows of, of which clients are told and which lists show.
        self.change("UPDATE django_celery_beat_periodictask SET enabled = false WHERE name = 'trigger lifeCourse'")
        printed = json.loads(self.manage("create_client", "faults", "--rights", "all", "--no-user-token", "--json"))
        self.headers = {"X-Client-Hash-Key": printed["clientHashKey"]}

    # ── processes ───────────────────────────────────────────────────────────────────────────────
    def manage(self, *arguments: str, **environment: str) -> str:
        """Run a management command to its end; what it printed."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.environment | environment, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, name: str, command: Sequence[str], **environment: str) -> subprocess.Popen[bytes]:
        """A process that leads its own group and logs below the site's folder."""
        with (self.folder / f"{len(self.processes):03}-{name}.log").open("wb") as log:
            process = subprocess.Popen(
                list(command), env=self.environment | environment, cwd=ROOT, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self.processes.append(process)
        self._environments[process.pid] = environment
        return process

    def start_sink(self, *options: str) -> subprocess.Popen[bytes]:
        (self.folder / "sink").mkdir(exist_ok=True)
        command = [sys.executable, "-m", "tests.fakes.smtp_sink", "--port", str(self.mail_port), *options]
        process = self.start("sink", [*command, "--directory", str(self.folder / "sink")])
        wait_until(lambda: answers(self.mail_port), seconds=60, what="the mail sink")
        return process

    def start_worker(self, *, processes: int = 2, **environment: str) -> subprocess.Popen[bytes]:
        return self._start_program(programs.worker(), {"--concurrency": processes}, (), environment)

    def start_long_worker(self, *, processes: int = 2, **environment: str) -> subprocess.Popen[bytes]:
        return self._start_program(programs.long_worker(), {"--concurrency": processes}, (), environment)

    def start_notifier(self, *, processes: int = 2, **environment: str) -> subprocess.Popen[bytes]:
        return self._start_program(programs.notifier(), {"--concurrency": processes}, (), environment)

    def start_consumer(self, **environment: str) -> subprocess.Popen[bytes]:
        return self._start_program(programs.consumer(), {}, (), environment)

    def start_beat(self) -> subprocess.Popen[bytes]:
        return self._start_program(programs.beat(), {}, (), {})

    def start_web(
        self, *, workers: int = 1, port: int = 0, within: Sequence[str] = (), **environment: str
    ) -> subprocess.Popen[bytes]:
        """The web server; ``within`` is a command that becomes it."""
        port = port or self.web_port
        process = self._start_program(programs.web(port=port), {"--workers": workers}, within, environment)
        wait_until(lambda: self.is_web_alive(port), seconds=90, what="the web server")
        return process

    def _start_program(
        self, program: Program, options: Mapping[str, int], within: Sequence[str], environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        command = list(program.command)
        for option, value in options.items():
            command[command.index(option) + 1] = str(value)
        return self.start(program.name, [*within, *command], **{**program.environment, **environment})

    def is_web_alive(self, port: int = 0) -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{port or self.web_port}/healthz", timeout=5).ok
        except requests.RequestException:
            return False

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """SIGKILL to the process and all it started."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def wait_for_pool(self, worker: subprocess.Popen[bytes], processes: int = 2) -> list[int]:
        """The worker's pool once it is complete."""

        def complete() -> list[int]:
            assert worker.poll() is None, f"the worker has left\n{self.describe()}"
            found = children_of(worker)
            return found if len(found) >= processes else []

        found: list[int] = wait_until(complete, seconds=60, what="the pool")
        return found

    def kill_child(self, worker: subprocess.Popen[bytes], *, within: float = 0) -> subprocess.Popen[bytes]:
        """SIGKILL to one of the worker's pool, up to ``within`` seconds after that is complete; once there is another
        in its place, the worker, or the one that a supervisor would have started in the worker's place: Celery's leaves
        when a process dies while it starts."""
        while True:
            worker = self._complete(worker)
            time.sleep(random.uniform(0, within))
            # It may be leaving just now.
            with suppress(IndexError, ProcessLookupError):
                victim = random.choice(children_of(worker))
                os.kill(victim, signal.SIGKILL)
                return self._complete(worker, but=victim)

    def _complete(self, worker: subprocess.Popen[bytes], *, but: int = 0) -> subprocess.Popen[bytes]:
        wait_until(
            lambda: worker.poll() is not None or len({*children_of(worker)} - {but}) >= 2, seconds=60, what="the pool"
        )
        if worker.poll() is None:
            return worker
        return self._complete(self.start("worker", list(worker.args), **self._environments[worker.pid]))

    # ── what a client does ──────────────────────────────────────────────────────────────────────
    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.web_port}/hammy/json/send/v2/{path}"

    def post(self, path: str, body: Any, *, timeout: float = 120) -> requests.Response:
        return requests.post(self.url(path), json=body, headers=self.headers, timeout=timeout)

    def send(self, request_id: str, **changes: Any) -> int:
        """One letter; its message id."""
        answer = self.post("send", letter(request_id, **changes))
        assert answer.status_code == 200, answer.text
        return int(answer.json()["messageId"])

    def submit(self, count: int, *, prefix: str) -> list[int]:
        """``count`` letters by bulk; their message ids."""
        answer = self.post("batches", {"messages": [letter(f"{prefix}{number}") for number in range(count)]})
        assert answer.status_code == 200, answer.text
        return [item["messageId"] for item in answer.json()["messages"]]

    # ── what is true ────────────────────────────────────────────────────────────────────────────
    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows straight from the site's database."""
        url = self.environment.get("DATABASE_URL", "")
        if url.startswith("postgres"):
            return _asked(url, statement)
        path = self.folder / "var" / "hammy.sqlite3"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as connection:
            return connection.execute(statement).fetchall()

    def change(self, statement: str) -> None:
        """Write straight into the site's database, as if by someone who wakes nobody."""
        url = self.environment.get("DATABASE_URL", "")
        if url.startswith("postgres"):
            with psycopg.connect(url) as connection:
                connection.execute(statement)
            return
        with closing(sqlite3.connect(self.folder / "var" / "hammy.sqlite3", timeout=30)) as connection:
            connection.execute(statement)
            connection.commit()

    def statuses(self, prefix: str = "") -> Counter[str]:
        where = f"WHERE request_id LIKE '{prefix}%'"
        return Counter(dict(self.query(f"SELECT status, count(*) FROM sending_message {where} GROUP BY status")))

    def status(self, message_id: int) -> str:
        return str(self.query(f"SELECT status FROM sending_message WHERE id = {message_id}")[0][0])

    def attempts(self, message_id: int) -> int:
        return int(self.query(f"SELECT attempts FROM sending_message WHERE id = {message_id}")[0][0])

    def events(self, message_id: int) -> list[str]:
        rows = self.query(f"SELECT name FROM sending_messageevent WHERE message_id = {message_id} ORDER BY id")
        return [str(row[0]) for row in rows]

    def header_ids(self, prefix: str = "", *, status: str) -> set[str]:
        """The Message-ID, up to its @, of each message in that status."""
        where = f"status = '{status}' AND request_id LIKE '{prefix}%'"
        return {_plain(str(row[0])) for row in self.query(f"SELECT uuid FROM sending_message WHERE {where}")}

    def received(self) -> Counter[str]:
        """How often the sink holds each Message-ID, up to its @."""
        journal = self.folder / "sink" / "received.txt"
        return Counter(map(_plain, journal.read_text().split())) if journal.exists() else Counter()

    def wait_for(self, message_id: int, status: str, *, seconds: float = 60) -> None:
        try:
            wait_until(lambda: self.status(message_id) == status, seconds=seconds, what=f"the message to be {status}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.events(message_id)}\n{self.describe()}") from error

    def wait_drained(self, prefix: str = "", *, seconds: float) -> Counter[str]:
        """The statuses once nothing waits or is on its way any more."""

        def drained() -> Counter[str]:
            statuses = self.statuses(prefix)
            return Counter() if any(statuses[name] for name in _WAITING) else statuses

        try:
            return wait_until(drained, seconds=seconds, what="all messages to be closed")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.describe()}") from error

    def describe(self) -> str:
        """What a person would look at when the site stands still."""
        tables = ("sending_lane", "sending_dispatcher")
        rows = [f"{table}: {self.query(f'SELECT * FROM {table}')}" for table in tables]
        logs = [f"{path.name}: {path.read_text()[-2000:]}" for path in sorted(self.folder.glob("*.log"))[-4:]]
        alive = [process.args for process in self.processes if process.poll() is None]
        return "\n".join([str(self.statuses()), *rows, f"alive: {alive}", *logs])

    def logged(self, words: str) -> list[str]:
        """The lines of all processes' logs that hold ``words``."""
        paths = self.folder.glob("*.log")
        return [line for path in paths for line in path.read_text(errors="replace").splitlines() if words in line]


def _asked(url: str, statement: str) -> list[tuple[Any, ...]]:
    """The rows, from a database that may be recovering just now."""
    for _ in range(100):
        try:
            with psycopg.connect(url) as connection:
                return connection.execute(statement).fetchall()
        except psycopg.OperationalError:
            time.sleep(0.2)
    raise AssertionError("the database does not come back")


def letter(request_id: str, **changes: Any) -> dict[str, Any]:
    """A letter as plain JSON."""
    return {
        "requestId": request_id,
        "recipientName": "Teszt Elek",
        "recipientEmailAddress": f"elek{random.randrange(10**6)}@example.com",
        "mailSubject": "Teszt",
        "mailBody": "Szöveg " * 20,
        **changes,
    }


def _plain(identity: str) -> str:
    return identity.strip("<>").partition("@")[0].replace("-", "")


@contextmanager
def site(folder: Path, **environment: str) -> Iterator[Site]:
    """A migrated site, all of it gone afterwards."""
    with Site(folder, **environment) as made:
        yield made
