"""Mailboxes that bounces come into: a file (mbox), a folder (maildir), or a server (IMAP). Each gives what nobody has
read yet, a bounded piece of each mail, and is told of each what became of it."""

import imaplib
import mailbox
import re
import ssl
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_SEEN = re.compile(rb"^Status:[^\n]*R", re.MULTILINE | re.IGNORECASE)
_TIMEOUT_SECONDS = 60.0
# A mail is marked as read by writing it anew: larger ones are looked at again the next time.
_MOST_REWRITTEN = 32 * 1024 * 1024


class MailboxError(Exception):
    """A mailbox that cannot be read, in words for people."""


class Mailbox(ABC):
    """To be used in a ``with`` block: what was said of its mails is done for good when that ends without an error."""

    @abstractmethod
    def __enter__(self) -> Self:
        """Raises MailboxError."""

    @abstractmethod
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Let go of it."""

    @abstractmethod
    def unread(self, size: int) -> Iterator[tuple[Any, bytes]]:
        """A key and the first ``size`` bytes of each mail that nobody has read yet."""

    @abstractmethod
    def remove(self, key: Any) -> None:
        """It was taken in."""

    @abstractmethod
    def mark_read(self, key: Any) -> None:
        """It stays, for people, and is not looked at again."""


class MboxFile(Mailbox):
    """One file, locked as mail programs lock it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sizes: dict[Any, int] = {}

    def __enter__(self) -> Self:
        if not self._path.is_file():
            raise MailboxError(f"{self._path} is no mailbox file")
        try:
            self._box = mailbox.mbox(self._path, create=False)
            self._box.lock()
        except (OSError, mailbox.Error) as error:
            raise MailboxError(f"{self._path}: {error}") from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # Also after an error: what was taken in before it is taken in.
        try:
            self._box.flush()
        finally:
            self._box.close()

    def unread(self, size: int) -> Iterator[tuple[Any, bytes]]:
        for key in list(self._box.iterkeys()):
            with self._box.get_file(key) as file:
                data = file.read(size)
                file.seek(0, 2)
                self._sizes[key] = file.tell()
            if not _SEEN.search(data.partition(b"\n\n")[0]):
                yield key, data

    def remove(self, key: Any) -> None:
        self._box.remove(key)

    def mark_read(self, key: Any) -> None:
        if self._sizes[key] <= _MOST_REWRITTEN:
            mail = self._box.get_message(key)
            mail.add_flag("R")
            self._box[key] = mail


class MaildirFolder(Mailbox):
    """A folder with ``new`` and ``cur``; what is not marked as seen is unread."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        if not all((self._path / name).is_dir() for name in ("new", "cur", "tmp")):
            raise MailboxError(f"{self._path} is no maildir: new, cur or tmp is missing")
        self._box = mailbox.Maildir(self._path, create=False)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._box.close()

    def unread(self, size: int) -> Iterator[tuple[Any, bytes]]:
        for folder in ("new", "cur"):
            for path in sorted((self._path / folder).iterdir()):
                name, _, info = path.name.partition(":")
                if "S" in info.partition(",")[2] or name.startswith(".") or not path.is_file():
                    continue
                # Whoever else reads it may have moved it meanwhile.
                with suppress(FileNotFoundError), path.open("rb") as file:
                    yield path, file.read(size)

    def remove(self, key: Path) -> None:
        key.unlink(missing_ok=True)

    def mark_read(self, key: Path) -> None:
        name, _, info = key.name.partition(":")
        flags = "".join(sorted({*info.partition(",")[2], "S"}))
        with suppress(FileNotFoundError):
            key.rename(self._path / "cur" / f"{name}:2,{flags}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapServer:
    """Where a mailbox is; ``security`` is "", "starttls" or "tls"."""

    host: str
    port: int
    folder: str = "INBOX"
    security: str = "tls"
    user: str = ""
    password: str = field(default="", repr=False)


class ImapMailbox(Mailbox):
    """One folder of a server; what has no flag \\\\Seen is unread."""

    def __init__(self, server: ImapServer) -> None:
        self._server = server

    def __enter__(self) -> Self:
        try:
            self._session = self._connect()
            self._session.login(self._server.user, self._server.password)
            quoted = '"' + self._server.folder.replace("\\", "\\\\").replace('"', '\\"') + '"'
            kind, words = self._session.select(quoted)
        except (OSError, imaplib.IMAP4.error) as error:
            raise MailboxError(f"{self._server.host}: {_said(error)}") from error
        if kind != "OK":
            raise MailboxError(f"{self._server.host}: {self._server.folder}: {_words(words)}")
        return self

    def _connect(self) -> imaplib.IMAP4:
        server, context = self._server, ssl.create_default_context()
        if server.security == "tls":
            return imaplib.IMAP4_SSL(server.host, server.port, ssl_context=context, timeout=_TIMEOUT_SECONDS)
        session = imaplib.IMAP4(server.host, server.port, timeout=_TIMEOUT_SECONDS)
        if server.security == "starttls":
            session.starttls(context)
        return session

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # Also after an error: what was taken in before it is taken in.
        with suppress(OSError, imaplib.IMAP4.error):
            self._session.close()
        with suppress(OSError, imaplib.IMAP4.error):
            self._session.logout()

    def unread(self, size: int) -> Iterator[tuple[Any, bytes]]:
        (found,) = self._ask("SEARCH", "UNSEEN", "UNDELETED")
        for uid in (found or b"").split():
            answer = self._ask("FETCH", uid.decode(), f"(BODY.PEEK[]<0.{size}>)")
            for item in answer:
                if isinstance(item, tuple):
                    yield uid.decode(), item[1]

    def remove(self, key: str) -> None:
        # Gone when the folder is closed.
        self._ask("STORE", key, "+FLAGS.SILENT", "(\\Deleted)")

    def mark_read(self, key: str) -> None:
        self._ask("STORE", key, "+FLAGS.SILENT", "(\\Seen)")

    def _ask(self, command: str, *words: str) -> list[Any]:
        try:
            kind, answer = self._session.uid(command, *words)
        except (OSError, imaplib.IMAP4.error) as error:
            raise MailboxError(f"{self._server.host}: {_said(error)}") from error
        if kind != "OK":
            raise MailboxError(f"{self._server.host}: {command}: {_words(answer)}")
        return answer


def _said(error: Exception) -> str:
    """imaplib hands on what the server said as it came."""
    said = error.args[0] if error.args else ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(error)


def _words(answer: Any) -> str:
    return b" ".join(part for part in answer if isinstance(part, bytes)).decode("utf-8", "replace")
