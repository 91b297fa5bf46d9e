"""A file looked at before it is imported: what its columns may mean, what is wrong with its first records, and who of
them is there already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from campaigns import columns, csv_reading
from campaigns.csv_reading import Record, Sheet
from campaigns.importing import Reading, person_or_reason
from campaigns.models import Recipient, RecipientGroup
from campaigns.recipient_rules import Person

_SHOWN = 10
# So that a look takes a moment, whatever the file.
_MOST_LOOKED_AT = 10_000
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One record: the line it begins at, its fields, and what is wrong with it ("" = nothing)."""

    number: int
    fields: Sequence[str]
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A file and how it is read, how many records it has, the first of them, and what is wrong with the columns as a
    whole ("" = nothing). Of the first ``looked_at`` records ``invalid`` are no recipients, of which the first are in
    ``faults``, and ``duplicates`` are who stands before them in the file or is in the group already."""

    sheet: Sheet
    meaning: Mapping[str, str]
    total: int
    lines: Sequence[Line]
    problem: str
    looked_at: int
    invalid: int
    duplicates: int
    faults: Sequence[Line]

    @property
    def properties(self) -> list[str]:
        """The columns that become properties."""
        return columns.properties_in(self.meaning)


def guessed(sheet: Sheet) -> dict[str, str]:
    """What each header probably means; where two would be the same member, the first is."""
    found: dict[str, str] = {}
    for header, meaning in columns.meant_by(sheet.headers).items():
        found[header] = columns.PROPERTY if meaning in columns.MEMBERS and meaning in found.values() else meaning
    return found


def wrong_columns(sheet: Sheet, meaning: Mapping[str, str]) -> str:
    """What is wrong with what the columns are to mean; "" when nothing is."""
    try:
        columns.meanings(sheet.headers, meaning)
    except ValueError as error:
        return str(error)
    return ""


def look(file: BinaryIO, reading: Reading, group: RecipientGroup | None = None) -> Look:
    """The first records of a file so read, and how many there are; raises Unreadable. ``group`` is the one that they
    would go into, None where it is still to be made."""
    sheet, meaning = reading.sheet, reading.meaning
    problem = wrong_columns(sheet, meaning)
    reader = None if problem else columns.Reader(sheet.headers, meaning)
    lines: list[Line] = []
    faults: list[Line] = []
    identities: list[str] = []
    looked_at = invalid = 0
    for looked_at, record in enumerate(islice(csv_reading.records(file, sheet), _MOST_LOOKED_AT), start=1):
        found = _looked_at(reader, record)
        line = Line(number=record.line, fields=record.fields, problem=found if isinstance(found, str) else "")
        if looked_at <= _SHOWN:
            lines.append(line)
        if isinstance(found, Person):
            identities.append(found.identity)
        elif line.problem:
            invalid += 1
            if invalid <= _SHOWN:
                faults.append(line)
    distinct = list(dict.fromkeys(identities))
    return Look(
        sheet=sheet,
        meaning=meaning,
        total=csv_reading.count(file, sheet),
        lines=lines,
        problem=problem,
        looked_at=looked_at,
        invalid=invalid,
        duplicates=len(identities) - len(distinct) + _known(distinct, group),
        faults=faults,
    )


def _looked_at(reader: columns.Reader | None, record: Record) -> Person | str:
    """Whom a record means, or why nobody; "" where the columns do not say."""
    return record.problem if reader is None else person_or_reason(reader, record)


def _known(identities: Sequence[str], group: RecipientGroup | None) -> int:
    """How many of them the group has already."""
    if group is None:
        return 0
    rows = Recipient.objects.filter(group=group).order_by().values("identity").distinct()
    portions = (identities[start : start + _AT_ONCE] for start in range(0, len(identities), _AT_ONCE))
    return sum(rows.filter(identity__in=portion).count() for portion in portions)
