"""A mail server for trying out: takes every letter over SMTP and keeps each as a file."""

import argparse
import asyncio
import itertools
import os
import re
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

MAX_MAIL_BYTES = 64 * 1024 * 1024


class Keeper:
    """Writes each letter as ``<moment>-<number>-<recipient>.eml`` into ``folder``: complete or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = itertools.count(1)
        folder.mkdir(parents=True, exist_ok=True)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        """Keep the letter, its envelope in two header lines above it, and answer with the file's name."""
        path = self.folder / self._name(envelope)
        envelope_lines = f"X-Envelope-From: {envelope.mail_from}\r\nX-Envelope-To: {', '.join(envelope.rcpt_tos)}\r\n"
        content = envelope.original_content or b""
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(envelope_lines.encode() + content)
        unfinished.rename(path)
        return f"250 kept as {path.name}"

    def _name(self, envelope: Envelope) -> str:
        recipient = re.sub(r"[^A-Za-z0-9.@+-]", "_", (envelope.rcpt_tos or ["nobody"])[0])[:80]
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
        return f"{moment}-{os.getpid()}.{next(self._numbers)}-{recipient}.eml"


async def serve(*, host: str, port: int, folder: Path, on_ready: Callable[[int], None] = lambda port: None) -> None:
    """Take mail at ``host:port`` until SIGINT or SIGTERM; ``on_ready`` learns the port (0 asks for any)."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    keeper = Keeper(folder)
    server = await loop.create_server(
        lambda: SMTP(keeper, hostname="localhost", enable_SMTPUTF8=True, data_size_limit=MAX_MAIL_BYTES, loop=loop),
        host=host,
        port=port,
    )
    on_ready(server.sockets[0].getsockname()[1])
    # Not "async with": from Python 3.12 on closing waits for the last client to go.
    try:
        await stopped.wait()
    finally:
        server.close()


def run(*, host: str, port: int, folder: Path) -> str:
    """Serve until a signal comes, telling on standard output where; why it could not, or ""."""

    def tell(taken: int) -> None:
        sys.stdout.write(f"Taking mail at {host}:{taken}, keeping it in {folder}\n")
        sys.stdout.flush()

    try:
        asyncio.run(serve(host=host, port=port, folder=folder, on_ready=tell))
    except OSError as error:
        return f"Cannot take mail at {host}:{port}: {error.strerror}"
    return ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command line may say."""
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=2525, help="0 takes any free one")
    parser.add_argument("--folder", type=Path, help="where the letters go (VAR_DIR/mailbox)")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    add_arguments(arguments)
    sys.exit(run(**vars(arguments.parse_args())) or None)
