"""Services of a test's own, on ports of their own, to be stopped, killed and started; and a line to cut."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import psycopg
import pytest

from tests.faults.site import answers, children_of, free_port, wait_until

on_services = [
    pytest.mark.services,
    pytest.mark.skipif(not os.environ.get("HAMMY_TEST_SERVICES"), reason="make test-services"),
]


class Service:
    """One server process in a folder of its own, a context manager: started inside, killed and forgotten after."""

    name = ""
    user: str | None = None

    def __init__(self) -> None:
        # Short, for the sockets in it, and open to the user the server runs as.
        self.folder = Path(tempfile.mkdtemp(prefix=f"hammy-{self.name}-"))
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        if self.user:
            shutil.chown(self.folder, self.user)

    def __enter__(self) -> Self:
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def prepare(self) -> None:
        """What must be there before the first start."""

    def command(self) -> Sequence[str]:
        """What to run."""
        raise AssertionError("a service has a command")

    def environment(self) -> Mapping[str, str]:
        """What it needs beside PATH."""
        return {}

    def is_ready(self) -> bool:
        return answers(self.port)

    def start(self) -> None:
        """Start it and wait until it serves."""
        self.process = self._run(self.command())
        wait_until(self._is_up, seconds=90, what=f"{self.name} to serve")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to stop and wait until it has."""
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait(timeout=90)

    def kill(self) -> None:
        """SIGKILL to all of it."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def _is_up(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log()
        return self.is_ready()

    def _run(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                list(command), env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **self.environment()},
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                user=self.user, group=self.user, extra_groups=[] if self.user else None,
            )  # fmt: skip


def program(name: str, *folders: str) -> str:
    """The path of a program that distributions keep off the PATH; the test is skipped where it is not installed."""
    found = [path for pattern in folders for path in sorted(Path("/").glob(f"{pattern.lstrip('/')}/{name}"))]
    path = str(found[-1]) if found else shutil.which(name)
    if not path:
        pytest.skip(f"{name} is not installed")
    return path


class Postgres(Service):
    """A cluster with the defaults of its version, as durable as the real one."""

    name = "postgres"
    # It does not run as root.
    user = "postgres" if os.geteuid() == 0 else None

    @property
    def url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}"

    def prepare(self) -> None:
        initdb = program("initdb", "/usr/lib/postgresql/*/bin")
        data = str(self.folder / "data")
        made = self._run([initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"])
        assert made.wait(timeout=90) == 0, self.log()

    def command(self) -> Sequence[str]:
        postgres = program("postgres", "/usr/lib/postgresql/*/bin")
        return [postgres, "-D", "data", "-p", str(self.port), "-k", str(self.folder), "-h", "127.0.0.1"]

    def is_ready(self) -> bool:
        try:
            psycopg.connect(f"{self.url}/postgres", connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self, number: signal.Signals = signal.SIGQUIT) -> None:
        """By default an immediate stop: as after a crash, what was not yet written is lost."""
        super().stop(number)

    def crash(self) -> None:
        """Kill one of its sessions: the server takes its memory for damaged, ends all others and recovers by itself."""
        assert self.process is not None
        for pid in children_of(self.process):
            title = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
            if "127.0.0.1(" in title:
                os.kill(pid, signal.SIGKILL)
                break
        else:
            raise AssertionError("nobody is connected")
        # It takes a moment until the server knows.
        wait_until(lambda: not Path(f"/proc/{pid}/cmdline").exists(), seconds=30, what="the session to end")
        time.sleep(0.2)
        wait_until(self._is_up, seconds=90, what=f"{self.name} to recover")


class RabbitMq(Service):
    """A node without plugins, with its own cookie and port mapper."""

    name = "rabbitmq"

    def __init__(self) -> None:
        super().__init__()
        self._mapper_port = free_port()
        self._node_port = free_port()

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def command(self) -> Sequence[str]:
        # Not the wrapper on the PATH: it insists on the distribution's own user and node.
        return [program("rabbitmq-server", "/usr/lib/rabbitmq/bin")]

    def environment(self) -> Mapping[str, str]:
        (self.folder / "plugins").write_text("[].\n")
        (self.folder / "rabbitmq.conf").write_text(f"listeners.tcp.local = 127.0.0.1:{self.port}\n")
        return {
            "HOME": str(self.folder),
            "RABBITMQ_NODENAME": f"hammy{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self._node_port),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "logs"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "none"),
            "ERL_EPMD_PORT": str(self._mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            # Two busy schedulers of a second node would only disturb what is tested.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
        }

    def is_ready(self) -> bool:
        """Its port opens before it serves."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as probe:
                probe.sendall(b"AMQP\0\0\x09\1")
                return probe.recv(1) == b"\1"
        except OSError:
            return False

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        with contextlib.suppress(OSError):
            subprocess.run(
                ["epmd", "-port", str(self._mapper_port), "-kill"],
                env={"PATH": os.environ["PATH"], "ERL_EPMD_PORT": str(self._mapper_port)},
                capture_output=True, check=False, timeout=30,
            )  # fmt: skip


class Redis(Service):
    """A server that keeps nothing over a restart."""

    name = "redis"

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> Sequence[str]:
        return [program("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", "."]


class Line:
    """A TCP line to a local port that can be cut, a context manager."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.connections = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        _close(self._listener)
        self.cut()

    @property
    def is_used(self) -> bool:
        """Whether anybody is connected."""
        with self._lock:
            return bool(self._open)

    def cut(self) -> int:
        """Hang up on everybody; how many connections there were."""
        with self._lock:
            ends, self._open = self._open, set()
        for end in ends:
            _close(end)
        return len(ends) // 2

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self._listener.accept()
            except OSError:
                return
            try:
                there = socket.create_connection(("127.0.0.1", self._target), timeout=10)
            except OSError:
                _close(here)
                continue
            there.settimeout(None)
            with self._lock:
                self.connections += 1
                self._open |= {here, there}
            for source, target in ((here, there), (there, here)):
                threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with self._lock:
            self._open -= {source, target}
        _close(source)
        _close(target)


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
