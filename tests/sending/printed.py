"""Printed letters for tests: parcels to print, PDF documents to enclose, and what a printed page says and where."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from uuid import UUID

import pikepdf
import pypdfium2
from django.core.files.storage import storages

from sending.channels.base import Address, Enclosure, Parcel

MILLIMETRE = 72 / 25.4
A4_HEIGHT = 297


def a_parcel(**overrides: Any) -> Parcel:
    """A letter to be printed in a run of its own."""
    values: dict[str, Any] = {
        "message_id": 18342,
        "uuid": UUID(int=7),
        "created_at": datetime(2026, 11, 28, 12, tzinfo=UTC),
        "subject": "Értesítés",
        "text": "Tisztelt Ügyfelünk!\n\nAz új díj: 51 030 Ft.",
        "sender": Address(address="noreply@hammy.test", name="Minta Biztosító Zrt."),
        "recipient": Address(address="", name="Szőke Tűnde"),
        "postal_address": "1117 Budapest, Őszibarack utca 12.",
        "letter_type": "NORMAL",
        "batch": "2026-11-29/000001",
    }
    return Parcel(**values | overrides)


def a_pdf(pages: int = 1, *, password: str = "", size: tuple[float, float] = (595, 842)) -> bytes:
    """A document of empty pages."""
    document = pikepdf.new()
    for _ in range(pages):
        document.add_blank_page(page_size=size)
    file = BytesIO()
    document.save(file, encryption=pikepdf.Encryption(owner=password, user=password) if password else False)
    return file.getvalue()


def enclosed(content: bytes, name: str = "szerződés.pdf") -> Enclosure:
    return Enclosure(file_name=name, media_type="application/pdf", content=content)


@contextmanager
def _opened(pdf: bytes) -> Iterator[pypdfium2.PdfDocument]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        yield document
    finally:
        document.close()


def pages_of(pdf: bytes) -> list[str]:
    """What each page says."""
    with _opened(pdf) as document:
        return [page.get_textpage().get_text_bounded().replace("\r\n", "\n") for page in document]


def place_of(pdf: bytes, words: str, page: int = 0) -> tuple[float, float, float, float]:
    """Where ``words`` stand on a page: left, top, right and bottom in millimetres from its left upper corner."""
    with _opened(pdf) as document:
        text = document[page].get_textpage()
        found = text.search(words, match_case=True).get_next()
        assert found is not None, f"{words!r} is not on the page"
        boxes = [text.get_charbox(found[0] + index) for index in range(found[1])]
    left, bottom = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, top = max(box[2] for box in boxes), max(box[3] for box in boxes)
    height = A4_HEIGHT
    return left / MILLIMETRE, height - top / MILLIMETRE, right / MILLIMETRE, height - bottom / MILLIMETRE


def spool(folder: str = "") -> dict[str, bytes]:
    """The files of the spool by their names."""
    storage = storages["spool"]
    if not storage.exists(folder):
        return {}
    folders, files = storage.listdir(folder)
    found: dict[str, bytes] = {}
    for name in files:
        path = f"{folder}/{name}" if folder else name
        with storage.open(path) as file:
            found[path] = file.read()
    for name in folders:
        found |= spool(f"{folder}/{name}" if folder else name)
    return found
