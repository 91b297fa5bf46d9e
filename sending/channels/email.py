"""EMAIL: a mail over SMTP (contract send_v2, "Channels" and "sendMail: fields")."""

from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Lock
from typing import ClassVar

from django.conf import settings

from gateway.errors import Code, Problem
from sending.channels.base import Channel, NotReady, Outcome, OutcomeKind, Parcel
from sending.channels.demands import address_problems, file_name_problems, line_problems, words_problems
from sending.letter import Addressee, Letter
from sending.mime import build_mail
from sending.smtp import Patience, SmtpSession

# Four characters for three bytes, and a line end after each 76 of them.
_BASE64_GROWTH = 4 / 3 * 78 / 76


class EmailChannel(Channel):
    """Mails by SMTP over one kept session."""

    name: ClassVar[str] = "EMAIL"
    signs_letter: ClassVar[bool] = True
    signs_all: ClassVar[bool] = True
    minds_suppressions: ClassVar[bool] = True

    def __init__(self, *, session: SmtpSession | None = None, domain: str = "") -> None:
        """Without ``session`` the one of the site's settings; ``domain`` ends our Message-IDs."""
        self._domain = domain or settings.HAMMY_MESSAGE_ID_DOMAIN
        self._session = session or SmtpSession(
            servers=settings.HAMMY_SMTP_SERVERS,
            greeting_name=self._domain,
            patience=Patience(
                connect=settings.HAMMY_SMTP_CONNECT_TIMEOUT,
                command=settings.HAMMY_SMTP_COMMAND_TIMEOUT,
                final_dot=settings.HAMMY_SMTP_FINAL_DOT_TIMEOUT,
            ),
            mails_per_connection=settings.HAMMY_SMTP_MESSAGES_PER_CONNECTION,
        )
        self._lock = Lock()

    def check(self, letter: Letter) -> Iterator[Problem]:
        """A recipient, valid addresses, nothing that could break out of a header, something to say, not too much."""
        yield from words_problems(letter)
        yield from self.recipient_problems(letter)
        for address in letter.recipient_email_address_cc:
            yield from address_problems(address, "recipient_email_address_cc")
        yield from line_problems(letter.recipient_name_cc, "recipient_name_cc")
        yield from address_problems(letter.reply_to_address, "reply_to_address")
        yield from line_problems(letter.reply_to_name, "reply_to_name")
        yield from address_problems(letter.from_address, "from_address")
        yield from line_problems(letter.from_name, "from_name")
        for address in letter.bcc_address:
            yield from address_problems(address, "bcc_address")
        yield from file_name_problems(letter)
        size = sum(attachment.size for attachment in letter.attachments)
        if size * _BASE64_GROWTH > settings.HAMMY_MAX_MAIL_BYTES:
            most = int(settings.HAMMY_MAX_MAIL_BYTES / _BASE64_GROWTH)
            sentence = f"together {size} bytes, must be at most {most}"
            yield Problem(code=Code.INVALID, sentence=sentence, field=("attachments",), status=413)

    def recipient_problems(self, to: Letter | Addressee) -> Iterator[Problem]:
        """A valid address, a name of one line."""
        if not to.recipient_email_address:
            yield Problem(code=Code.REQUIRED, sentence="required", field=("recipient_email_address",))
        yield from address_problems(to.recipient_email_address, "recipient_email_address")
        yield from line_problems(to.recipient_name, "recipient_name")

    def hand_over(self, parcel: Parcel) -> Outcome:
        """One mail to the recipient, the copies and the blind copies, dated now; rules in ``sending.smtp.session``."""
        others = (address.address for address in (*parcel.cc, *parcel.bcc))
        try:
            data = self.raw(parcel, date=datetime.now(UTC))
        except ValueError as error:
            return Outcome(kind=OutcomeKind.FAILED, words=str(error))
        except NotReady as error:
            return error.outcome
        with self._lock:
            return self._session.send(
                mail_id=str(parcel.uuid),
                sender=settings.HAMMY_BOUNCE_ADDRESS or parcel.sender.address,
                recipients=(parcel.recipient.address, *others),
                data=data,
            )

    def raw(self, parcel: Parcel, *, date: datetime) -> bytes:
        """The mail itself; raises ValueError for an address that is none, NotReady when it cannot be signed."""
        return build_mail(parcel, domain=self._domain, date=date)

    def close(self) -> None:
        """Leave the mail server; the next hand-over connects anew."""
        with self._lock:
            self._session.close()
