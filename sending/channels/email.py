"""EMAIL: a mail over SMTP (contract send_v2, "Channels" and "sendMail: fields")."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Lock
from typing import ClassVar

from django.conf import settings

from gateway.errors import Code, Problem
from sending.addresses import wire_form
from sending.channels.base import Channel, Outcome, OutcomeKind, Parcel
from sending.letter import Letter
from sending.mime import build_mail
from sending.smtp import Patience, SmtpSession

# Whatever could end a header line, or is a character no header can carry.
_UNFIT_FOR_HEADERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# Four characters for three bytes, and a line end after each 76 of them.
_BASE64_GROWTH = 4 / 3 * 78 / 76


class EmailChannel(Channel):
    """Mails by SMTP over one kept session."""

    name: ClassVar[str] = "EMAIL"
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
        has_content = bool(letter.message_type)
        if not has_content and not letter.mail_subject:
            yield Problem(code=Code.REQUIRED, sentence="required without messageType", field=("mail_subject",))
        yield from _header_problems(letter.mail_subject, "mail_subject")
        if not has_content and not letter.mail_body and not letter.mail_html_body:
            sentence = "required without messageType, unless mailHtmlBody is given"
            yield Problem(code=Code.REQUIRED, sentence=sentence, field=("mail_body",))
        if not letter.recipient_email_address:
            yield Problem(code=Code.REQUIRED, sentence="required", field=("recipient_email_address",))
        yield from _address_problems(letter.recipient_email_address, "recipient_email_address")
        yield from _header_problems(letter.recipient_name, "recipient_name")
        for address in letter.recipient_email_address_cc:
            yield from _address_problems(address, "recipient_email_address_cc")
        yield from _header_problems(letter.recipient_name_cc, "recipient_name_cc")
        yield from _address_problems(letter.reply_to_address, "reply_to_address")
        yield from _header_problems(letter.reply_to_name, "reply_to_name")
        yield from _address_problems(letter.from_address, "from_address")
        yield from _header_problems(letter.from_name, "from_name")
        for address in letter.bcc_address:
            yield from _address_problems(address, "bcc_address")
        for index, attachment in enumerate(letter.attachments):
            yield from _header_problems(attachment.file_name, "attachments", index, "file_name")
            yield from _header_problems(attachment.internal_file_name, "attachments", index, "internal_file_name")
        size = sum(attachment.size for attachment in letter.attachments)
        if size * _BASE64_GROWTH > settings.HAMMY_MAX_MAIL_BYTES:
            most = int(settings.HAMMY_MAX_MAIL_BYTES / _BASE64_GROWTH)
            sentence = f"together {size} bytes, must be at most {most}"
            yield Problem(code=Code.INVALID, sentence=sentence, field=("attachments",), status=413)

    def hand_over(self, parcel: Parcel) -> Outcome:
        """One mail to the recipient, the copies and the blind copies, dated now; rules in ``sending.smtp.session``."""
        others = (address.address for address in (*parcel.cc, *parcel.bcc))
        try:
            data = self.raw(parcel, date=datetime.now(UTC))
        except ValueError as error:
            return Outcome(kind=OutcomeKind.FAILED, words=str(error))
        with self._lock:
            return self._session.send(
                mail_id=str(parcel.uuid),
                sender=settings.HAMMY_BOUNCE_ADDRESS or parcel.sender.address,
                recipients=(parcel.recipient.address, *others),
                data=data,
            )

    def raw(self, parcel: Parcel, *, date: datetime) -> bytes:
        """The mail itself; raises ValueError for an address that is none."""
        return build_mail(parcel, domain=self._domain, date=date)

    def close(self) -> None:
        """Leave the mail server; the next hand-over connects anew."""
        with self._lock:
            self._session.close()


def _header_problems(text: str, *field: str | int) -> Iterator[Problem]:
    if found := _UNFIT_FOR_HEADERS.search(text):
        sentence = f"must not contain control characters (U+{ord(found[0]):04X} at position {found.start() + 1})"
        yield Problem(code=Code.INVALID, sentence=sentence, field=field)


def _address_problems(address: str, field: str) -> Iterator[Problem]:
    if not address:
        return
    try:
        wire_form(address)
    except ValueError as error:
        shown = "".join(character if character.isprintable() else "?" for character in address)[:100]
        yield Problem(code=Code.INVALID, sentence=f"{error}: {shown}", field=(field,))
