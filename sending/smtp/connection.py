"""One connection to a mail server: smtplib opens it, the transaction's reading and writing is ours.

smtplib cannot pipeline, reads replies without end, and does not tell how much was written when a connection broke.
"""

import os
import re
import select
import smtplib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import NamedTuple

from sending.channels.base import SmtpServer

_LINE_LIMIT = 4096
_LINES_LIMIT = 128
_WORDS_LIMIT = 1000
_CHUNK = 65536
# One record of TLS: a failed write has passed on at most this much.
_TLS_CHUNK = 16384
_ONE_LINE_REPLY = re.compile(rb"([2-5][0-9]{2}) ([^\r\n]*)\r\n")
_REPLY_LINE = re.compile(rb"[2-5][0-9]{2}(?:[ -]|\Z)")
_FINAL_DOT = b".\r\n"
_FAREWELL_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds to wait: for the TCP and TLS connection, for an answer to a command, for that to the final dot."""

    connect: float = 10.0
    command: float = 60.0
    final_dot: float = 600.0


class Reply(NamedTuple):
    """What the server said, its lines without the code."""

    code: int
    lines: tuple[bytes, ...]

    @property
    def words(self) -> str:
        """Everything on one line, the code first, fit to be shown and stored."""
        return f"{self.code} {_readable(b' '.join(filter(None, self.lines)))}".strip()

    @property
    def is_positive(self) -> bool:
        return 200 <= self.code < 300

    @property
    def is_refusal(self) -> bool:
        return 400 <= self.code < 600


class Lost(smtplib.SMTPServerDisconnected):
    """The connection is gone or silent; ``is_dot_written`` when a byte of the final dot may have gone out."""

    def __init__(self, words: str, *, is_dot_written: bool = False) -> None:
        super().__init__(words)
        self.is_dot_written = is_dot_written


class Garbage(smtplib.SMTPException):
    """What came is no SMTP reply."""


class Connection(smtplib.SMTP):
    """An open session, logged in and ready for MAIL. The constructor raises OSError or ValueError when it is not.

    ``is_clean``: no transaction is under way. ``mails``: how many it carried. ``process``: who may speak on it.
    """

    def __init__(
        self, server: SmtpServer, *, greeting_name: str, patience: Patience, tls: Callable[[], ssl.SSLContext]
    ) -> None:
        super().__init__(local_hostname=greeting_name, timeout=patience.connect)
        self._host = server.host
        self._server = server
        self._tls = tls
        self._patience = patience
        self._buffer = b""
        self.is_clean = True
        self.mails = 0
        self.process = os.getpid()
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    @property
    def size_limit(self) -> int:
        """The largest mail the server takes, in bytes; 0 when it does not say."""
        size = self.esmtp_features.get("size", "")
        return int(size) if size.isdecimal() else 0

    def has_news(self) -> bool:
        """Whether the server has spoken unasked since its last reply. Never waits. Raises Lost when it hung up."""
        if self._buffer:
            return True
        if not self._poll.poll(0) and not (isinstance(self._socket, ssl.SSLSocket) and self._socket.pending()):
            return False
        try:
            self._socket.settimeout(0)
            self._take(self._socket.recv(_LINE_LIMIT))
        except (BlockingIOError, ssl.SSLWantReadError):
            # TLS keeping house: a session ticket, a key update.
            return False
        except Lost:
            raise
        except OSError as error:
            raise Lost(f"connection lost: {error}") from error
        return True

    def reply(self, *, seconds: float | None = None) -> Reply:
        """The next reply, whole within ``seconds`` (default: a command's patience), however slowly it drips.

        Raises Lost or Garbage.
        """
        deadline = monotonic() + (self._patience.command if seconds is None else seconds)
        if not self._buffer:
            self._await_bytes(deadline)
        # Nearly every reply, four to a mail, is one line that came whole.
        if match := _ONE_LINE_REPLY.match(self._buffer):
            self._buffer = self._buffer[match.end() :]
            return Reply(int(match[1]), (match[2],))
        code, lines = b"", []
        for _ in range(_LINES_LIMIT):
            line = self._read_line(deadline)
            if not (_REPLY_LINE.match(line) and line.startswith(code)):
                raise Garbage(f"not an SMTP reply: {_readable(line)}")
            code = line[:3]
            lines.append(line[4:])
            if line[3:4] != b"-":
                return Reply(int(code), tuple(lines))
        raise Garbage(f"a reply of more than {_LINES_LIMIT} lines")

    def write(self, data: bytes) -> None:
        """Commands, in one write. Raises Lost."""
        try:
            self._socket.settimeout(self._patience.command)
            self._socket.sendall(data)
        except OSError as error:
            raise Lost(f"connection lost while writing: {error}") from error

    def write_mail(self, data: bytes) -> bool:
        """The mail (CRLF lines, dots doubled, CRLF at its end) and the final dot.

        False when the server spoke before the dot was written: then it was not, and the reply waits to be read.
        Raises Lost, which knows whether a byte of the dot may have reached the kernel.
        """
        view = memoryview(data + _FINAL_DOT)
        dot = len(data)
        chunk = _TLS_CHUNK if isinstance(self._socket, ssl.SSLSocket) else _CHUNK
        deadline = monotonic() + self._patience.final_dot
        written = 0
        while written < len(view):
            until = min(written + chunk, len(view))
            if written <= dot < until and self.has_news():
                return False
            try:
                self._socket.settimeout(min(self._patience.command, max(deadline - monotonic(), 0.001)))
                written += self._socket.send(view[written:until])
            except OSError as error:
                # A plain socket that fails took nothing of the chunk; TLS may have passed on a part of it.
                reached = until if chunk == _TLS_CHUNK else written
                raise Lost(f"connection lost while writing: {error}", is_dot_written=reached > dot) from error
        return True

    def leave(self) -> None:
        """Say QUIT if the line is free, and close. Never raises for the server's sake; may be called again."""
        if self.sock is not None and self.is_clean and self.process == os.getpid():
            try:
                self.write(b"QUIT\r\n")
                self.reply(seconds=_FAREWELL_SECONDS)
            except (OSError, ValueError):
                self.is_clean = False
        self.close()

    # What smtplib calls while it opens the session.

    def send(self, s: object) -> None:
        self.write(s.encode("ascii") if isinstance(s, str) else bytes(s))  # type: ignore[call-overload]

    def getreply(self) -> tuple[int, bytes]:
        reply = self.reply()
        return reply.code, b"\n".join(reply.lines)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        sock = socket.create_connection((host, port), timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._server.security == "tls":
            try:
                sock = self._tls().wrap_socket(sock, server_hostname=host)
            except BaseException:
                sock.close()
                raise
        # smtplib has not yet kept it, and the greeting is read from here.
        self.sock = sock
        self._watch()
        return sock

    def _open(self) -> None:
        server = self._server
        code, words = self.connect(server.host, server.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, words)
        self._greet()
        if server.security == "starttls":
            self.starttls(context=self._tls())
            self._watch()
            if self._buffer:
                # Said before the handshake, to be believed after it: an injected reply.
                raise Garbage("the server spoke between STARTTLS and the handshake")
            self._greet()
        if server.user:
            self.login(server.user, server.password)

    def _greet(self) -> None:
        code, words = self.ehlo()
        if code != 250:
            raise smtplib.SMTPHeloError(code, words)

    def _watch(self) -> None:
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN | select.POLLHUP | select.POLLERR)

    @property
    def _socket(self) -> socket.socket:
        if self.sock is None:
            raise Lost("connection is closed")
        return self.sock

    def _read_line(self, deadline: float) -> bytes:
        while (end := self._buffer.find(b"\n", 0, _LINE_LIMIT)) < 0:
            if len(self._buffer) >= _LINE_LIMIT:
                raise Garbage(f"a reply line of more than {_LINE_LIMIT} bytes")
            self._await_bytes(deadline)
        line, self._buffer = self._buffer[:end], self._buffer[end + 1 :]
        return line.rstrip()

    def _await_bytes(self, deadline: float) -> None:
        remaining = deadline - monotonic()
        try:
            if remaining <= 0:
                raise TimeoutError
            self._socket.settimeout(remaining)
            self._take(self._socket.recv(_LINE_LIMIT))
        except TimeoutError as error:
            raise Lost("no answer in time") from error
        except Lost:
            raise
        except OSError as error:
            raise Lost(f"connection lost: {error}") from error

    def _take(self, received: bytes) -> None:
        if not received:
            raise Lost("connection closed by the server")
        self._buffer += received


def _readable(words: bytes) -> str:
    text = words.decode("utf-8", "replace")[:_WORDS_LIMIT]
    return text if text.isprintable() else "".join(char if char.isprintable() else "?" for char in text)
