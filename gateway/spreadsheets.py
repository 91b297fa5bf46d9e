"""Tables that people open in a spreadsheet (values only)."""

import csv
import io
from collections.abc import Iterable

# What one would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def line(cells: Iterable[str]) -> bytes:
    """A line of such a table, as spreadsheets in Europe read it without being asked: UTF-8, semicolons (RFC 4180)."""
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=";").writerow([safe_cell(cell) for cell in cells])
    return buffer.getvalue().encode()
