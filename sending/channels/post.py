"""POST: a printed letter, for the print house to take from the spool (contract send_v2, "Channels": POST)."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from hashlib import sha256
from typing import ClassVar

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.utils import timezone

from gateway.errors import Code, Problem
from sending.channels.base import Channel, NotReady, Outcome, OutcomeKind, Parcel
from sending.letter import Addressee, Letter
from sending.letters import SetLetter, set_letter
from sending.letters.addressing import LONGEST_LINE, MOST_LINES, address_lines
from sending.signing import sign_pdf

PDF = "application/pdf"
_UNFIT_FOR_PAPER = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_UNFIT_FOR_A_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# A PDF document says so near its beginning (ISO 32000-1, 7.5.2 and annex H).
_MAGIC, _MAGIC_WITHIN = b"%PDF-", 1024


class PostChannel(Channel):
    """Printed letters, set as PDF documents and laid into the spool, batch by batch."""

    name: ClassVar[str] = "POST"
    # The spool is ours: a letter that was laid there by a worker that died is laid there again, under the same name.
    is_repeatable: ClassVar[bool] = True
    is_gathering: ClassVar[bool] = True
    raw_type: ClassVar[str] = PDF
    signs_letter: ClassVar[bool] = True
    goes_by_post: ClassVar[bool] = True

    def check(self, letter: Letter) -> Iterator[Problem]:
        """An address that a window can show, a letter type, something to print, and nothing that cannot be printed."""
        pdfs = [attachment for attachment in letter.attachments if attachment.media_type == PDF]
        says_something = bool(letter.message_type or letter.mail_body or letter.mail_html_body or pdfs)
        yield from _character_problems(letter.mail_subject, _UNFIT_FOR_A_LINE, "mail_subject")
        if not says_something:
            sentence = "required without messageType, unless mailHtmlBody or a PDF attachment is given"
            yield Problem(code=Code.REQUIRED, sentence=sentence, field=("mail_body",))
        yield from self.recipient_problems(letter)
        yield from _character_problems(letter.from_name, _UNFIT_FOR_A_LINE, "from_name")
        kinds = ", ".join(settings.HAMMY_LETTER_TYPES)
        if not letter.letter_type:
            yield Problem(code=Code.REQUIRED, sentence=f"required: one of {kinds}", field=("letter_type",))
        elif letter.letter_type not in settings.HAMMY_LETTER_TYPES:
            yield Problem(code=Code.INVALID, sentence=f"must be one of {kinds}", field=("letter_type",))
        for index, attachment in enumerate(letter.attachments):
            field = ("attachments", index, "file_name")
            yield from _character_problems(attachment.file_name, _UNFIT_FOR_A_LINE, *field)
            if attachment.media_type != PDF:
                sentence = f"only PDF documents can be printed, and this is {attachment.media_type}"
                yield Problem(code=Code.INVALID, sentence=sentence, field=field)
            elif attachment.content and _MAGIC not in attachment.content[:_MAGIC_WITHIN]:
                sentence = "only PDF documents can be printed, and this is none"
                yield Problem(code=Code.INVALID, sentence=sentence, field=("attachments", index, "content"))
        size = sum(attachment.size for attachment in letter.attachments)
        if size > settings.HAMMY_MAX_LETTER_BYTES:
            sentence = f"together {size} bytes, must be at most {settings.HAMMY_MAX_LETTER_BYTES}"
            yield Problem(code=Code.INVALID, sentence=sentence, field=("attachments",), status=413)

    def recipient_problems(self, to: Letter | Addressee) -> Iterator[Problem]:
        """An address that a window can show, a name that can be printed."""
        yield from _address_problems(to.recipient_postal_address)
        yield from _character_problems(to.recipient_name, _UNFIT_FOR_A_LINE, "recipient_name")

    def hand_over(self, parcel: Parcel) -> Outcome:
        """One PDF document in the folder of its batch. Done again for the same batch it is the same file."""
        try:
            letter = _printed(parcel, _day_of(parcel.batch))
        except NotReady as error:
            return error.outcome
        digest = sha256(letter.pdf).hexdigest()
        # Named by what is in it: whatever a worker that was taken for dead still writes, it spoils no other file.
        name = f"{parcel.batch}/{parcel.message_id}-{digest[:16]}.pdf"
        try:
            _lay(name, letter.pdf)
        except OSError as error:
            return Outcome(
                kind=OutcomeKind.LATER, words=f"spool not writable: {error.strerror or type(error).__name__}"
            )
        return Outcome(
            kind=OutcomeKind.SENT,
            words=f"in the spool: {name}",
            facts={
                "file": name,
                "pages": letter.pages,
                "sheets": letter.sheets,
                "size": len(letter.pdf),
                "digest": digest,
            },
        )

    def raw(self, parcel: Parcel, *, date: datetime) -> bytes:
        """The PDF document of the letter; raises NotReady when it cannot be set or signed."""
        day = _day_of(parcel.batch) if parcel.batch else timezone.localtime(date).date()
        return _printed(parcel, day).pdf


def _printed(parcel: Parcel, day: date) -> SetLetter:
    """The letter as it goes to the print house; a certified one is signed as a whole, after all is put together."""
    letter = set_letter(parcel, day=day)
    return replace(letter, pdf=sign_pdf(letter.pdf)) if parcel.is_certified else letter


def _day_of(batch: str) -> date:
    """A letter bears the date of its batch: the same at each try. Batches are called 2026-11-29/000017."""
    day, _, number = batch.partition("/")
    try:
        if number:
            return date.fromisoformat(day)
    except ValueError:
        number = ""
    raise NotReady("the letter was given to no batch", is_lasting=False)


def _lay(name: str, pdf: bytes) -> None:
    spool = storages["spool"]
    if spool.exists(name):
        if spool.size(name) == len(pdf):
            return
        # A storage that is not atomic may hold half of what a dead worker wrote.
        spool.delete(name)
    if (written := spool.save(name, ContentFile(pdf))) != name:
        spool.delete(written)
        raise OSError(f"the spool called {name} {written}")


def _address_problems(address: str) -> Iterator[Problem]:
    field = ("recipient_postal_address",)
    if not address.strip():
        yield Problem(code=Code.REQUIRED, sentence="required", field=field)
        return
    yield from _character_problems(address, _UNFIT_FOR_PAPER, *field)
    lines = address_lines(address)
    if len(lines) > MOST_LINES:
        sentence = f"must be at most {MOST_LINES} lines, and is {len(lines)}"
        yield Problem(code=Code.INVALID, sentence=sentence, field=field)
    elif longest := max((line for line in lines if len(line) > LONGEST_LINE), key=len, default=""):
        sentence = f"a line must be at most {LONGEST_LINE} characters long, and one has {len(longest)}"
        yield Problem(code=Code.INVALID, sentence=sentence, field=field)


def _character_problems(text: str, unfit: re.Pattern[str], *field: str | int) -> Iterator[Problem]:
    if found := unfit.search(text):
        sentence = f"must not contain control characters (U+{ord(found[0]):04X} at position {found.start() + 1})"
        yield Problem(code=Code.INVALID, sentence=sentence, field=field)
