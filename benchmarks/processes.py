"""Processes that a measurement needs, started and surely stopped."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).resolve().parent.parent
_DIE_WITH_PARENT = 1
_libc = ctypes.CDLL(None)


def _die_with_parent() -> None:
    # Even a harness that is killed leaves nothing running.
    _libc.prctl(_DIE_WITH_PARENT, signal.SIGTERM)


class Process:
    """A Python process with the arguments given, in its own process group; its output goes to ``log``."""

    def __init__(self, arguments: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.log = log
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - the harness has no other thread
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def children(self) -> list[int]:
        """The processes that it started itself."""
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def wait(self, seconds: float) -> int:
        """Its exit status; raises RuntimeError with the end of its log when it failed or takes longer."""
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            status = -1
        if status:
            raise RuntimeError(f"{self._process.args} ended with {status}:\n{self.tail()}")
        return status

    def tail(self, size: int = 3000) -> str:
        """The end of what it said."""
        return self.log.read_text(errors="replace")[-size:]

    def stop(self, seconds: float = 15.0) -> None:
        """Ask it to end, then make it, with all that it started."""
        if self.is_running:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, seconds: float = 30.0) -> None:
    """Until something listens; raises TimeoutError."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"nothing listens on port {port} after {seconds} s")


def resident_bytes(pid: int) -> int:
    """The memory of a process that is in RAM."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def processor_seconds(pids: Iterable[int]) -> dict[int, float]:
    """What each of these processes that still run has computed so far, for itself and in the kernel."""
    found = {}
    for pid in pids:
        with contextlib.suppress(FileNotFoundError):
            # Behind the name, which may hold anything, in brackets.
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            found[pid] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


def peak_bytes(pid: int) -> int:
    """The most memory that a process ever had in RAM."""
    (peak,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(peak.split()[1]) * 1024


def forget_peak(pid: int) -> None:
    """Let ``peak_bytes`` begin anew with what the process has now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
