"""Keeps the programs of one machine running together: starts them, starts again what dies, and leaves nothing behind.

Each program leads a process group of its own, so that a signal reaches all it started; should the supervisor itself
be killed, the kernel tells each program to stop.
"""

import contextlib
import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

logger = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LOOK_SECONDS = 0.1
# Who lived so long begins anew with a short pause when it dies.
_SOUND_SECONDS = 60.0
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run. ``is_support``: the others lean on it, so it starts first and stops last. ``log_file`` takes what
    it writes; without one it writes where we do."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    is_support: bool = False
    log_file: Path | None = None


@dataclass(slots=True)
class _Child:
    program: Program
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    ended_at: float | None = None
    start_at: float = 0.0
    pause: float = 0.0
    deaths: int = 0


class Supervisor:
    """Runs ``programs`` until it is told to stop. All its methods belong to the thread that made it: the kernel ties
    a child's life to the thread that started it."""

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        grace_seconds: float = 30.0,
        first_pause_seconds: float = 0.5,
        longest_pause_seconds: float = 30.0,
        orphan_seconds: float = 5.0,
    ) -> None:
        self._children = [_Child(program) for program in programs]
        self._grace = grace_seconds
        self._first_pause = first_pause_seconds
        self._longest_pause = longest_pause_seconds
        # What a dead program left running may finish its work in hand so long.
        self._orphan_seconds = orphan_seconds
        self._wanted_stop = threading.Event()

    @property
    def is_stopping(self) -> bool:
        """Whether a signal asked for the end."""
        return self._wanted_stop.is_set()

    @property
    def deaths(self) -> dict[str, int]:
        """How often each program ended without being asked to."""
        return {child.program.name: child.deaths for child in self._children}

    def start(self) -> None:
        """Start all programs, those first on which the others lean."""
        if _libc is not None:
            # What a dead program leaves running becomes ours to wait for, also where process 1 reaps nobody.
            _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        for child in sorted(self._children, key=lambda child: not child.program.is_support):
            _start(child)

    def look(self) -> None:
        """Start again what died, after a pause that grows with each death in a row. Returns at once."""
        now = time.monotonic()
        for child in self._children:
            if child.process is None:
                if now >= child.start_at:
                    _start(child)
            elif (code := child.process.poll()) is not None:
                self._bury(child, code, now)

    def wait(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Look after the programs for ``seconds``, or until the condition holds (True) or a signal asks for the end."""
        end = time.monotonic() + seconds
        while not self.is_stopping:
            self.look()
            if until():
                return True
            if time.monotonic() >= end:
                break
            self._wanted_stop.wait(_LOOK_SECONDS)
        return False

    def run(self) -> None:
        """Look after the programs until a signal asks for the end."""
        self.wait(float("inf"))

    def stop(self) -> None:
        """End all programs: asked first, killed when the grace period is over, those last on which the others lean."""
        for is_support in (False, True):
            children = [child for child in self._children if child.program.is_support is is_support]
            _end([child for child in children if child.process is not None], self._grace)

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """While this lasts, SIGINT, SIGTERM and SIGHUP ask for the end; a second one kills at once."""
        before = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.is_stopping:
            for child in self._children:
                _signal_group(child, signal.SIGKILL)
        self._wanted_stop.set()

    def _bury(self, child: _Child, code: int, now: float) -> None:
        name = child.program.name
        if child.ended_at is None:
            child.ended_at = now
            child.deaths += 1
            is_sound = now - child.started_at >= _SOUND_SECONDS
            child.pause = self._first_pause if is_sound or not child.pause else child.pause * 2
            child.pause = min(child.pause, self._longest_pause)
            logger.error("%s ended (%s); it starts again in %.1f s", name, _describe(code), child.pause)
        if _group_is_empty(child):
            child.process = None
            child.start_at = child.ended_at + child.pause
        elif now - child.ended_at > self._orphan_seconds + self._grace:
            logger.error("%s left processes behind that do not end; killing them", name)
            _signal_group(child, signal.SIGKILL)
        elif now - child.ended_at > self._orphan_seconds:
            _signal_group(child, signal.SIGTERM)


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _start(child: _Child) -> None:
    with contextlib.ExitStack() as opened:
        log = opened.enter_context(child.program.log_file.open("ab")) if child.program.log_file else None
        # The command is a list of our own making, without a shell; preexec_fn is safe: no thread runs beside us.
        child.process = subprocess.Popen(  # noqa: S603
            list(child.program.command),
            env={**os.environ, **child.program.environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_end_with_parent(os.getpid()),  # noqa: PLW1509
        )
    child.started_at = time.monotonic()
    child.ended_at = None


def _end_with_parent(parent: int) -> Callable[[], None] | None:
    libc = _libc
    if libc is None:
        return None

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)

    return ask


def _end(children: Sequence[_Child], grace: float) -> None:
    for child in children:
        # To the program alone: it knows in which order its own processes stop best.
        if child.process is not None and child.process.poll() is None:
            child.process.terminate()
    deadline = time.monotonic() + grace
    while alive := [child for child in children if not _is_gone(child)]:
        if time.monotonic() >= deadline:
            for child in alive:
                logger.error("%s does not end within %.0f s; killing it", child.program.name, grace)
                _signal_group(child, signal.SIGKILL)
            deadline += grace
        for child in alive:
            if child.process is not None and child.process.returncode is not None:
                # It has stopped; what it did not take with it is asked too.
                _signal_group(child, signal.SIGTERM)
        time.sleep(_LOOK_SECONDS / 5)
    for child in children:
        child.process = None


def _is_gone(child: _Child) -> bool:
    return child.process is None or (child.process.poll() is not None and _group_is_empty(child))


def _group_is_empty(child: _Child) -> bool:
    """Whether nothing of the ended program's group is left; takes note of what ended meanwhile."""
    if child.process is None:
        return True
    try:
        while os.waitpid(-child.process.pid, os.WNOHANG) != (0, 0):
            continue
    except ChildProcessError:
        return True
    return False


def _signal_group(child: _Child, number: signal.Signals) -> None:
    if child.process is not None:
        # The group may have ended this instant.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.process.pid, number)


def _describe(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
