"""Handing one mail to a mail server, and saying exactly what became of it.

The rules (contract send_v2, "Life of a message" and "Channels"; RFC 5321, 2920, 1870, 6531):

=====================================================================  =========
no server lets us in (connect, greeting, EHLO, STARTTLS, login)         LATER
421 or 454 at any point, 530 or 538 at MAIL (the server wants a login)  LATER
any other 4xx                                                           RETRY
any other 5xx; a mail over SIZE; SMTPUTF8 needed and not offered        FAILED
connection lost, silent or garbled before the final dot                 LATER
the same while the body was written, for the second time with one mail  RETRY
connection lost, silent or garbled after a byte of the final dot        UNCERTAIN
=====================================================================  =========

A kept connection that breaks before the server says a word was stale: one new connection is tried at once.
"""

import os
import re
import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import replace

from sending.addresses import wire_form
from sending.channels.base import Outcome, OutcomeKind, SmtpServer
from sending.smtp.connection import Connection, Lost, Patience
from sending.smtp.transaction import Mail, Stage, Transaction

_REMEMBERED = 1000
_BARE_BREAKS = re.compile(rb"\r\n|\r|\n")


class SmtpSession:
    """A kept session with the first of ``servers`` that lets us in.

    Not for two threads at once. A forked child never speaks on its parent's connection: it opens its own.
    """

    def __init__(
        self,
        *,
        servers: Sequence[SmtpServer],
        greeting_name: str,
        patience: Patience | None = None,
        mails_per_connection: int = 1000,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        """``greeting_name`` is our name in EHLO. ``tls_context`` defaults to one that checks certificate and name."""
        self._servers = tuple(servers)
        self._greeting_name = greeting_name
        self._patience = patience or Patience()
        self._limit = mails_per_connection
        self._tls_context = tls_context
        self._connection: Connection | None = None
        self._lost_in_body: set[str] = set()

    def send(self, *, mail_id: str, sender: str, recipients: Sequence[str], data: bytes) -> Outcome:
        """Hand ``data`` over for ``recipients``, the letter's own first; see the rules above.

        ``mail_id`` names the mail across tries. Raises nothing for what the outside does.
        """
        try:
            envelope: dict[str, str] = {}
            for address in recipients:
                envelope.setdefault(wire_form(address), address)
            mail = Mail(sender=wire_form(sender), recipients=envelope, data=_canonical(data))
        except ValueError as error:
            return Outcome(kind=OutcomeKind.FAILED, words=str(error))
        connection = self._kept()
        if connection is not None:
            transaction = Transaction(connection, mail, self._patience)
            outcome = transaction.run()
            if transaction.stage is not Stage.UNHEARD:
                return self._weighed(outcome, transaction, mail_id)
        try:
            connection = self._open()
        except ConnectionError as error:
            return Outcome(kind=OutcomeKind.LATER, words=str(error))
        transaction = Transaction(connection, mail, self._patience)
        return self._weighed(transaction.run(), transaction, mail_id)

    def close(self) -> None:
        """Leave the server politely. May be called again; the next ``send`` connects anew."""
        if self._connection is not None:
            self._connection.leave()
            self._connection = None

    def _weighed(self, outcome: Outcome, transaction: Transaction, mail_id: str) -> Outcome:
        """A mail that breaks the connection again and again must not hold up the lane: then it is the mail's fault."""
        if transaction.stage is not Stage.BODY or outcome.kind is not OutcomeKind.LATER:
            self._lost_in_body.discard(mail_id)
            return outcome
        if mail_id in self._lost_in_body:
            return replace(outcome, kind=OutcomeKind.RETRY)
        if len(self._lost_in_body) >= _REMEMBERED:
            self._lost_in_body.clear()
        self._lost_in_body.add(mail_id)
        return outcome

    def _kept(self) -> Connection | None:
        connection = self._connection
        if connection is None:
            return None
        try:
            is_usable = (
                connection.is_clean
                and connection.process == os.getpid()
                and connection.mails < self._limit
                and not connection.has_news()
            )
        except Lost:
            is_usable = connection.is_clean = False
        if not is_usable:
            self.close()
        return self._connection

    def _open(self) -> Connection:
        self.close()
        failures = []
        for server in self._servers:
            try:
                self._connection = Connection(
                    server, greeting_name=self._greeting_name, patience=self._patience, tls=self._tls
                )
                return self._connection
            except (OSError, ValueError) as error:
                failures.append(f"{server.host}:{server.port}: {_explanation(error)}")
        raise ConnectionError("; ".join(failures) or "no mail server is set")

    def _tls(self) -> ssl.SSLContext:
        # Reading the system's certificates takes longer than a thousand mails: once, and only where TLS is used.
        if self._tls_context is None:
            self._tls_context = ssl.create_default_context()
        return self._tls_context


def _canonical(data: bytes) -> bytes:
    """CRLF alone ends a line (anything else invites SMTP smuggling), the last line too; leading dots doubled."""
    breaks = data.count(b"\r\n")
    if data.count(b"\n") != breaks or data.count(b"\r") != breaks:
        data = _BARE_BREAKS.sub(b"\r\n", data)
    if not data.endswith(b"\r\n"):
        data += b"\r\n"
    if b"\n." in data or data.startswith(b"."):
        data = data.replace(b"\n.", b"\n..")
        data = b"." + data if data.startswith(b".") else data
    return data


def _explanation(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        words = error.smtp_error
        return f"{error.smtp_code} {words.decode(errors='replace') if isinstance(words, bytes) else words}"
    if isinstance(error, OSError):
        return str(error) or type(error).__name__
    # A ValueError's own text could quote the password it could not encode.
    return "the host's name or the login holds what SMTP cannot carry"
