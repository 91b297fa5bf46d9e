"""Mail servers on real loopback sockets: a mailbox that takes everything, and one that does what the test says."""

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Self

from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sending.channels.base import SmtpServer


@dataclass(frozen=True)
class ReceivedMail:
    """One mail with its envelope; ``data`` as it came, dots undone."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes

    @property
    def message(self) -> EmailMessage:
        message = message_from_bytes(self.data, policy=policy.default)
        assert isinstance(message, EmailMessage)
        return message


class Mailbox:
    """An aiosmtpd server in a thread, a context manager. ``directory``, if given, gets each mail as a file."""

    def __init__(self, directory: Path | None = None) -> None:
        self.mails: list[ReceivedMail] = []
        self.port = 0
        self._directory = directory
        self._loop = asyncio.new_event_loop()
        self._is_ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def server(self) -> SmtpServer:
        return SmtpServer(host="127.0.0.1", port=self.port)

    @property
    def message_ids(self) -> Counter[str]:
        """How often each Message-ID came."""
        return Counter(mail.message["Message-ID"] for mail in self.mails)

    def wait_for(self, count: int, *, seconds: float = 10.0) -> list[ReceivedMail]:
        """The mails, once there are ``count``; fails the test when they do not come."""
        until = time.monotonic() + seconds
        while len(self.mails) < count:
            assert time.monotonic() < until, f"{len(self.mails)} of {count} mails came in {seconds} s"
            time.sleep(0.01)
        return self.mails

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """What aiosmtpd calls with each mail."""
        assert isinstance(envelope.original_content, bytes)
        mail = ReceivedMail(envelope.mail_from or "", tuple(envelope.rcpt_tos), envelope.original_content)
        self.mails.append(mail)
        if self._directory:
            (self._directory / f"{len(self.mails):06}.eml").write_bytes(mail.data)
        return f"250 2.0.0 kept as {len(self.mails)}"

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._is_ready.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            self._loop.create_server(
                lambda: SMTP(self, hostname="mailbox", enable_SMTPUTF8=True, loop=self._loop), "127.0.0.1", 0
            )
        )
        self.port = server.sockets[0].getsockname()[1]
        self._is_ready.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()


class Drop:
    """An answer: hang up."""


class Silence:
    """An answer: none, for as long as the client waits."""


@dataclass(frozen=True)
class Slowly:
    """An answer, byte by byte."""

    text: str
    seconds_between: float


Utterance = str | bytes | Drop | Silence | Slowly
Answer = Utterance | tuple[Utterance, ...]

DROP = Drop()
SILENCE = Silence()
_USUAL: Mapping[str, Answer] = {
    "CONNECT": "220 scripted ESMTP",
    "HELO": "250 scripted",
    "STARTTLS": "220 go ahead",
    "AUTH": "235 2.7.0 welcome",
    "MAIL": "250 2.1.0 sender ok",
    "RCPT": "250 2.1.5 recipient ok",
    "DATA": "354 go on",
    "DOT": "250 2.0.0 queued",
    "RSET": "250 2.0.0 reset",
    "NOOP": "250 2.0.0 yes",
    "QUIT": "221 2.0.0 bye",
}


@dataclass
class ScriptedServer:
    """A mail server that answers as told, a context manager.

    ``answers`` maps a command (or ``CONNECT``, ``DOT`` for the final dot, ``RCPT <address>`` for one recipient) to
    its answer: a line, raw bytes, ``DROP``, ``SILENCE``, ``Slowly(...)``, a tuple of these one after the other, or a
    list of which each asking takes one and the last stays. 221 and 421 end the connection. Every command is in
    ``commands``, every mail answered positively in ``mails``.
    """

    answers: Mapping[str, Answer | list[Answer]] = field(default_factory=dict)
    extensions: Sequence[str] = ("PIPELINING", "SIZE 1000000", "SMTPUTF8", "8BITMIME")
    tls: ssl.SSLContext | None = None
    is_tls_implicit: bool = False
    drop_after_body_bytes: int | None = None
    commands: list[str] = field(default_factory=list)
    mails: list[ReceivedMail] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self.answer_now(self.answers)
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._is_stopped = threading.Event()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    @property
    def server(self) -> SmtpServer:
        return SmtpServer(host="127.0.0.1", port=self.port)

    def answer_now(self, answers: Mapping[str, Answer | list[Answer]]) -> None:
        """From here on answer so, as if nothing else had been told."""
        self.answers = answers
        self._scripts = {key: list(value) if isinstance(value, list) else [value] for key, value in answers.items()}

    def hang_up(self) -> None:
        """Close every open connection, as a server that restarts."""
        with self._lock:
            while self._open:
                _close(self._open.pop())

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_stopped.set()
        _close(self._listener)
        self.hang_up()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.append(connection)
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, _HungUp):
            try:
                _Conversation(self, self._secured(connection) if self.is_tls_implicit else connection).run()
            finally:
                with self._lock:
                    if connection in self._open:
                        self._open.remove(connection)
                _close(connection)

    def _secured(self, connection: socket.socket) -> socket.socket:
        assert self.tls is not None
        secured = self.tls.wrap_socket(connection, server_side=True)
        with self._lock:
            self._open.append(secured)
        return secured

    def _answer(self, *keys: str) -> Answer:
        for key in keys:
            if key in self._scripts:
                script = self._scripts[key]
                return script.pop(0) if len(script) > 1 else script[0]
        if keys[-1] == "EHLO":
            lines = ["scripted", *self.extensions]
            return "\r\n".join(f"250{'-' if line is not lines[-1] else ' '}{line}" for line in lines)
        return _USUAL.get(keys[-1], "500 5.5.2 what?")


class _HungUp(Exception):
    """The conversation is over."""


class _Conversation:
    def __init__(self, server: ScriptedServer, connection: socket.socket) -> None:
        self._server = server
        self._connection = connection
        self._file = connection.makefile("rb")
        self._sender = ""
        self._recipients: list[str] = []

    def run(self) -> None:
        try:
            self._say("CONNECT")
            while line := self._file.readline():
                self._obey(line.rstrip(b"\r\n").decode(errors="backslashreplace"))
        finally:
            self._file.close()
            _close(self._connection)

    def _obey(self, line: str) -> None:
        verb = line[:4].upper() if not line.upper().startswith("STARTTLS") else "STARTTLS"
        self._server.commands.append(line)
        if self._is_out_of_turn(verb):
            self._do("503 5.5.1 not now")
        elif verb == "RCPT":
            address = line.partition("<")[2].partition(">")[0]
            if self._say(f"RCPT {address}", "RCPT").startswith("2"):
                self._recipients.append(address)
        else:
            self._change_state(verb, line, self._say(verb))

    def _is_out_of_turn(self, verb: str) -> bool:
        if verb == "DATA" and "DATA" not in self._server.answers:
            return not self._recipients
        return verb == "RCPT" and not self._sender

    def _change_state(self, verb: str, line: str, said: str) -> None:
        if verb in {"MAIL", "RSET"}:
            self._sender, self._recipients = "", []
        if verb == "MAIL" and said.startswith("2"):
            self._sender = line.partition("<")[2].partition(">")[0]
        elif verb == "DATA" and said.startswith("354"):
            self._take_mail()
        elif verb == "STARTTLS" and said.startswith("220"):
            self._file.close()
            self._connection = self._server._secured(self._connection)
            self._file = self._connection.makefile("rb")

    def _take_mail(self) -> None:
        if self._server.drop_after_body_bytes is not None:
            self._file.read(self._server.drop_after_body_bytes)
            raise _HungUp
        lines = []
        while (line := self._file.readline()) != b".\r\n":
            if not line:
                raise _HungUp
            lines.append(line[1:] if line.startswith(b".") else line)
        self._server.commands.append(".")
        answer = self._server._answer("DOT")
        # Noted first: the test looks as soon as it has the answer.
        if _text(answer).startswith("2") and self._recipients:
            self._server.mails.append(ReceivedMail(self._sender, tuple(self._recipients), b"".join(lines)))
        self._give(answer)

    def _say(self, *keys: str) -> str:
        answer = self._server._answer(*keys)
        self._give(answer)
        return _text(answer)

    def _give(self, answer: Answer) -> None:
        for part in answer if isinstance(answer, tuple) else (answer,):
            self._do(part)

    def _do(self, answer: Utterance) -> None:
        match answer:
            case Drop():
                raise _HungUp
            case Silence():
                while not self._server._is_stopped.is_set() and self._connection.recv(4096):
                    pass
                raise _HungUp
            case bytes():
                self._connection.sendall(answer)
            case Slowly(text, seconds_between):
                for character in f"{text}\r\n":
                    self._connection.sendall(character.encode())
                    if self._server._is_stopped.wait(seconds_between):
                        raise _HungUp
            case str():
                self._connection.sendall(f"{answer}\r\n".encode())
                if answer.startswith(("221", "421")):
                    raise _HungUp


def tls_contexts(directory: Path, *, name: str = "localhost") -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a fresh certificate for ``name`` and 127.0.0.1, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = directory / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    path.write_bytes(private + public)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cadata=public.decode())


def _text(answer: Answer) -> str:
    first = answer[0] if isinstance(answer, tuple) else answer
    if isinstance(first, bytes):
        return first.decode(errors="replace")
    return first if isinstance(first, str) else first.text if isinstance(first, Slowly) else ""


def _close(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
