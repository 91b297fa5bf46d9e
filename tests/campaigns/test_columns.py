"""What the columns of a file mean by themselves, and what their cells say."""

import pytest

from campaigns import columns, exporting, importing
from campaigns.models import Recipient, RecipientGroup
from campaigns.recipient_rules import Person
from gateway.caller import Caller
from tests.campaigns.factories import make_group, put_file
from tests.jobs.conftest import work


@pytest.mark.parametrize(
    ("member", "headers"),
    [
        ("name", ("Név", "Címzett neve", "Ügyfél neve", "Partner neve", "Full name", "Customer name")),
        ("email_address", ("E-mail", "e-mail cím", "E-mail címe", "Email address")),
        (
            "postal_address",
            ("Postai cím", "Levelezési cím", "Cím", "Postacím", "Postal address", "Mailing address", "Address"),
        ),
        (
            "partner_ref",
            ("Ügyfélszám", "Partner", "Ügyfélazonosító", "Ügyfélkód", "Partnerszám", "Customer ID", "Customer number"),
        ),
        ("language", ("Nyelv", "Language")),
        ("time_zone", ("Időzóna", "Time zone")),
        (columns.PROPERTY, ("Szerződés", "line", "reason", "Telefon")),
        (columns.IGNORED, ("",)),
    ],
)
def test_usual_headers_are_known(member: str, headers: tuple[str, ...]) -> None:
    assert [columns.meaning_of(header) for header in headers] == [member] * len(headers)


def test_the_heads_of_a_file_of_invalid_lines_are_left_out() -> None:
    assert columns.meant_by(["line", "reason", "név"]) == {"line": "", "reason": "", "név": "name"}
    assert columns.meant_by(["név", "line", "reason"]) == {"név": "name", "line": "property", "reason": "property"}


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("'=1", "=1"), ("'+36", "+36"), ("'-x", "-x"), ("'@x", "@x"), ("'\tx", "\tx"), ("'\rx", "\rx"),
        ("'Neill", "'Neill"), ("''=1", "''=1"), ("'", "'"), (" '=1", " '=1"), ("=1", "=1"),
    ],
)  # fmt: skip
def test_the_apostrophe_of_an_export_is_taken_off_and_no_other(cell: str, said: str) -> None:
    reader = columns.Reader(["email", "p"], {"email": "email_address", "p": "property"})
    assert reader.person(["a@example.com", cell]).properties == {"p": said}


@pytest.mark.django_db
def test_a_group_that_was_exported_is_imported_as_it_is(caller: Caller, external_root: object) -> None:
    group: RecipientGroup = make_group(caller)
    people = [
        Person(name="+Ann", email_address="=cmd@example.com", properties={"=key": "-1", "note": "'tis"}),
        Person(name="'Bob", email_address="-bob@example.com", partner_ref="@b", properties={"note": "\tx"}),
    ]
    for person in people:
        Recipient.objects.create(
            group=group, name=person.name, email_address=person.email_address, partner_ref=person.partner_ref,
            properties=person.properties, identity=person.identity,
        )  # fmt: skip
    before = list(Recipient.objects.order_by("id").values_list("name", "email_address", "partner_ref", "properties"))

    path = put_file(b"".join(exporting.group_lines(group)))
    other = make_group(caller)
    for into in (group, other):
        importing.begin(caller=caller, group=into, path=path, file_name="x.csv", duplicates=importing.Duplicates.SKIP)
        work("long")

    rows = Recipient.objects.order_by("id").values_list("name", "email_address", "partner_ref", "properties")
    assert list(rows.filter(group=group)) == before
    assert list(rows.filter(group=other)) == before
