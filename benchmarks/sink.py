"""A mail server that takes everything as fast as it comes and writes down when each mail was complete.

``python -m benchmarks.sink --port N --arrivals FILE``; a line of FILE is "moment bytes recipient", the moment by the
machine's monotonic clock, which all processes share.
"""

import argparse
import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_FLUSH_SECONDS = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """A running mail server as the harness sees it."""

    port: int
    arrivals: Path

    @property
    def count(self) -> int:
        """How many mails came."""
        return self.arrivals.read_bytes().count(b"\n")

    def mails(self) -> list[tuple[float, int, str]]:
        """Moment, bytes and first recipient of each mail, in the order of arrival."""
        rows = (line.split(" ", 2) for line in self.arrivals.read_text().splitlines())
        return [(float(moment), int(size), recipient) for moment, size, recipient in rows]

    def clear(self) -> None:
        """Forget what came so far."""
        self.arrivals.write_bytes(b"")

    def wait_for(self, count: int, seconds: float) -> None:
        """Until so many mails came; raises TimeoutError."""
        until = time.monotonic() + seconds
        while (came := self.count) < count:
            if time.monotonic() > until:
                raise TimeoutError(f"{came} of {count} mails after {seconds} s")
            time.sleep(0.02)


class _Session(asyncio.Protocol):
    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._buffer = b""
        self._is_data = False
        self._recipient = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        replies = []
        while (reply := self._next_reply()) is not None:
            replies.append(reply)
        if replies:
            self._transport.write(b"".join(replies))
        if replies and replies[-1].startswith(b"221"):
            self._transport.close()

    def _next_reply(self) -> bytes | None:
        if self._is_data:
            end = self._buffer.find(b"\r\n.\r\n")
            if end < 0:
                return None
            self._buffer = self._buffer[end + 5 :]
            self._is_data = False
            self._out.write(f"{time.monotonic():.6f} {end} {self._recipient}\n")
            self._recipient = ""
            return b"250 taken\r\n"
        line, found, rest = self._buffer.partition(b"\r\n")
        if not found:
            return None
        self._buffer = rest
        return self._answer(line)

    def _answer(self, line: bytes) -> bytes:
        verb = line[:4].upper()
        if verb == b"EHLO":
            return b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 52428800\r\n"
        if verb == b"RCPT" and not self._recipient:
            self._recipient = line[8:].strip().strip(b"<>").decode("utf-8", "replace")
        if verb == b"DATA":
            self._is_data = True
            # So that a mail without lines ends like any other.
            self._buffer = b"\r\n" + self._buffer
            return b"354 go on\r\n"
        return b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n"


async def serve(*, port: int, arrivals: Path) -> None:
    """Take mails until the process is ended."""
    # Appending, so that the harness may empty the file meanwhile.
    with arrivals.open("a", buffering=1 << 20) as out:
        server = await asyncio.get_running_loop().create_server(lambda: _Session(out), "127.0.0.1", port)
        async with server:
            while True:
                await asyncio.sleep(_FLUSH_SECONDS)
                out.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--arrivals", type=Path, required=True)
    arguments = parser.parse_args()
    asyncio.run(serve(port=arguments.port, arrivals=arguments.arrivals))
