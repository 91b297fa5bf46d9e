"""Having documents set, put together and pictured, in a process of its own that is bound in reach, time and memory."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from django.conf import settings

_PROGRAM = Path(__file__).with_name("press_process.py")
_MEMORY = 1024 * 1024 * 1024
# It is there within a tenth of this, unless the machine is very busy.
_START_SECONDS = 10.0
# Whatever it remembers from letter to letter goes with it.
_WORKS_PER_PROCESS = 2000
_LARGEST = 256 * 1024 * 1024


class PressError(Exception):
    """Why there is no document, in words for people. ``is_lasting``: what was given is wrong; ``document`` is the
    number of the one that is, where it is one."""

    def __init__(self, words: str, *, is_lasting: bool, document: int | None = None) -> None:
        super().__init__(words)
        self.words, self.is_lasting, self.document = words, is_lasting, document


class Press:
    """One process at work, begun when it is needed and again when it was lost. Threads wait for each other."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._works = 0
        os.register_at_fork(after_in_child=self._disown)

    def work(self, work: str, documents: Sequence[bytes] = (), **options: Any) -> tuple[bytes, int]:
        """Its document and how many pages there are; the same for the same. Raises PressError."""
        seconds = settings.HAMMY_LETTER_SECONDS
        request = {"work": work, "seconds": seconds, "sizes": [len(document) for document in documents], **options}
        with self._lock:
            if self._works >= _WORKS_PER_PROCESS or (self._process and self._process.poll() is not None):
                self._end()
            until = time.monotonic() + seconds + (0.0 if self._process else _START_SECONDS)
            process = self._process or self._begin()
            self._works += 1
            try:
                _write(process, [json.dumps(request).encode() + b"\n", *documents], until)
                answer, document = _answer(process, until)
            except BaseException:
                # Its next answer would be to this request.
                self._end()
                raise
        if "why" in answer:
            raise PressError(answer["why"], is_lasting=True, document=answer["document"])
        return document, answer["pages"]

    def close(self) -> None:
        """End the process, if there is one; the next work begins another."""
        with self._lock:
            self._end()

    def _begin(self) -> subprocess.Popen[bytes]:
        # Nothing of our environment, which holds secrets, but what Python may need to start.
        self._process = subprocess.Popen(  # noqa: S603 (our own program)
            [sys.executable, "-I", str(_PROGRAM), settings.HAMMY_LETTER_FONTS, str(_MEMORY)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env={name: os.environ[name] for name in ("LD_LIBRARY_PATH", "TMPDIR") if name in os.environ},
        )
        for pipe in _pipes(self._process):
            os.set_blocking(pipe, False)
        return self._process

    def _end(self) -> None:
        if self._process:
            self._process.kill()
            self._process.communicate()
        self._process, self._works = None, 0

    def _disown(self) -> None:
        """In a forked child: our parent's process is none of ours, to speak to or to wait for."""
        if self._process:
            # Held open here too, they would keep it alive when its owner dies.
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe:
                    pipe.close()
            self._process.returncode = 0
        self._process, self._works, self._lock = None, 0, Lock()


def _pipes(process: subprocess.Popen[bytes]) -> tuple[int, int]:
    """Where it is written to and read from."""
    if process.stdin is None or process.stdout is None:
        raise ValueError("the process has no pipes")
    return process.stdin.fileno(), process.stdout.fileno()


def _write(process: subprocess.Popen[bytes], pieces: Sequence[bytes], until: float) -> None:
    handle = _pipes(process)[0]
    try:
        for piece in pieces:
            waiting = memoryview(piece)
            while waiting:
                _wait_for(handle, select.POLLOUT, until)
                waiting = waiting[os.write(handle, waiting) :]
    except BrokenPipeError:
        raise _died() from None


def _answer(process: subprocess.Popen[bytes], until: float) -> tuple[dict[str, Any], bytes]:
    handle = _pipes(process)[1]
    received = bytearray()
    while (end := received.find(b"\n")) < 0:
        received += _some(handle, until)
    answer: dict[str, Any] = json.loads(received[:end])
    (size,) = answer["sizes"]
    if size > _LARGEST:
        raise PressError(f"the document is larger than {_LARGEST:,} bytes", is_lasting=True)
    document = received[end + 1 :]
    while len(document) < size:
        document += _some(handle, until)
    return answer, bytes(document)


def _some(handle: int, until: float) -> bytes:
    _wait_for(handle, select.POLLIN, until)
    if piece := os.read(handle, 1024 * 1024):
        return piece
    raise _died()


def _wait_for(handle: int, event: int, until: float) -> None:
    poll = select.poll()
    poll.register(handle, event)
    if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
        raise PressError(f"it takes longer than {settings.HAMMY_LETTER_SECONDS:g} s", is_lasting=False)


def _died() -> PressError:
    return PressError("it needs too much memory, or its process was ended", is_lasting=False)


press = Press()
