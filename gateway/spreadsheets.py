"""Tables that people open in a spreadsheet (values only)."""

import csv
import io
from collections.abc import Iterable

# Before all else of a file with people's words, so that spreadsheets take it for UTF-8.
MARK = b"\xef\xbb\xbf"
# What one would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def as_meant(cell: str) -> str:
    """What a cell said before ``safe_cell``: exactly the apostrophe that it sets is taken off."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(_FORMULA) else cell


def line(cells: Iterable[str]) -> bytes:
    """A line of such a table, as spreadsheets in Europe read it without being asked: UTF-8, semicolons (RFC 4180)."""
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=";").writerow([safe_cell(cell) for cell in cells])
    return buffer.getvalue().encode()
