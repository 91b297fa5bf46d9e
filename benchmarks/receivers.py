"""Whoever wants to be told, as cheap as can be: takes calls on many ports, and answers with one status or never."""

import argparse
import asyncio
import json
import re
import sys
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ANSWERS = {
    204: b"HTTP/1.1 204 No Content\r\n\r\n",
    201: b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Receivers:
    """Their ports; the last ``hanging`` of them never answer."""

    ports: list[int] = field(default_factory=list)
    hanging: int = 0


class _Session(asyncio.Protocol):
    """One connection, kept open as long as the caller likes."""

    def __init__(self, *, answer: bytes) -> None:
        self._answer = answer
        self._buffer = b""
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            found = _LENGTH.search(self._buffer, 0, end)
            size = end + 4 + (int(found[1]) if found else 0)
            if len(self._buffer) < size:
                return
            self._buffer = self._buffer[size:]
            self._transport.write(self._answer)


async def serve(count: int, hanging: int, status: int) -> None:
    """Say on which ports, and take calls until the process is ended."""
    loop = asyncio.get_running_loop()
    ports = []
    for number in range(count):
        answer = b"" if number >= count - hanging else _ANSWERS[status]
        server = await loop.create_server(lambda answer=answer: _Session(answer=answer), "127.0.0.1", 0, backlog=512)  # type: ignore[misc]
        ports.append(server.sockets[0].getsockname()[1])
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--hanging", type=int, default=0)
    parser.add_argument("--status", type=int, default=204, choices=sorted(_ANSWERS))
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.count, arguments.hanging, arguments.status))
