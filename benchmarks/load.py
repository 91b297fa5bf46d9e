"""HTTP load over kept-open connections: closed (each connection asks again when answered) or open (a fixed rate)."""

import asyncio
import gc
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

from benchmarks.measuring import percentile

_PLACE = b"@@@@@@@@@@"
_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A request to repeat: wherever its body says @@@@@@@@@@, each has a number of its own of as many digits."""

    path: str
    body: bytes
    headers: dict[str, str]

    def maker(self, port: int) -> Callable[[int], bytes]:
        """From a number to the bytes to send."""
        lines = [f"POST {self.path} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Content-Length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        whole = "\r\n".join([*lines, "", ""]).encode() + self.body
        return lambda number: whole.replace(_PLACE, b"%010d" % number)


@dataclass(slots=True)
class Result:
    """What came of a load: ``moments`` are (number, due, answered) in seconds of the monotonic clock."""

    seconds: float
    moments: list[tuple[int, float, float]]
    statuses: Counter[int] = field(default_factory=Counter)
    complaint: str = ""

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.moments) / self.seconds

    def latency(self, share: float) -> float:
        """Milliseconds that ``share`` of the requests took at most, from the moment each was due."""
        return 1000 * percentile([answered - due for _, due, answered in self.moments], share)

    @property
    def failed(self) -> int:
        """Answers that were no success."""
        return sum(count for status, count in self.statuses.items() if not 200 <= status < 300)

    @property
    def flaws(self) -> list[str]:
        """Why the figures cannot be trusted."""
        return [f"{self.failed} answers were no success: {dict(self.statuses)} {self.complaint}"] if self.failed else []


class _Line(asyncio.Protocol):
    """One connection with at most one request under way."""

    def __init__(self, on_answer: Callable[["_Line", int, bytes], None]) -> None:
        self._on_answer = on_answer
        self._buffer = b""
        self.number = 0
        self.due = 0.0
        self.is_lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True

    def ask(self, request: bytes, number: int, due: float) -> None:
        self.number, self.due = number, due
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = self._buffer[:head_end].lower()
        start = head.find(b"\r\ncontent-length:")
        if start >= 0:
            length = int(head[start + 17 : head_end].split(b"\r\n", 1)[0])
            if len(self._buffer) < head_end + 4 + length:
                return
        elif not self._buffer.endswith(b"0\r\n\r\n"):
            return
        answer, self._buffer = self._buffer, b""
        self._on_answer(self, int(answer[9:12]), answer)


class _Load:
    def __init__(self, *, port: int, shot: Shot, first_number: int) -> None:
        self._port = port
        self._make = shot.maker(port)
        self._number = first_number
        self.moments: list[tuple[int, float, float]] = []
        self.statuses: Counter[int] = Counter()
        self.complaint = ""

    async def lines(self, count: int, on_answer: Callable[[_Line, int, bytes], None]) -> list[_Line]:
        loop = asyncio.get_running_loop()
        return [
            (await loop.create_connection(lambda: _Line(on_answer), "127.0.0.1", self._port))[1] for _ in range(count)
        ]

    def ask(self, line: _Line, due: float) -> None:
        self._number += 1
        line.ask(self._make(self._number), self._number, due)

    def note(self, line: _Line, status: int, answer: bytes, moment: float) -> None:
        self.moments.append((line.number, line.due, moment))
        self.statuses[status] += 1
        if status >= 300 and not self.complaint:
            self.complaint = answer[-600:].decode("utf-8", "replace")

    def result(self, seconds: float) -> Result:
        return Result(seconds=seconds, moments=self.moments, statuses=self.statuses, complaint=self.complaint)


async def _closed(load: _Load, connections: int, seconds: float, warm_up: float) -> Result:
    begin = time.monotonic() + warm_up
    end = begin + seconds
    busy = connections
    finished = asyncio.Event()

    def on_answer(line: _Line, status: int, answer: bytes) -> None:
        nonlocal busy
        now = time.monotonic()
        if begin <= now <= end or status >= 300:
            load.note(line, status, answer, now)
        if now < end:
            load.ask(line, now)
        else:
            busy -= 1
            if not busy:
                finished.set()

    lines = await load.lines(connections, on_answer)
    for line in lines:
        load.ask(line, time.monotonic())
    try:
        await asyncio.wait_for(finished.wait(), warm_up + seconds + _PATIENCE_SECONDS)
    finally:
        for line in lines:
            line.transport.close()
    return load.result(seconds)


async def _open(load: _Load, connections: int, seconds: float, rate: float) -> Result:
    free: deque[_Line] = deque()
    waiting: deque[float] = deque()

    def on_answer(line: _Line, status: int, answer: bytes) -> None:
        load.note(line, status, answer, time.monotonic())
        if waiting:
            load.ask(line, waiting.popleft())
        else:
            free.append(line)

    lines = await load.lines(connections, on_answer)
    free.extend(lines)
    begin = time.monotonic() + 0.01
    total = int(seconds * rate)
    for index in range(total):
        due = begin + index / rate
        if (ahead := due - time.monotonic()) > 0:
            await asyncio.sleep(ahead)
        elif index % 16 == 0:
            # Behind the plan: answers must still be heard.
            await asyncio.sleep(0)
        if free:
            load.ask(free.popleft(), due)
        else:
            waiting.append(due)
    until = time.monotonic() + _PATIENCE_SECONDS
    while len(load.moments) < total and time.monotonic() < until:
        await asyncio.sleep(0.01)
    for line in lines:
        line.transport.close()
    if missing := total - len(load.moments):
        load.statuses[0] += missing
        load.complaint = load.complaint or "no answer"
    return load.result(seconds)


async def _counted(load: _Load, count: int) -> Result:
    answered = asyncio.Event()

    def on_answer(line: _Line, status: int, answer: bytes) -> None:
        load.note(line, status, answer, time.monotonic())
        answered.set()

    (line,) = await load.lines(1, on_answer)
    began = time.monotonic()
    for _ in range(count):
        answered.clear()
        load.ask(line, time.monotonic())
        await asyncio.wait_for(answered.wait(), 2 * _PATIENCE_SECONDS)
    line.transport.close()
    return load.result(time.monotonic() - began)


def closed(
    *, port: int, shot: Shot, connections: int, seconds: float, warm_up: float = 1.0, first_number: int = 0
) -> Result:
    """As fast as ``connections`` clients that each wait for their answer can go; the warm-up is not counted."""
    return _run(_closed(_Load(port=port, shot=shot, first_number=first_number), connections, seconds, warm_up))


def open_loop(
    *, port: int, shot: Shot, rate: float, seconds: float, connections: int = 64, first_number: int = 0
) -> Result:
    """``rate`` requests a second whatever the server does; latencies count from when each was due to be sent."""
    return _run(_open(_Load(port=port, shot=shot, first_number=first_number), connections, seconds, rate))


def shots(*, port: int, shot: Shot, count: int, first_number: int = 0) -> Result:
    """Exactly ``count`` requests, one after the other."""
    return _run(_counted(_Load(port=port, shot=shot, first_number=first_number), count))


def _run(load: Coroutine[object, object, Result]) -> Result:
    gc.collect()
    gc.disable()
    try:
        return asyncio.run(load)
    finally:
        gc.enable()
