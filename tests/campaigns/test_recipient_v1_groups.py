"""Groups and recipients over REST."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from campaigns import recipients, services
from campaigns.models import Recipient, RecipientGroup
from campaigns.recipient_rules import Person
from campaigns.services import Leg
from gateway.dates import format_moment
from tests.campaigns.calls import JSON_API, RECIPIENT, UNKNOWN, Caller, document, problems, read, rows, streamed
from tests.campaigns.factories import make_group
from tests.sending.factories import make_template

pytestmark = pytest.mark.django_db

GROUPS, RECIPIENTS = f"{RECIPIENT}/recipientGroups", f"{RECIPIENT}/recipients"


@pytest.fixture
def api() -> Caller:
    return Caller()


def names(api: Caller, path: str, **query: Any) -> list[str]:
    return [item["attributes"]["name"] for item in read(api.get(path, query))]


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_group_is_made_read_changed_and_deleted(api: Caller, slash: str) -> None:
    made = read(api.post(f"{GROUPS}{slash}", {"name": "Ügyfelek", "description": "all"}))

    group = RecipientGroup.objects.get()
    assert group.client == api.client
    path = f"{GROUPS}/{group.uuid}{slash}"
    assert read(api.get(path)) == made == {
        "type": "recipientGroups", "id": str(group.uuid),
        "attributes": {
            "name": "Ügyfelek", "description": "all", "createdAt": format_moment(group.created_at),
            "updatedAt": format_moment(group.updated_at), "recipientCount": 0,
        },
    }  # fmt: skip
    changed = read(api.patch(path, made["attributes"] | {"name": "Partnerek", "description": None}))
    assert (changed["attributes"]["name"], changed["attributes"]["description"]) == ("Partnerek", None)
    assert read(api.call("DELETE", path))["type"] == "recipientResponses"
    assert not RecipientGroup.objects.exists()


def test_json_api_is_taken_as_plain_json_is(api: Caller) -> None:
    body = document("recipientGroups", name="A")
    assert read(api.post(GROUPS, body, content_type=JSON_API))["attributes"]["name"] == "A"

    answer = api.post(GROUPS, document("recipientGroups", name="B", colour="red"), content_type=JSON_API)

    assert problems(answer) == [(1004, "colour: unknown field")]
    assert answer.json()["errors"][0]["source"] == {"pointer": "/data/attributes/colour"}


def test_groups_are_listed_by_name_in_pages(api: Caller) -> None:
    for name in ("c", "a", "b"):
        make_group(api.core, name=name)

    assert names(api, GROUPS) == ["a", "b", "c"]
    assert names(api, GROUPS, limit=1, offset=1) == ["b"]
    assert names(api, GROUPS, sort="-createdAt", limit=2) == ["b", "a"]
    assert names(api, GROUPS, name="A") == ["a"]
    assert api.get(GROUPS, {"limit": 1}).json()["meta"]["total"] == 3


def test_names_are_found_in_any_case_beyond_english(api: Caller) -> None:
    group = make_group(api.core, name="Ügyfelek 100%")
    Recipient.objects.create(group=group, name="ŐRI Ödön", email_address="o@example.com", identity=uuid4())

    assert names(api, GROUPS, name="üGYFELEK 100%") == ["Ügyfelek 100%"]
    assert names(api, GROUPS, name="ügyfelek_") == []
    assert names(api, RECIPIENTS, name="őri ödö") == ["ŐRI Ödön"]


def test_a_recipient_is_added_read_changed_and_deleted(api: Caller) -> None:
    group = make_group(api.core)
    given = {
        "name": "Kiss Éva", "emailAddress": "eva@example.com", "postalAddress": "1 High Street\nLondon",
        "partnerRef": "P-1", "language": "hu", "timeZone": "Europe/Budapest",
        "properties": [{"key": "szerződés", "value": "A-1"}], "recipientGroupId": str(group.uuid),
    }  # fmt: skip

    made = read(api.post(RECIPIENTS, given))

    row = Recipient.objects.get()
    moments = {"createdAt": format_moment(row.created_at), "updatedAt": format_moment(row.updated_at)}
    assert made == {"type": "recipients", "id": str(row.pk), "attributes": given | moments}
    path = f"{RECIPIENTS}/{row.pk}"
    assert read(api.get(path)) == made
    changed = read(api.patch(path, made["attributes"] | {"language": None, "emailAddress": "e@example.com"}))
    assert changed["attributes"] | {"updatedAt": 0} == made["attributes"] | {
        "language": None, "emailAddress": "e@example.com", "updatedAt": 0,
    }  # fmt: skip
    row.refresh_from_db()
    assert row.identity.hex == Person(email_address="e@example.com").identity
    read(api.call("DELETE", path))
    assert not Recipient.objects.exists()


def test_a_change_says_only_what_changes(api: Caller) -> None:
    group = make_group(api.core, size=1)
    (row,) = group.recipients.all()

    read(api.patch(f"{RECIPIENTS}/{row.pk}", {"partnerRef": "P-9"}))

    row.refresh_from_db()
    assert (row.name, row.email_address, row.partner_ref) == ("Person 1", "person1@example.com", "P-9")


def test_recipients_are_found_by_what_they_are(api: Caller) -> None:
    first, second = make_group(api.core, size=3), make_group(api.core, size=1)
    first.recipients.filter(name="Person 2").update(partner_ref="P-2")

    assert names(api, RECIPIENTS) == ["Person 1", "Person 2", "Person 3", "Person 1"]
    assert names(api, RECIPIENTS, recipientGroupId=str(second.uuid)) == ["Person 1"]
    assert names(api, RECIPIENTS, emailAddress="PERSON3@example.com") == ["Person 3"]
    assert names(api, RECIPIENTS, name="son 2") == names(api, RECIPIENTS, partnerRef="P-2") == ["Person 2"]
    assert names(api, RECIPIENTS, sort="-name", limit=2) == ["Person 3", "Person 2"]
    assert names(api, RECIPIENTS, sort="-createdAt", offset=2) == ["Person 2", "Person 1"]
    assert names(api, RECIPIENTS, recipientGroupId=UNKNOWN) == []
    assert api.get(RECIPIENTS, {"name": "Person 1"}).json()["meta"]["total"] == 2


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"recipientGroupId": "x"}, (1002, "recipientGroupId: must be a uuid")),
        ({"limit": "0"}, (1002, "limit: must be between 1 and 1000")),
        ({"filter[email]": "x"}, (1004, "filter[email]: unknown parameter, use emailAddress")),
        ({"name": "x" * 101}, (1002, "name: must be at most 100 characters long")),
    ],
)
def test_what_a_list_cannot_be_asked_is_told(api: Caller, query: Any, expected: tuple[int, str]) -> None:
    assert problems(api.get(RECIPIENTS, query)) == [expected]


def test_everything_wrong_with_a_recipient_is_told_at_once(api: Caller) -> None:
    before = rows()

    shape = api.post(
        RECIPIENTS,
        {
            "name": 1,
            "properties": [
                {"key": "a"},
                {"key": "a"},
            ],
            "emailAdress": "x",
            "emailAddress": "nobody",
            "timeZone": "Moon",
        },
    )
    lacking = api.post(RECIPIENTS, {"recipientGroupId": UNKNOWN})
    values = api.post(
        RECIPIENTS,
        {"recipientGroupId": UNKNOWN, "emailAddress": "nobody", "language": "!", "timeZone": "Moon", "name": "x" * 101},
    )

    assert problems(shape) == [
        (1002, "name: must be text"),
        (1002, "properties: a is there twice"),
        (1001, "recipientGroupId: required"),
        (1004, "emailAdress: unknown field"),
        (1002, "emailAddress: not a valid e-mail address"),
        (1002, "timeZone: must be a time zone as Europe/Budapest"),
    ]
    assert problems(lacking) == [
        (1002, "recipientGroupId: there is no such recipient group"),
        (1001, "emailAddress: required: it needs an e-mail address or a postal address"),
    ]
    assert problems(values) == [
        (1002, "recipientGroupId: there is no such recipient group"),
        (1002, "emailAddress: not a valid e-mail address"),
        (1002, "name: must be at most 100 characters long"),
        (1002, "language: must be a language as hu or en-GB"),
        (1002, "timeZone: must be a time zone as Europe/Budapest"),
    ]
    assert rows() == before


def test_a_recipient_stays_in_its_group(api: Caller) -> None:
    group, other = make_group(api.core, size=1), make_group(api.core)
    (row,) = group.recipients.all()
    before = rows()

    answer = api.patch(f"{RECIPIENTS}/{row.pk}", {"recipientGroupId": str(other.uuid), "name": "New"})

    assert problems(answer) == [(1002, "recipientGroupId: a recipient stays in its group")]
    assert rows() == before


def test_a_name_is_given_to_one_group_of_a_client(api: Caller) -> None:
    mine = make_group(api.core, name="A")
    make_group(Caller().core, name="B")
    before = rows()

    assert problems(api.post(GROUPS, {"name": "A"})) == [(1002, f"name: is the name of another group, {mine.uuid}")]
    assert problems(api.post(GROUPS, {})) == [(1001, "name: required")]
    assert problems(api.post(GROUPS, {"name": "a\tb"})) == [(1002, "name: must be one line of at most 100 characters")]
    assert rows() == before
    read(api.post(GROUPS, {"name": "B"}))


def test_a_group_of_a_campaign_is_not_deleted(api: Caller) -> None:
    group = make_group(api.core, size=1)
    name = make_template(name="renewal", text="It is renewed.").template.name
    services.create(caller=api.core, title="Renewals", legs=[Leg(group_uuid=group.uuid, message_type=name)])
    before = rows()

    answer = api.call("DELETE", f"{GROUPS}/{group.uuid}")

    assert problems(answer) == [(3001, "the group is in use by the campaign Renewals")]
    assert rows() == before


def test_a_group_is_exported_so_that_no_spreadsheet_runs_it(api: Caller) -> None:
    group = make_group(api.core, name="Ügyfelek")
    people = [
        Person(name="=cmd()", email_address="a@example.com", properties={"b": "1;2", "a": "+1"}),
        Person(name="Ann", postal_address="1 High Street\nLondon", properties={"c": "3"}),
    ]
    for person in people:
        recipients.add(caller=api.core, group_uuid=group.uuid, person=person)

    answer = api.get(f"{GROUPS}/{group.uuid}/export")

    assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("text/csv; charset=utf-8", "nosniff")
    assert answer["Content-Disposition"] == "attachment; filename*=utf-8''%C3%9Cgyfelek.csv"
    assert streamed(answer) == [
        "\ufeffname;emailAddress;postalAddress;partnerRef;language;timeZone;a;b;c",
        "'=cmd();a@example.com;;;;;'+1;\"1;2\";",
        'Ann;;"1 High Street',
        'London";;;;;;3',
    ]


def _calls(group: Any, recipient: Any) -> list[tuple[str, str, Any]]:
    return [
        ("GET", f"{GROUPS}/{group}", b""),
        ("PATCH", f"{GROUPS}/{group}", {"name": "mine"}),
        ("DELETE", f"{GROUPS}/{group}", b""),
        ("GET", f"{GROUPS}/{group}/export", b""),
        ("GET", f"{RECIPIENTS}/{recipient}", b""),
        ("PATCH", f"{RECIPIENTS}/{recipient}", {"name": "mine"}),
        ("DELETE", f"{RECIPIENTS}/{recipient}", b""),
    ]


def test_s30_what_is_anothers_looks_like_what_never_was(api: Caller) -> None:
    group = make_group(Caller().core, size=1)
    (row,) = group.recipients.all()
    before = rows()

    for theirs, unknown in zip(
        _calls(group.uuid, row.pk), _calls(UNKNOWN, row.pk + 1000), strict=True
    ):  # fmt: skip
        told = [problems(api.call(*call)) for call in (theirs, unknown)]
        assert [code for ((code, _),) in told] == [3000, 3000]
        assert (
            told[0][0][1].replace(str(group.uuid), UNKNOWN).replace(f" {row.pk} ", f" {row.pk + 1000} ")
            == (told[1][0][1])
        )

    answer = api.post(RECIPIENTS, {"recipientGroupId": str(group.uuid), "emailAddress": "a@example.com"})
    assert problems(answer) == [(1002, "recipientGroupId: there is no such recipient group")]
    assert names(api, GROUPS) == names(api, RECIPIENTS) == []
    assert names(api, RECIPIENTS, recipientGroupId=str(group.uuid)) == []
    assert rows() == before


@pytest.mark.parametrize("name", ["x", "0", "9" * 30, "-1", "%00"])
def test_what_is_no_name_at_all_is_not_found_either(api: Caller, name: str) -> None:
    for method, path, data in _calls(name, name):
        assert [code for code, _ in problems(api.call(method, path, data))] == [3000], path


def test_it_takes_the_right_campaigns(api: Caller) -> None:
    other = Caller(rights=["send", "jobs.read", "jobs.run"])
    group = make_group(api.core, size=1)
    before = rows()

    calls = _calls(group.uuid, group.recipients.get().pk)
    calls += [(method, path, {}) for path in (GROUPS, RECIPIENTS) for method in ("GET", "POST")]
    for call in calls:
        assert problems(other.call(*call)) == [(2002, "the client lacks the right campaigns")]
        assert Client().generic(*call[:2]).status_code == 401
    assert rows() == before
