"""Quotes where none belong: each line is told for itself, or means what it means to Python's csv."""

import csv
from io import BytesIO, StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from campaigns import csv_reading
from campaigns.csv_reading import Record

HEAD = b"name;email\n"
OPEN = "a quote in it is never closed"
LEFT_OPEN = (2, [], OPEN)
FOLLOWED = (2, [], "a separator must follow a closing quote")
PIECES = ["x", '"', '""', '"""', ";", "\n", "\r\n", "é", " ", '"\n', ';"']


def read(content: bytes) -> list[Record]:
    file = BytesIO(HEAD + content)
    sheet = csv_reading.look(file, separator=";")
    found = list(csv_reading.records(file, sheet))
    assert csv_reading.count(file, sheet) == len(found)
    return found


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'x""";"', LEFT_OPEN),
        (b'x;"a@x.hu""', LEFT_OPEN),
        (b'x;""a@x.hu', FOLLOWED),
        (b'"x"y;a@x.hu', FOLLOWED),
        (b'x;"a@x.hu" ', FOLLOWED),
        (b'x"y;a@x.hu', (2, ['x"y', "a@x.hu"], "")),
        (b'x""";a@x.hu', (2, ['x"""', "a@x.hu"], "")),
        (b'x; "a@x.hu"', (2, ["x", ' "a@x.hu"'], "")),
        (b'"x""y";a@x.hu', (2, ['x"y', "a@x.hu"], "")),
        (b'"""";""', (2, ['"', ""], "")),
    ],
)
def test_a_line_of_hostile_quotes_is_told_or_taken_as_it_stands(
    line: bytes, expected: tuple[int, list[str], str]
) -> None:
    found = [(record.line, list(record.fields), record.problem) for record in read(line + b"\nBob;b@x.hu\n")]

    assert found == [expected, (3, ["Bob", "b@x.hu"], "")]


def test_each_of_many_such_lines_is_told_and_those_between_are_taken() -> None:
    found = [(record.line, record.problem) for record in read(b'x""";"\nBob;b@x.hu\n' * 40)]

    assert found[1::2] == [(line, "") for line in range(3, 83, 2)]
    assert [line for line, problem in found[::2] if problem] == list(range(2, 82, 2))


@settings(deadline=None)
@given(some.lists(some.sampled_from(PIECES), max_size=14).map("".join))
def test_whatever_the_quotes_it_is_what_python_reads_or_somebody_is_told(text: str) -> None:
    try:
        rows = [row for row in csv.reader(StringIO(text, newline=""), delimiter=";", strict=True) if row]
    except csv.Error:
        rows = None
    found = read(text.encode())

    assert any(record.problem for record in found) == (rows is None)
    assert rows is None or [list(record.fields) for record in found] == rows
