"""The process that prepares PDF documents (sending.signing.preparing), kept by who signs and replaced when it fails."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Timer
from typing import Any

_PROGRAM = Path(__file__).with_name("preparing.py")
# So much longer than it may work a document is waited for, on a machine that has other work, too.
_PATIENCE_SECONDS = 60.0


class Unprepared(Exception):
    """Why a document was not prepared, in words for people; ``is_lasting`` when the document is to blame."""

    def __init__(self, words: str, *, is_lasting: bool = True) -> None:
        super().__init__(words)
        self.is_lasting = is_lasting


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A document with room for its signature, in hex from ``start``, and the digest of all but that."""

    digest: bytes
    start: int
    data: bytes


class Preparer:
    """One process at work, begun when it is first needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = Lock()
        os.register_at_fork(after_in_child=self._forget)

    def prepared(self, content: bytes, *, room: int, reason: str, seconds: float, memory: int) -> Prepared:
        """Raises Unprepared. ``seconds`` of work and ``memory`` in bytes are what one document may take."""
        request = {"room": room, "reason": reason, "seconds": seconds, "size": len(content)}
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._process = _begun(memory)
            process = self._process
            patience = Timer(seconds + _PATIENCE_SECONDS, process.kill)
            patience.start()
            try:
                answer, data = _asked(process, json.dumps(request).encode() + b"\n", content)
            except (OSError, EOFError):
                self.close()
                raise _ended(process.returncode, seconds) from None
            finally:
                patience.cancel()
        if "why" in answer:
            raise Unprepared(answer["why"])
        return Prepared(digest=bytes.fromhex(answer["digest"]), start=answer["start"], data=data)

    def close(self) -> None:
        """End the process, if there is one; the next document begins another."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _forget(self) -> None:
        """In a forked child: our parent's process is none of ours, to speak to or to wait for."""
        if self._process is not None:
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
            self._process.returncode = 0
        self._process, self._lock = None, Lock()


def _ended(code: int, seconds: float) -> Unprepared:
    if code == -signal.SIGPROF:
        return Unprepared(f"the document takes more than {seconds:g} s of work to read")
    if code == -signal.SIGKILL:
        # By us, when patience was over, or by a kernel that is short of memory.
        return Unprepared("cannot sign: the machine is too busy to read the document", is_lasting=False)
    return Unprepared("the document cannot be signed: reading it fails")


def _begun(memory: int) -> subprocess.Popen[bytes]:
    # Isolated from our environment: it needs none of our secrets, and nobody's modules beside its own file.
    command = [sys.executable, "-I", str(_PROGRAM), str(memory)]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(  # noqa: S603 - our own program
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=quiet, env={}
    )


def _asked(process: subprocess.Popen[bytes], request: bytes, content: bytes) -> tuple[dict[str, Any], bytes]:
    """What it answers; raises OSError or EOFError when it ends instead."""
    requests, answers = process.stdin, process.stdout
    if requests is None or answers is None:
        raise EOFError
    requests.write(request)
    requests.write(content)
    requests.flush()
    line = answers.readline()
    if not line:
        raise EOFError
    answer = json.loads(line)
    data = answers.read(answer["size"])
    if len(data) < answer["size"]:
        raise EOFError
    return answer, data
