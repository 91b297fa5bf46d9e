"""What people call a CSV: too long, broken, of other kinds; told in a sentence, within bounds, and no line twice."""

import tracemalloc
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from campaigns import csv_reading, importing
from campaigns.csv_reading import LONGEST_RECORD, Record, Unreadable
from campaigns.import_counts import Counts, counts_in
from campaigns.models import InvalidLine, Recipient, RecipientGroup
from gateway.caller import Caller
from jobs.models import Job
from tests.campaigns.factories import make_group, put_file
from tests.factories import make_caller
from tests.jobs.conftest import work

pytestmark = pytest.mark.django_db

ENDLESS = f"is longer than {LONGEST_RECORD} bytes, or a quote in it is never closed"
OPEN = "a quote in it is never closed"
GOOD = b"Ann;ann@example.com\n"
HEAD = b"name;email\n"


@pytest.fixture
def group(caller: Caller, external_root: Path) -> RecipientGroup:
    return make_group(caller)


def begun(caller: Caller, group: RecipientGroup, path: str, **more: Any) -> Job:
    return importing.begin(caller=caller, group=group, path=path, file_name="people.csv", **more)


def imported(caller: Caller, group: RecipientGroup, content: bytes, **more: Any) -> Job:
    job = begun(caller, group, put_file(content), **more)
    work("long")
    job.refresh_from_db()
    return job


def names(group: RecipientGroup) -> list[str]:
    return list(Recipient.objects.filter(group=group).order_by("id").values_list("name", flat=True))


def invalid(job: Job) -> list[tuple[int, str]]:
    return list(InvalidLine.objects.filter(job_id=job.pk).order_by("id").values_list("line", "reason"))


def read(content: bytes) -> tuple[list[tuple[int, list[str], str]], int]:
    """Line, fields and problem of each record after the first, and how many were counted."""
    file = BytesIO(content)
    sheet = csv_reading.look(file)
    rows = [(record.line, list(record.fields), record.problem) for record in csv_reading.records(file, sheet)]
    return rows, csv_reading.count(file, sheet)


