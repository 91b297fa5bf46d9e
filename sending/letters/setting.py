"""What a printed letter says and where: its words as data for the layout, then its pages."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import formats, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, pgettext

from sending.channels.base import Enclosure, NotReady, Parcel
from sending.letters.addressing import address_lines
from sending.letters.bodies import blocks_of_text, printable
from sending.letters.html_bodies import blocks_of_html
from sending.letters.press import PressError, press

# What is printed above the address, for who hands the letter to the post.
MARKS = {
    "PRIORITY": gettext_noop("PRIORITY"),
    "REGISTERED": gettext_noop("REGISTERED"),
    "REGISTERED_RETURN_RECEIPT": gettext_noop("REGISTERED, RETURN RECEIPT"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLetter:
    """A letter as it is printed: its document, the pages and the sheets of paper that they take."""

    pdf: bytes
    pages: int

    @property
    def sheets(self) -> int:
        return math.ceil(self.pages / 2) if settings.HAMMY_PRINT_DUPLEX else self.pages


def set_letter(parcel: Parcel, *, day: date) -> SetLetter:
    """The letter dated ``day``, in its template's own layout where it has one, its enclosures behind it; the same
    parcel and day give the same bytes. Raises NotReady."""
    timestamp = int(datetime.combine(day, time(), UTC).timestamp())
    data = json.dumps(letter_data(parcel, day=day), ensure_ascii=False).encode("utf-8", "replace").decode()
    try:
        pdf, pages = press.work("set", source=parcel.letter_source or _built_in(), data=data, timestamp=timestamp)
    except PressError as error:
        raise NotReady(f"letter layout: {error.words}", is_lasting=error.is_lasting) from error
    if parcel.enclosures:
        pdf, pages = _with_enclosures(pdf, parcel.enclosures)
    if pages > settings.HAMMY_LETTER_PAGES:
        most = settings.HAMMY_LETTER_PAGES
        raise NotReady(f"the letter has {pages} pages, and at most {most} are printed", is_lasting=True)
    return SetLetter(pdf=pdf, pages=pages)


def _with_enclosures(letter: bytes, enclosures: Sequence[Enclosure]) -> tuple[bytes, int]:
    documents = [letter, *(enclosure.read() for enclosure in enclosures)]
    try:
        return press.work("join", documents, is_duplex=settings.HAMMY_PRINT_DUPLEX)
    except PressError as error:
        name = enclosures[error.document - 1].file_name if error.document else "the enclosures"
        raise NotReady(f"{name} cannot be printed: {error.words}", is_lasting=error.is_lasting) from error


def letter_preview(parcel: Parcel, *, day: date) -> bytes:
    """The PDF document of a letter, to be looked at; raises NotReady."""
    return set_letter(parcel, day=day).pdf


def page_image(pdf: bytes, page: int = 0, *, dpi: int = 110) -> bytes:
    """One page of a PDF document, counted from 0, as a PNG picture; ValueError when there is no such page."""
    try:
        return press.work("picture", [pdf], page=page, dpi=dpi)[0]
    except PressError as error:
        raise ValueError(error.words) from error


def page_count(pdf: bytes) -> int:
    """How many pages a PDF document has; ValueError when it is none that can be shown."""
    try:
        return press.work("picture", [pdf], page=0, dpi=1)[1]
    except PressError as error:
        raise ValueError(error.words) from error


def letter_data(parcel: Parcel, *, day: date) -> Mapping[str, Any]:
    """What a layout can reach: the letter's data by the names that its template knows, and ``letter``, what the
    built-in layout shows."""
    with translation.override(settings.LANGUAGE_CODE):
        return {**parcel.letter_data, "letter": _letter(parcel, day)}


def _letter(parcel: Parcel, day: date) -> dict[str, Any]:
    blocks = blocks_of_text(parcel.text) if parcel.text else blocks_of_html(parcel.html)
    sender_lines = [printable(line) for line in settings.HAMMY_LETTER_SENDER]
    sender_name = printable(parcel.sender.name) or next(iter(sender_lines), "")
    facts = [
        (pgettext("a printed letter", "Date"), formats.date_format(day, "DATE_FORMAT")),
        (_("Our reference"), str(parcel.message_id) if parcel.message_id else ""),
        (_("Your partner number"), printable(parcel.partner_ref)),
    ]
    enclosures = [
        *([_("reply envelope")] if parcel.has_reply_envelope else []),
        *([_("payment slip")] if parcel.has_payment_slip else []),
        *(printable(enclosure.file_name) for enclosure in parcel.enclosures),
    ]
    return {
        "language": settings.LANGUAGE_CODE,
        "font": settings.HAMMY_LETTER_FONT,
        "date": formats.date_format(day, "DATE_FORMAT"),
        "isoDate": day.isoformat(),
        "senderName": sender_name,
        "senderLines": [line for line in sender_lines if line != sender_name],
        "returnLine": " · ".join(dict.fromkeys([sender_name, *sender_lines[:2]])),
        "recipientLines": [
            printable(line) for line in (parcel.recipient.name, *address_lines(parcel.postal_address)) if line
        ],
        "facts": [(name, value) for name, value in facts if value],
        "letterType": parcel.letter_type,
        "mark": _(MARKS[parcel.letter_type]) if parcel.letter_type in MARKS else "",
        "subject": printable(parcel.subject),
        "text": parcel.text,
        "blocks": blocks,
        "hasReplyEnvelope": parcel.has_reply_envelope,
        "hasPaymentSlip": parcel.has_payment_slip,
        "enclosuresTitle": _("Enclosures:"),
        "enclosures": enclosures,
    }


@cache
def _built_in() -> str:
    return (Path(settings.BASE_DIR) / "templates" / "letters" / "letter.typ").read_text()
