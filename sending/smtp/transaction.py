"""One SMTP transaction, MAIL to the answer after the final dot, on an open connection."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from sending.channels.base import Outcome, OutcomeKind
from sending.smtp.connection import Connection, Garbage, Lost, Patience, Reply

_LANE_CODES = frozenset({421, 454})
_LOGIN_CODES = frozenset({530, 538})
_FATES = {OutcomeKind.SENT: "sent", OutcomeKind.UNCERTAIN: "uncertain"}
# RFC 2920 3.1: never more unread commands than the connection's window surely holds.
_GROUP = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """``recipients`` maps addresses as on the wire to those the caller knows, the letter's own first."""

    sender: str
    recipients: Mapping[str, str]
    data: bytes


class Stage(Enum):
    """How far a transaction came."""

    UNHEARD = "the server has said nothing yet"
    ENVELOPE = "MAIL, RCPT, DATA"
    BODY = "the body is being written"
    DOT = "a byte of the final dot may be out"


class Transaction:
    """Runs once; afterwards ``stage`` tells how far it came.

    Of several recipients the first is the letter's own: when it is refused the mail goes to nobody, which is why
    DATA then waits for the answers to RCPT. When only others are refused the mail goes, and
    ``Outcome.recipients`` says who did not get it.
    """

    def __init__(self, connection: Connection, mail: Mail, patience: Patience) -> None:
        self._connection = connection
        self._mail = mail
        self._patience = patience
        self._refusals: dict[str, str] = {}
        self._needs_utf8 = not (
            mail.data.isascii() and mail.sender.isascii() and all(map(str.isascii, mail.recipients))
        )
        self.stage = Stage.UNHEARD

    def run(self) -> Outcome:
        """The outcome by the rules of ``sending.smtp.session``; whatever breaks, the connection is reset or closed."""
        if words := self._obstacle():
            self.stage = Stage.ENVELOPE
            return self._outcome(OutcomeKind.FAILED, words)
        # Whatever interrupts us, a signal's exception too, leaves a connection that is not used again.
        self._connection.is_clean = False
        try:
            return self._announce() or self._deliver()
        except (Lost, Garbage) as error:
            self._connection.close()
            if self.stage is Stage.DOT or (isinstance(error, Lost) and error.is_dot_written):
                self.stage = Stage.DOT
                return self._outcome(OutcomeKind.UNCERTAIN, f"after the final dot: {error}")
            if isinstance(error, Garbage) and self.stage is Stage.UNHEARD:
                self.stage = Stage.ENVELOPE
            return self._outcome(OutcomeKind.LATER, f"before the final dot: {error}")

    def _obstacle(self) -> str:
        limit = self._connection.size_limit
        if limit and len(self._mail.data) > limit:
            return f"the mail has {len(self._mail.data)} bytes, the server takes {limit}"
        if self._needs_utf8 and not self._connection.has_extn("smtputf8"):
            return "the server does not take addresses with other than ASCII letters before the @ (no SMTPUTF8)"
        return ""

    def _announce(self) -> Outcome | None:
        """MAIL, RCPT, DATA: None once the server waits for the body."""
        replies = self._exchange()
        self._note_recipients(replies)
        decider = self._decider(replies)
        if decider is None:
            return None
        if decider.is_refusal and len(replies) == len(self._mail.recipients) + 2 and replies[-1].code == 354:
            # Nobody was accepted and yet the server waits for a body (RFC 2920 3.1): an empty one, for nobody.
            self._finish_empty()
        return self._refused(decider, is_mail_command=decider is replies[0])

    def _exchange(self) -> list[Reply]:
        """The replies so far as they matter: reading and writing stop at what decides."""
        replies: list[Reply] = []
        for group in self._groups():
            self._connection.write(b"".join(group))
            for _ in group:
                try:
                    replies.append(self._connection.reply())
                except (Lost, Garbage):
                    if self._decider(replies) is None:
                        raise
                    self._connection.close()
                    return replies
                self.stage = Stage.ENVELOPE
                if replies[-1].code == 421:
                    return replies
            if self._decider(replies) is not None:
                return replies
        return replies

    def _groups(self) -> Iterator[list[bytes]]:
        connection, mail = self._connection, self._mail
        parameters = f" SIZE={len(mail.data)}" if connection.has_extn("size") else ""
        if self._needs_utf8:
            parameters += " SMTPUTF8"
        commands = [
            f"MAIL FROM:<{mail.sender}>{parameters}\r\n".encode(),
            *(f"RCPT TO:<{recipient}>\r\n".encode() for recipient in mail.recipients),
        ]
        if not connection.has_extn("pipelining"):
            yield from ([command] for command in [*commands, b"DATA\r\n"])
        elif len(commands) == 2:
            yield [*commands, b"DATA\r\n"]
        else:
            yield from (commands[at : at + _GROUP] for at in range(0, len(commands), _GROUP))
            yield [b"DATA\r\n"]

    def _decider(self, replies: list[Reply]) -> Reply | None:
        """The reply that ends the transaction before its body, if one does."""
        data_at = len(self._mail.recipients) + 1
        for at, reply in enumerate(replies):
            if at == data_at:
                return None if reply.code == 354 else reply
            if reply.code in _LANE_CODES or (at < 2 and not reply.is_positive):
                return reply
        return None

    def _note_recipients(self, replies: list[Reply]) -> None:
        for address, reply in zip(self._mail.recipients.values(), replies[1:], strict=False):
            if replies[0].is_positive:
                self._refusals[address] = "" if reply.is_positive else f"refused: {reply.words}"

    def _finish_empty(self) -> None:
        try:
            self._connection.write(b".\r\n")
            self._connection.reply()
        except (Lost, Garbage):
            self._connection.close()

    def _deliver(self) -> Outcome:
        self.stage = Stage.BODY
        if not self._connection.write_mail(self._mail.data):
            reply = self._connection.reply()
            # Still inside the body: only closing ends it without delivering.
            self._connection.close()
            return self._refused(reply)
        self.stage = Stage.DOT
        reply = self._connection.reply(seconds=self._patience.final_dot)
        if not reply.is_positive:
            return self._refused(reply)
        self._connection.mails += 1
        self._connection.is_clean = True
        return self._outcome(OutcomeKind.SENT, reply.words)

    def _refused(self, reply: Reply, *, is_mail_command: bool = False) -> Outcome:
        if not reply.is_refusal:
            raise Garbage(f"unexpected answer: {reply.words}")
        self._reset(reply)
        if reply.code in _LANE_CODES or (is_mail_command and reply.code in _LOGIN_CODES):
            kind = OutcomeKind.LATER
        else:
            kind = OutcomeKind.RETRY if reply.code < 500 else OutcomeKind.FAILED
        return self._outcome(kind, reply.words)

    def _reset(self, reply: Reply) -> None:
        try:
            if reply.code != 421:
                self._connection.write(b"RSET\r\n")
                self._connection.is_clean = self._connection.reply().is_positive
        except (Lost, Garbage):
            self._connection.is_clean = False
        if not self._connection.is_clean:
            self._connection.close()

    def _outcome(self, kind: OutcomeKind, words: str) -> Outcome:
        fate = _FATES.get(kind, "not sent")
        recipients = {address: refusal or fate for address, refusal in self._refusals.items()}
        return Outcome(kind=kind, words=words, recipients=recipients)