class TestLongLines:
    @pytest.mark.parametrize("begin", [b"", b'"'], ids=["plain", "quoted"])
    def test_a_line_of_100_mb_is_told_and_costs_no_memory(self, begin: bytes, tmp_path: Path) -> None:
        path = tmp_path / "long.csv"
        with path.open("wb") as file:
            file.write(HEAD + GOOD + begin)
            for _ in range(100):
                file.write(b"x" * 1024 * 1024)
            file.write(b"\n" + GOOD)
        with path.open("rb") as file:
            tracemalloc.start()
            try:
                sheet = importing.reading_of(file).sheet
                total = csv_reading.count(file, sheet)
                found = list(csv_reading.records(file, sheet))
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()

        assert [(record.line, record.problem) for record in found] == [(2, ""), (3, ENDLESS), (4, "")]
        assert total == 3
        assert peak < 8 * 1024 * 1024

    def test_a_first_line_of_100_mb_is_refused_and_costs_no_memory(self, tmp_path: Path) -> None:
        path = tmp_path / "long.csv"
        with path.open("wb") as file:
            for _ in range(100):
                file.write(b"x" * 1024 * 1024)
        with path.open("rb") as file:
            tracemalloc.start()
            try:
                with pytest.raises(Unreadable, match=f"its first line is longer than {LONGEST_RECORD} bytes"):
                    importing.reading_of(file)
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()

        assert peak < 8 * 1024 * 1024

    def test_the_longest_line_is_read_and_one_byte_more_is_not(self) -> None:
        longest = b"x" * (LONGEST_RECORD - 3) + b";y\n"
        rows, count = read(HEAD + longest + b"x" + longest + GOOD)

        assert [(line, len(fields), problem) for line, fields, problem in rows] == [
            (2, 2, ""),
            (3, 0, ENDLESS),
            (4, 2, ""),
        ]
        assert count == 3


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("név;email\n".encode("utf-16"), "it is UTF-16; save it as UTF-8"),
        ("név;email\n".encode("utf-16-be"), "it is no text: it has control characters"),
        ("név;email\n".encode("utf-16-le"), "it is no text: it has control characters"),
        (HEAD + GOOD + b"a\0b;c\n", "it is no text: it has control characters"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "it is no text: it has control characters"),
        (HEAD + b"\x81;\xff\n", "it is neither UTF-8 nor Windows-1250; save it as UTF-8"),
        (b"\xef\xbb\xbf" + HEAD + b"\xe9;x\n", "it is neither UTF-8 nor Windows-1250; save it as UTF-8"),
        (b"\xef\xbb\xbf" + HEAD + "é".encode()[:1], "it is neither UTF-8 nor Windows-1250; save it as UTF-8"),
        (b"a;" * 9_999 + b"email\n", "it has 10000 columns; at most 500 can be read"),
        (b'"name;email\n' + GOOD, f"its first line: {OPEN}"),
        (b"name;email\rAnn;ann@example.com\r",
         "its first line: a carriage return stands alone in it; lines must end in LF or CR LF"),
        (b"\n\r\n\n", "it is empty: its first line must name the columns"),
        (b"\xef\xbb\xbf", "it is empty: its first line must name the columns"),
        (b"name|mobile\n", "no column is the e-mail address or the postal address"),
    ],
)  # fmt: skip
def test_what_is_no_csv_is_refused_with_a_sentence(
    caller: Caller, group: RecipientGroup, content: bytes, reason: str
) -> None:
    job = imported(caller, group, content)

    assert (job.status, job.reason) == ("FAILED", f"people.csv: {reason}")
    assert (names(group), invalid(job)) == ([], [])


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"name;email\r\nAnn;a@x.hu\r\n\r\nBob;b@x.hu\r\n", [2, 4]),
        (b"name;email\nAnn;a@x.hu\n\n\n\nBob;b@x.hu", [2, 6]),
        (b"\r\n\nname;email\nAnn;a@x.hu\nBob;b@x.hu\n\n\r\n", [4, 5]),
        (b"name,email\nAnn,a@x.hu\nBob,b@x.hu\n", [2, 3]),
        (b"\n\nname,email\nAnn,a@x.hu\nBob,b@x.hu\n", [4, 5]),
        (b"name\temail\nAnn\ta@x.hu\nBob\tb@x.hu", [2, 3]),
        (b"name|email\r\nAnn|a@x.hu\r\nBob|b@x.hu", [2, 3]),
        (b'"name";"email"\n"Ann";"a@x.hu"\n\n"Bob";b@x.hu\n', [2, 4]),
        (b'"na\nme";email\nAnn;a@x.hu\nBob;b@x.hu\n', [3, 4]),
        (b"\xef\xbb\xbfname;email\nAnn;a@x.hu\nBob;b@x.hu\r\r\n", [2, 3]),
        (b"name;email\nAnn;a@x.hu\nBob;b@x.hu\n\r\r\n\r", [2, 3]),
    ],
)
def test_separators_line_ends_and_blank_lines(content: bytes, lines: list[int]) -> None:
    rows, count = read(content)

    assert rows == [(lines[0], ["Ann", "a@x.hu"], ""), (lines[1], ["Bob", "b@x.hu"], "")]
    assert count == 2


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        # The first record, one in the midst, the last.
        (b'"Ann;a@x.hu\nBob;b@x.hu\nCy;c@x.hu\n', [(2, OPEN), (3, ""), (4, "")]),
        (b'Ann;a@x.hu\n"Bob;b@x.hu\nCy;c@x.hu\n', [(2, ""), (3, OPEN), (4, "")]),
        (b'Ann;a@x.hu\nBob;b@x.hu\nCy;"c@x.hu', [(2, ""), (3, ""), (4, OPEN)]),
        (b'"Ann\n";a@x.hu\nBob;b@x.hu\n', [(2, ""), (4, "")]),
        (b'"Ann"x;a@x.hu\nBob;b@x.hu\n', [(2, "a separator must follow a closing quote"), (3, "")]),
        (b'Ann;a@x.hu\rBob;b@x.hu\nCy;"c\n',
         [(2, "a carriage return stands alone in it; lines must end in LF or CR LF"), (3, OPEN)]),
    ],
)  # fmt: skip
def test_a_quote_that_is_never_closed_costs_its_own_line_alone(content: bytes, expected: list[tuple[int, str]]) -> None:
    rows, count = read(HEAD + content)

    assert [(line, problem) for line, _, problem in rows] == expected
    assert count == len(expected)


def test_an_open_quote_before_much_text_costs_its_own_line_alone() -> None:
    rows, count = read(HEAD + b'"Bob;b@x.hu\n' + GOOD * 10_000)

    assert rows[0] == (2, [], ENDLESS)
    assert [problem for _, _, problem in rows[1:]] == [""] * 10_000
    assert count == 10_001


def test_bytes_of_another_western_encoding_are_read_as_windows_1250(caller: Caller, group: RecipientGroup) -> None:
    job = imported(caller, group, "name;email\nJosé Müller;jose@example.com\n".encode("latin-1"))

    assert (job.status, names(group)) == ("FINISHED", ["José Müller"])


@pytest.mark.parametrize("content", [HEAD, HEAD[:-1], b"name;email\r\n"])
def test_a_header_alone_imports_nobody(caller: Caller, group: RecipientGroup, content: bytes) -> None:
    job = imported(caller, group, content)

    assert (job.status, job.reason, job.total, job.completed) == ("FINISHED", "", 0, 0)
    assert (names(group), invalid(job)) == ([], [])


def test_a_file_of_another_checksum_is_refused(caller: Caller, group: RecipientGroup, external_root: Path) -> None:
    job = imported(caller, group, HEAD + GOOD, checksum="0" * 40)

    found = importing.sha1_of(str(external_root / "people.csv"))
    assert (job.status, job.reason) == (
        "FAILED",
        f"people.csv: its SHA-1 checksum is {found}, and should be {'0' * 40}",
    )
    assert names(group) == []
    assert imported(caller, group, HEAD + GOOD, checksum=found.upper()).status == "FINISHED"


