"""Putting a letter and the PDF documents that go with it into one."""

import math
from collections.abc import Sequence
from io import BytesIO

import pikepdf
from django.conf import settings

from sending.channels.base import Enclosure, NotReady


def page_count(pdf: bytes) -> int:
    """How many pages a document of ours has."""
    with pikepdf.open(BytesIO(pdf)) as document:
        return len(document.pages)


def sheet_count(pages: int) -> int:
    """How many sheets of paper they take."""
    return math.ceil(pages / 2) if settings.HAMMY_PRINT_DUPLEX else pages


def put_together(letter: bytes, enclosures: Sequence[Enclosure]) -> tuple[bytes, int]:
    """The letter with its enclosures behind it, and its pages; each begins on a fresh sheet. Raises NotReady naming the
    enclosure that cannot be printed."""
    with pikepdf.open(BytesIO(letter)) as whole:
        if not enclosures:
            return letter, _counted(whole)
        for enclosure in enclosures:
            try:
                with pikepdf.open(BytesIO(enclosure.content)) as document:
                    _append(whole, document)
            except pikepdf.PasswordError as error:
                raise _unprintable(enclosure, "it is protected by a password") from error
            except (pikepdf.PdfError, ValueError, RuntimeError) as error:
                raise _unprintable(enclosure, "it is no PDF document, or a broken one") from error
        pages = _counted(whole)
        file = BytesIO()
        # The same letter gives the same bytes: its digest is in its name.
        whole.save(file, deterministic_id=True)
    return file.getvalue(), pages


def _append(whole: pikepdf.Pdf, document: pikepdf.Pdf) -> None:
    if not document.pages:
        raise ValueError("no pages")
    if settings.HAMMY_PRINT_DUPLEX and len(whole.pages) % 2:
        whole.add_blank_page(page_size=_size(whole.pages[-1]))
    whole.pages.extend(document.pages)
    _counted(whole)


def _size(page: pikepdf.Page) -> tuple[float, float]:
    left, bottom, right, top = (float(edge) for edge in page.mediabox)
    return right - left, top - bottom


def _counted(document: pikepdf.Pdf) -> int:
    pages = len(document.pages)
    if pages > settings.HAMMY_LETTER_PAGES:
        raise NotReady(f"the letter has more than {settings.HAMMY_LETTER_PAGES} pages", is_lasting=True)
    return pages


def _unprintable(enclosure: Enclosure, why: str) -> NotReady:
    return NotReady(f"{enclosure.file_name} cannot be printed: {why}", is_lasting=True)
