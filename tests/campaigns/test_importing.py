"""Files of recipients into groups, each good line once."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from campaigns import importing
from campaigns.csv_reading import Unreadable
from campaigns.import_counts import Counts, counts_in
from campaigns.models import InvalidLine, Recipient, RecipientGroup
from campaigns.states import Duplicates
from gateway.caller import Caller
from jobs.models import Job
from jobs.services import set_status
from tests.campaigns.factories import make_group, put_file
from tests.jobs.conftest import work

pytestmark = pytest.mark.django_db

CSV = "név;E-mail cím;szerződés\nKiss Éva;eva@example.com;A-1\nNagy Pál;pal@example.com;\n"


@pytest.fixture(autouse=True)
def external(settings: Any, tmp_path: Path) -> Path:
    settings.HAMMY_EXTERNAL_ROOT = tmp_path / "external"
    settings.HAMMY_EXTERNAL_ROOT.mkdir()
    return settings.HAMMY_EXTERNAL_ROOT


@pytest.fixture
def group(caller: Caller) -> RecipientGroup:
    return make_group(caller)


def imported(caller: Caller, group: RecipientGroup, content: str | bytes, **more: Any) -> Job:
    job = importing.begin(caller=caller, group=group, path=put_file(content), file_name="people.csv", **more)
    work("long")
    job.refresh_from_db()
    return job


def names(group: RecipientGroup) -> list[str]:
    return list(Recipient.objects.filter(group=group).order_by("id").values_list("name", flat=True))


@pytest.mark.parametrize("content", [CSV.encode(), b"\xef\xbb\xbf" + CSV.encode(), CSV.encode("cp1250")])
def test_a_file_is_imported_whatever_its_encoding(caller: Caller, group: RecipientGroup, content: bytes) -> None:
    job = imported(caller, group, content)

    assert (job.status, job.reason, job.total, job.completed) == ("FINISHED", "", 2, 2)
    first, second = Recipient.objects.order_by("id")
    assert (first.name, first.email_address, first.properties) == ("Kiss Éva", "eva@example.com", {"szerződés": "A-1"})
    assert (second.name, second.properties) == ("Nagy Pál", {})


def test_invalid_lines_are_told_with_their_reasons_in_a_file_beside(caller: Caller, group: RecipientGroup) -> None:
    job = imported(
        caller, group, 'name,email\nAnn,ann@example.com\nBob,no address\nCy\n"=D(1)",d@\n"Eve,e@x.hu\nF,f@x.hu\n'
    )

    assert (job.status, job.total, job.completed) == ("FINISHED", 6, 6)
    assert names(group) == ["Ann", "F"]
    path = Path(django_settings.HAMMY_EXTERNAL_ROOT) / dict(job.params)["RESULT_RELATIVE_FILE_PATH"]
    assert path.name == "people.csv-invalid-addresses.csv"
    assert path.read_text().splitlines() == [
        "\ufeffline;reason;name;email",
        "3;email: not a valid e-mail address;Bob;no address",
        "4;has 1 columns, and the header 2;Cy",
        "5;email: not a valid e-mail address;'=D(1);d@",
        "6;a quote in it is never closed",
    ]


@pytest.mark.parametrize(
    ("handling", "expected"),
    [
        (Duplicates.ALLOW, ["Ann", "Ann B", "Ann C"]),
        (Duplicates.SKIP, ["Ann"]),
        (Duplicates.UPDATE, ["Ann C"]),
    ],
)
def test_duplicates(caller: Caller, group: RecipientGroup, handling: Duplicates, expected: list[str]) -> None:
    imported(caller, group, "name,email\nAnn,ann@example.com\n")
    put_file("")

    imported(caller, group, "name,email\nAnn B,ANN@example.com\nAnn C,ann@example.com\n", duplicates=handling)

    assert names(group) == expected


@pytest.mark.parametrize("handling", list(Duplicates))
def test_recipients_are_in_the_order_of_their_file(caller: Caller, group: RecipientGroup, handling: Duplicates) -> None:
    imported(caller, group, "name,email\nAnn,a@x.hu\nBob,b@x.hu\nCy,c@x.hu\n", duplicates=handling)

    assert names(group) == ["Ann", "Bob", "Cy"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty: its first line must name the columns"),
        (b"name\nAnn\n", "no column is the e-mail address or the postal address"),
        (b"PK\x03\x04\0\0", "it is no text: it has control characters"),
        (b"\xff\xfen\0a\0", "it is UTF-16; save it as UTF-8"),
        (b"email,mail\n", "email and mail would both be the e-mail address"),
        (b"a;" * 600 + b"email\n", "it has 601 columns; at most 500 can be read"),
    ],
)
def test_what_cannot_be_read_is_told_and_leaves_nothing(
    caller: Caller, group: RecipientGroup, content: bytes, reason: str
) -> None:
    job = imported(caller, group, content)

    assert (job.status, job.reason) == ("FAILED", f"people.csv: {reason}")
    assert not Recipient.objects.exists()
    assert not InvalidLine.objects.exists()


def test_an_import_that_is_run_again_goes_on_where_it_stopped(
    caller: Caller, group: RecipientGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_PORTION", 2)
    real = importing.storing.insert

    def breaks(people: Any, **more: Any) -> int:
        people = list(people)
        if any(person.name == "C" for person in people):
            raise Unreadable("broken")
        return real(people, **more)

    monkeypatch.setattr(importing.storing, "insert", breaks)
    text = "name;email\n" + "".join(f"{name};{name}@example.com\n" for name in "ABCD")
    job = imported(caller, group, text)
    stopped = (job.status, names(group))
    monkeypatch.setattr(importing.storing, "insert", real)
    set_status(caller=caller, ids=[job.pk], status="NEW")
    work("long")

    assert stopped == ("FAILED", ["A", "B"])
    assert names(group) == ["A", "B", "C", "D"]
    job.refresh_from_db()
    assert (job.status, job.total, job.completed) == ("FINISHED", 4, 4)


def test_a_file_that_comes_each_night_has_a_result_of_its_own_each_time(caller: Caller, group: RecipientGroup) -> None:
    first = imported(caller, group, "name;email\nAnn;no address\n")
    second = imported(caller, group, "name;email\nBob;nor this\n")

    results = [dict(job.params)["RESULT_RELATIVE_FILE_PATH"] for job in (first, second)]
    assert results == ["people.csv-invalid-addresses.csv", f"{second.pk}-invalid-addresses.csv"]
    assert [job.status for job in (first, second)] == ["FINISHED", "FINISHED"]


def test_endless_quotes_end_an_import_soon(caller: Caller, group: RecipientGroup) -> None:
    job = imported(caller, group, "name,email\n" + 'x","\n' * 20_000)

    assert (job.status, job.reason) == (
        "FAILED", "people.csv: more than 100 records have no end; is it quoted rightly?"
    )  # fmt: skip
    assert not Recipient.objects.exists()


def test_spaces_and_lines_are_taken_as_they_are_meant(caller: Caller, group: RecipientGroup) -> None:
    imported(caller, group, 'name;email;address\nKiss\u00a0Éva;e@example.com;"1 High Street\r\nSpringfield"\n')

    assert Recipient.objects.values_list("name", "postal_address").get() == ("Kiss Éva", "1 High Street\nSpringfield")


@pytest.mark.parametrize(
    ("handling", "expected"),
    [
        (Duplicates.ALLOW, Counts(new=5, invalid=1)),
        (Duplicates.SKIP, Counts(new=2, skipped=3, invalid=1)),
        (Duplicates.UPDATE, Counts(new=2, changed=3, invalid=1)),
    ],
)
@pytest.mark.parametrize("portion", [1, 2, 2000])
def test_what_became_of_the_lines_is_counted(
    caller: Caller,
    group: RecipientGroup,
    monkeypatch: pytest.MonkeyPatch,
    handling: Duplicates,
    expected: Counts,
    portion: int,
) -> None:
    monkeypatch.setattr(importing, "_PORTION", portion)
    imported(caller, group, "name,email\nAnn,ann@example.com\n")
    addresses = ["bob@example.com", "ann@example.com", "nobody", "BOB@example.com", "di@example.com", "ann@example.com"]

    job = imported(caller, group, "\n".join(["email", *addresses]), duplicates=handling)

    assert (job.status, counts_in(job.cursor)) == ("FINISHED", expected)
    assert [line.text for line in job.log_lines.all()] == [expected.sentence]


def test_an_import_that_began_before_its_lines_were_counted_goes_on_without(
    caller: Caller, group: RecipientGroup
) -> None:
    job = imported(caller, group, "name;email\nAnn;ann@example.com\nBob;nowhere\n")
    cursor = {name: job.cursor[name] for name in ("begin", "line", "done", "digest")}
    Job.objects.filter(pk=job.pk).update(cursor=cursor, status="FAILED")

    set_status(caller=caller, ids=[job.pk], status="NEW")
    work("long")

    job.refresh_from_db()
    assert (job.status, counts_in(job.cursor)) == ("FINISHED", None)
    assert b"".join(importing.result_lines(job.pk, job.cursor)).decode().splitlines()[0] == "\ufeffline;reason;fields"


def test_corrected_lines_are_imported_from_the_file_that_told_them(caller: Caller, group: RecipientGroup) -> None:
    job = imported(caller, group, "kód;név;e-mail\nA-1;Ann;no address\nA-2;Bob;bob@example.com\nA-3;Cy;nowhere\n")
    told = b"".join(importing.result_lines(job.pk, job.cursor)).decode()

    again = imported(caller, group, told.replace("no address", "ann@example.com"))

    assert list(Recipient.objects.order_by("id").values_list("name", "properties")) == [
        ("Bob", {"kód": "A-2"}),
        ("Ann", {"kód": "A-1"}),
    ]
    assert b"".join(importing.result_lines(again.pk, again.cursor)).decode().splitlines() == [
        "\ufeffline;reason;kód;név;e-mail",
        "3;e-mail: not a valid e-mail address;A-3;Cy;nowhere",
    ]
