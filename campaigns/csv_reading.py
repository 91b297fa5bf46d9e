"""Files of comma-separated values as people send them (RFC 4180): their encoding, separator and columns found out, and
their records read one by one, with bounds, from any record on."""

import codecs
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from gateway.spreadsheets import as_meant

MOST_COLUMNS = 500
LONGEST_RECORD = 64 * 1024
_MOST_ENDLESS = 100
LONGEST_FILE = 2 * 1024**3
SEPARATORS = (";", ",", "\t", "|")
UTF_8, CENTRAL_EUROPEAN = "utf-8", "cp1250"
# As people call them.
_NAMES = {UTF_8: "UTF-8", CENTRAL_EUROPEAN: "Windows-1250"}
_PIECE = 1024 * 1024
_MARKS = ((codecs.BOM_UTF8, UTF_8), (codecs.BOM_UTF16_LE, ""), (codecs.BOM_UTF16_BE, ""))
# Bytes that stand for no character there, or for none that people write.
_NEVER_IN_TEXT = bytes(sorted(frozenset(range(32)) - frozenset(b"\t\n\r\x0c")))


class Unreadable(Exception):
    """The file is none that can be imported, for the reason given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """How a file is to be read, and what its first record says. ``begin`` is the byte after that, in ``line``."""

    encoding: str
    separator: str
    headers: tuple[str, ...]
    begin: int
    line: int

    @property
    def encoding_name(self) -> str:
        """As people know it."""
        return _NAMES[self.encoding]


class Record(NamedTuple):
    """One record: the line it begins at (the first is 1), its fields or the reason why it has none, and the byte and
    the line that follow it."""

    line: int
    fields: Sequence[str]
    problem: str
    after: int
    next_line: int


def look(file: BinaryIO, *, separator: str = "") -> Sheet:
    """Find out how to read a file; ``separator`` where somebody knows it. Reads all of it once; raises Unreadable."""
    encoding, mark = _encoding(file)
    file.seek(mark)
    first = file.readline(LONGEST_RECORD + 1)
    while first and not first.strip(b"\r\n"):
        first = file.readline(LONGEST_RECORD + 1)
    if len(first) > LONGEST_RECORD:
        raise Unreadable(f"its first line is longer than {LONGEST_RECORD} bytes")
    text = first.decode(encoding, "replace")
    separator = separator or _separator(text)
    file.seek(mark)
    record = next(iter(_records(file, encoding, separator, begin=mark, line=1)), None)
    if record is not None and record.problem:
        raise Unreadable(f"its first line: {record.problem}")
    if record is None or not any(field.strip() for field in record.fields):
        raise Unreadable("it is empty: its first line must name the columns")
    if len(record.fields) > MOST_COLUMNS:
        raise Unreadable(f"it has {len(record.fields)} columns; at most {MOST_COLUMNS} can be read")
    headers = tuple(as_meant(field).strip() for field in record.fields)
    doubled = [name for index, name in enumerate(headers) if name and name in headers[:index]]
    if doubled:
        raise Unreadable(f"the column {doubled[0][:100]} is there twice")
    return Sheet(encoding=encoding, separator=separator, headers=headers, begin=record.after, line=record.next_line)


def records(file: BinaryIO, sheet: Sheet, *, begin: int | None = None, line: int = 0) -> Iterator[Record]:
    """The records after the first, or from the byte ``begin`` on, which is in line ``line``; empty lines left out.
    Raises Unreadable where very many of them have no end."""
    start = sheet.begin if begin is None else begin
    file.seek(start)
    yield from _records(file, sheet.encoding, sheet.separator, begin=start, line=line or sheet.line)


def count(file: BinaryIO, sheet: Sheet) -> int:
    """How many records follow the first."""
    if _has_quotes(file):
        return sum(1 for _ in records(file, sheet))
    # Then a record is a line: many times as quick.
    file.seek(sheet.begin)
    found, is_new = 0, True
    while piece := file.readline(LONGEST_RECORD):
        found += is_new and bool(piece.strip(b"\r\n"))
        is_new = piece.endswith(b"\n")
    return found


def _has_quotes(file: BinaryIO) -> bool:
    file.seek(0)
    return any(b'"' in piece for piece in iter(lambda: file.read(_PIECE), b""))


class _Endless(Exception):
    """A record that does not end where one could."""


class _Lines:
    """The lines of a file as csv takes them one by one, and where the file stands; no record takes too many bytes."""

    def __init__(self, file: BinaryIO, encoding: str, begin: int, line: int) -> None:
        self._file, self._encoding = file, encoding
        self.offset, self.line = begin, line
        self.taken = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        raw = self._file.readline(LONGEST_RECORD + 1)
        if not raw:
            raise StopIteration
        self.taken += len(raw)
        if self.taken > LONGEST_RECORD:
            raise _Endless
        self.offset += len(raw)
        self.line += 1
        return raw.decode(self._encoding)

    def go_on_after(self, offset: int, line: int) -> None:
        """Stand behind the line that begins at ``offset``, however long it is."""
        self._file.seek(offset)
        while piece := self._file.readline(_PIECE):
            offset += len(piece)
            if piece.endswith(b"\n"):
                break
        self.offset, self.line = offset, line + 1


def _records(file: BinaryIO, encoding: str, separator: str, *, begin: int, line: int) -> Iterator[Record]:
    lines = _Lines(file, encoding, begin, line)
    reader = csv.reader(lines, delimiter=separator, strict=True)
    endless = 0
    while True:
        offset, first, lines.taken = lines.offset, lines.line, 0
        problem, fields = "", []
        try:
            fields = next(reader)
        except StopIteration:
            return
        except (_Endless, csv.Error, UnicodeDecodeError) as error:
            problem = _words(error)
            endless += isinstance(error, _Endless)
            if endless > _MOST_ENDLESS:
                # Each costs as much as a thousand others.
                raise Unreadable(f"more than {_MOST_ENDLESS} records have no end; is it quoted rightly?") from error
            # Read on behind its first line: a quote that is never closed must not swallow the rest.
            lines.go_on_after(offset, first)
            reader = csv.reader(lines, delimiter=separator, strict=True)
        if fields or problem:
            yield Record(first, fields, problem, lines.offset, lines.line)


def _words(error: Exception) -> str:
    match error:
        case _Endless():
            return f"is longer than {LONGEST_RECORD} bytes, or a quote in it is never closed"
        case UnicodeDecodeError():
            return f"is not {_NAMES.get(error.encoding, error.encoding)}"
        case _ if "unexpected end" in str(error):
            return "a quote in it is never closed"
        case _ if "new-line character" in str(error):
            return "a carriage return stands alone in it; lines must end in LF or CR LF"
        case _ if "expected after" in str(error):
            return "a separator must follow a closing quote"
    return f"cannot be read: {error}"


def _encoding(file: BinaryIO) -> tuple[str, int]:
    """The encoding, and how many bytes its mark takes."""
    file.seek(0)
    head = file.read(4)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            if not encoding:
                raise Unreadable("it is UTF-16; save it as UTF-8")
            _check(file, encoding)
            return encoding, len(mark)
    try:
        _check(file, UTF_8)
    except Unreadable as error:
        if not isinstance(error.__cause__, UnicodeDecodeError):
            raise
        _check(file, CENTRAL_EUROPEAN)
        return CENTRAL_EUROPEAN, 0
    return UTF_8, 0


def _check(file: BinaryIO, encoding: str) -> None:
    """Raise Unreadable where the file is not all text of this encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    size = 0
    while piece := file.read(_PIECE):
        size += len(piece)
        if size > LONGEST_FILE:
            raise Unreadable(f"it is larger than {LONGEST_FILE} bytes")
        if len(piece.translate(None, _NEVER_IN_TEXT)) < len(piece):
            raise Unreadable("it is no text: it has control characters")
        try:
            decoder.decode(piece)
        except UnicodeDecodeError as error:
            raise Unreadable("it is neither UTF-8 nor Windows-1250; save it as UTF-8") from error
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise Unreadable("it is neither UTF-8 nor Windows-1250; save it as UTF-8") from error


def _separator(text: str) -> str:
    """Which of the separators cuts the first line into most; a semicolon where none does."""
    # A carriage return that stands alone is told with the record it is in.
    line = text.lstrip("\r").partition("\r")[0]
    counts = {separator: len(next(csv.reader([line], delimiter=separator), [])) for separator in SEPARATORS}
    return max(SEPARATORS, key=lambda separator: counts[separator])
