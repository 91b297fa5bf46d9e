"""A file looked at before it is imported: what its columns may mean, and what is wrong with its first records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from campaigns import columns, csv_reading
from campaigns.csv_reading import Record, Sheet
from campaigns.importing import person_or_reason

_SHOWN = 10
_LONGEST_CELL = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One record: the line it begins at, its fields (long ones cut), and what is wrong with it ("" = nothing)."""

    number: int
    fields: Sequence[str]
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """How a file is read, how many records it has, the first of them, and what is wrong with the columns as a whole
    ("" = nothing)."""

    sheet: Sheet
    total: int
    lines: Sequence[Line]
    problem: str


def guessed(sheet: Sheet) -> dict[str, str]:
    """What each header probably means; where two would be the same member, the first is."""
    found: dict[str, str] = {}
    for header in sheet.headers:
        meaning = columns.meaning_of(header)
        found[header] = columns.PROPERTY if meaning in columns.MEMBERS and meaning in found.values() else meaning
    return found


def wrong_columns(sheet: Sheet, meaning: Mapping[str, str]) -> str:
    """What is wrong with what the columns are to mean; "" when nothing is."""
    try:
        columns.meanings(sheet.headers, meaning)
    except ValueError as error:
        return str(error)
    return ""


def sample(file: BinaryIO, sheet: Sheet, meaning: Mapping[str, str]) -> Sample:
    """The first records of a file with its columns so understood; all of it is read once, to be counted."""
    problem = wrong_columns(sheet, meaning)
    reader = None if problem else columns.Reader(sheet.headers, meaning)
    lines, total = [], 0
    for record in csv_reading.records(file, sheet):
        total += 1
        if total <= _SHOWN:
            wrong = _reason(reader, record)
            cut = [field if len(field) <= _LONGEST_CELL else f"{field[:_LONGEST_CELL]}…" for field in record.fields]
            lines.append(Line(number=record.line, fields=cut, problem=wrong))
    return Sample(sheet=sheet, total=total, lines=lines, problem=problem)


def _reason(reader: columns.Reader | None, record: Record) -> str:
    if reader is None:
        return record.problem
    found = person_or_reason(reader, record)
    return found if isinstance(found, str) else ""
