"""The fastest mail server that still speaks SMTP: takes everything and notes the Message-ID of each mail.

``python -m tests.fakes.smtp_sink --port 2525 --directory DIR`` prints the port it listens on, then appends one
Message-ID a line to ``DIR/received.txt`` before it answers the final dot, so that duplicates can be counted after
any process but this one was killed. ``--delay`` waits so many seconds before each such answer.
"""

import argparse
import asyncio
import re
import signal
from collections import Counter
from pathlib import Path
from typing import BinaryIO

_MESSAGE_ID = re.compile(rb"^Message-ID:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_END = b"\r\n.\r\n"
_ANSWERS = {
    b"MAIL": b"250 2.1.0 Ok\r\n",
    b"RCPT": b"250 2.1.5 Ok\r\n",
    b"DATA": b"354 go on\r\n",
    b"EHLO": b"250-sink\r\n250-PIPELINING\r\n250-SMTPUTF8\r\n250-8BITMIME\r\n250 SIZE 104857600\r\n",
    b"HELO": b"250 sink\r\n",
    b"QUIT": b"221 2.0.0 Bye\r\n",
}
_OK = b"250 2.0.0 Ok\r\n"


class Sink(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, journal: BinaryIO, delay: float = 0.0) -> None:
        self._journal = journal
        self._delay = delay
        self._buffer = b""
        self._is_in_mail = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        answers = b""
        while True:
            if self._is_in_mail:
                end = self._buffer.find(_END)
                if end < 0:
                    break
                self._note(self._buffer[:end])
                self._buffer = self._buffer[end + len(_END) :]
                self._is_in_mail = False
                if self._delay:
                    asyncio.get_running_loop().call_later(self._delay, self._transport.write, _OK)
                    continue
                answers += _OK
                continue
            line, newline, rest = self._buffer.partition(b"\r\n")
            if not newline:
                break
            self._buffer = rest
            verb = line[:4].upper()
            answers += _ANSWERS.get(verb, _OK)
            self._is_in_mail = verb == b"DATA"
            if verb == b"QUIT":
                self._transport.write(answers)
                self._transport.close()
                return
        if answers:
            self._transport.write(answers)

    def _note(self, mail: bytes) -> None:
        found = _MESSAGE_ID.search(mail)
        self._journal.write((found[1] if found else b"<none>") + b"\n")
        self._journal.flush()


def received(directory: Path) -> Counter[str]:
    """How often each Message-ID came."""
    path = directory / "received.txt"
    return Counter(path.read_text().split()) if path.exists() else Counter()


async def serve(*, port: int, directory: Path, delay: float = 0.0) -> None:
    """Take mail until SIGTERM or SIGINT."""
    directory.mkdir(parents=True, exist_ok=True)
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    with (directory / "received.txt").open("ab") as journal:
        server = await loop.create_server(lambda: Sink(journal, delay), "127.0.0.1", port)
        print(server.sockets[0].getsockname()[1], flush=True)
        await stopped.wait()
        server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--delay", type=float, default=0.0)
    options = parser.parse_args()
    asyncio.run(serve(port=options.port, directory=options.directory, delay=options.delay))


if __name__ == "__main__":
    main()
