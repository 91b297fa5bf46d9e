"""Files of recipients into groups, each good line once."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from campaigns import importing
from campaigns.models import InvalidLine, Recipient, RecipientGroup
from campaigns.states import Duplicates
from gateway.caller import Caller
from jobs.models import Job
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
        "line;reason;fields",
        "3;email_address: not a valid e-mail address;Bob;no address",
        "4;has 1 columns, and the header 2;Cy",
        "5;email_address: not a valid e-mail address;'=D(1);d@",
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
        (b"email,mail\n", "email and mail would both be email_address"),
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
