"""Having Typst set a document, in a process of its own that is bound in reach, time and memory."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

from django.conf import settings

_PROGRAM = Path(__file__).with_name("typesetting_process.py")
_MEMORY = 512 * 1024 * 1024
# Python, Typst and its fonts are there within a tenth of this.
_START_SECONDS = 10.0
# Whatever Typst remembers from letter to letter goes with its process.
_LETTERS_PER_PROCESS = 1000
_LARGEST = 64 * 1024 * 1024


class TypesettingError(Exception):
    """Why there is no document, in words for people. ``is_lasting``: the layout is wrong, or too much, by itself."""

    def __init__(self, words: str, *, is_lasting: bool) -> None:
        super().__init__(words)
        self.words, self.is_lasting = words, is_lasting


class Typesetter:
    """One process of Typst, begun when it is needed and again when it was lost. Threads wait for each other."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._served = 0

    def set(self, source: str, data: Mapping[str, Any], *, timestamp: int) -> bytes:
        """The PDF document of a layout with its data; the same for the same. Raises TypesettingError."""
        request = json.dumps(
            {"source": source, "data": json.dumps(data, ensure_ascii=False), "timestamp": timestamp}
        ).encode()
        with self._lock:
            if self._served >= _LETTERS_PER_PROCESS or (self._process and self._process.poll() is not None):
                self._end()
            process = self._process or self._begin()
            self._served += 1
            seconds = settings.HAMMY_LETTER_SECONDS + (_START_SECONDS if self._served == 1 else 0)
            try:
                answer = _ask(process, request, until=time.monotonic() + seconds)
            except BaseException:
                # Its next answer would be to this request.
                self._end()
                raise
        if answer[:1] != b"+":
            raise TypesettingError(answer[1:].decode(), is_lasting=True)
        return answer[1:]

    def close(self) -> None:
        """End the process; the next letter begins another."""
        with self._lock:
            self._end()

    def disown(self) -> None:
        """Let go of a process that belongs to the one we were forked from."""
        if self._process:
            # Held open here too, they would keep it alive when its owner dies.
            for pipe in _pipes(self._process):
                os.close(pipe)
            _inherited.append(self._process)
        self._lock, self._process, self._served = Lock(), None, 0

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
        self._served = 0
        return self._process

    def _end(self) -> None:
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process, self._served = None, 0


def _ask(process: subprocess.Popen[bytes], request: bytes, *, until: float) -> bytes:
    """Send a frame and read the one that answers it."""
    give, take = _pipes(process)
    try:
        waiting = memoryview(len(request).to_bytes(4, "big") + request)
        while waiting:
            _wait_for(give, select.POLLOUT, until)
            waiting = waiting[os.write(give, waiting) :]
        size = int.from_bytes(_read(take, 4, until), "big")
        if size > _LARGEST:
            raise TypesettingError(f"the letter is larger than {_LARGEST:,} bytes", is_lasting=True)
        return _read(take, size, until)
    except (BrokenPipeError, EOFError) as error:
        raise TypesettingError("the letter needs too much memory, or Typst died", is_lasting=False) from error


def _pipes(process: subprocess.Popen[bytes]) -> tuple[int, int]:
    """Where it is written to and read from."""
    return tuple(pipe.fileno() for pipe in (process.stdin, process.stdout) if pipe)  # type: ignore[return-value]


def _read(handle: int, size: int, until: float) -> bytes:
    answer = bytearray()
    while len(answer) < size:
        _wait_for(handle, select.POLLIN, until)
        piece = os.read(handle, size - len(answer))
        if not piece:
            raise EOFError
        answer += piece
    return bytes(answer)


def _wait_for(handle: int, event: int, until: float) -> None:
    poll = select.poll()
    poll.register(handle, event)
    if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
        words = f"setting the letter took longer than {settings.HAMMY_LETTER_SECONDS:g} s"
        raise TypesettingError(words, is_lasting=False)


_inherited: list[subprocess.Popen[bytes]] = []
typesetter = Typesetter()
os.register_at_fork(after_in_child=typesetter.disown)


def check_layout(source: str, data: Mapping[str, Any]) -> None:
    """Raise TypesettingError unless a layout can be set with these data."""
    typesetter.set(source, data, timestamp=0)