@pytest.mark.parametrize("path", ["../secret.csv", "/secret.csv", "link.csv", "nowhere.csv", "a/../../secret.csv", "."])
def test_no_path_leads_out_of_the_clients_folder(external_root: Path, path: str) -> None:
    client = make_caller(external_folder="mine")
    group = make_group(client)
    (external_root / "mine").mkdir()
    (external_root / "secret.csv").write_bytes(HEAD + GOOD)
    (external_root / "mine" / "link.csv").symlink_to("../secret.csv")
    job = begun(client, group, path)
    work("long")
    job.refresh_from_db()

    assert job.status == "FAILED"
    assert job.reason.startswith("people.csv: it "), job.reason
    assert names(group) == []


def test_another_file_of_the_same_path_has_a_result_file_of_its_own(
    caller: Caller, group: RecipientGroup, external_root: Path
) -> None:
    first = imported(caller, group, HEAD + b"Bob;nowhere\n")
    second = imported(caller, group, HEAD + b"Cy;nobody\n")

    paths = [dict(job.params)["RESULT_RELATIVE_FILE_PATH"] for job in (first, second)]
    assert paths == ["people.csv-invalid-addresses.csv", f"{second.pk}-invalid-addresses.csv"]
    assert [(external_root / path).read_text().splitlines()[1].rpartition(";")[2] for path in paths] == [
        "nowhere",
        "nobody",
    ]


class Killed(BaseException):
    """As a SIGKILL: nothing after it is done."""


CONTENT = b"name;email;note\n" + b"".join(
    b'P%d;p%d@example.com;"a\nb"\n' % (number, number) if number % 3 else b'"Q%d;nowhere\n\n' % number
    for number in range(1, 30)
)


def _die_in_portion(monkeypatch: pytest.MonkeyPatch, number: int, *, late: bool) -> Any:
    """A patch with which the import dies in that portion, before its rows are stored or in the midst of them."""
    real, calls = importing.Import._store, []

    def store(self: importing.Import, people: Any) -> int:
        calls.append(people)
        if len(calls) == number:
            if late:
                real(self, people)
            raise Killed
        return real(self, people)

    patch = monkeypatch.context()
    patch.__enter__().setattr(importing.Import, "_store", store)
    return patch


class TestGoingOn:
    """Runs that died, and what the next one makes of their cursor."""

    pytestmark = pytest.mark.django_db(transaction=True)

    @pytest.mark.parametrize("late", [False, True])
    def test_from_each_cursor_the_same_rows_come(
        self, caller: Caller, group: RecipientGroup, monkeypatch: pytest.MonkeyPatch, late: bool
    ) -> None:
        monkeypatch.setattr(importing, "_PORTION", 4)
        whole = imported(caller, group, CONTENT)
        expected = names(group), invalid(whole)
        assert (whole.status, whole.total, whole.completed) == ("FINISHED", 29, 29)
        assert counts_in(whole.cursor) == Counts(new=20, invalid=9)
        for portion in range(1, 9):
            Recipient.objects.all().delete()
            job = begun(caller, group, "people.csv")
            patch = _die_in_portion(monkeypatch, portion, late=late)
            with pytest.raises(Killed):
                work("long")
            patch.__exit__(None, None, None)
            job.refresh_from_db()
            assert (job.cursor or {"done": 0})["done"] == 4 * (portion - 1)
            Job.objects.filter(pk=job.pk).update(status="NEW", claim=None, heartbeat_at=None)
            work("long")
            job.refresh_from_db()
            assert (job.status, job.reason, job.total, job.completed) == ("FINISHED", "", 29, 29)
            assert (names(group), invalid(job)) == expected
            assert counts_in(job.cursor) == Counts(new=20, invalid=9)

    def test_a_file_that_changed_in_between_is_refused_and_nothing_is_added(
        self, caller: Caller, group: RecipientGroup, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(importing, "_PORTION", 4)
        job = begun(caller, group, put_file(CONTENT))
        patch = _die_in_portion(monkeypatch, 3, late=False)
        with pytest.raises(Killed):
            work("long")
        patch.__exit__(None, None, None)
        before = names(group), invalid(job)
        put_file(CONTENT.replace(b"P", b"R"))
        Job.objects.filter(pk=job.pk).update(status="NEW", claim=None, heartbeat_at=None)
        work("long")
        job.refresh_from_db()

        assert (job.status, job.reason) == ("FAILED", "people.csv: it changed since its import began")
        assert (names(group), invalid(job)) == before


def test_records_go_on_from_each_byte_that_one_ends_at() -> None:
    file = BytesIO(CONTENT)
    sheet = csv_reading.look(file)
    found = list(csv_reading.records(file, sheet))

    for index, record in enumerate(found):
        rest: list[Record] = list(csv_reading.records(file, sheet, begin=record.after, line=record.next_line))
        assert rest == found[index + 1 :]
    assert (len(found), csv_reading.count(file, sheet)) == (29, 29)
