"""The console's recipient groups: listed, made, renamed, exported, deleted; and the recipients in them."""

import csv
import io
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns import recipients
from campaigns.admin import finding, groups
from campaigns.models import Recipient, RecipientGroup
from campaigns.recipient_rules import Person
from gateway.caller import Caller
from gateway.console import paging
from tests.campaigns.console import GROUPS, NASTY, RECIPIENTS, SAFE, add_address, ids, notices, offered
from tests.campaigns.factories import make_campaign, make_group
from tests.console import client_of, plain_pages, trail  # noqa: F401
from tests.factories import make_client

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> Caller:
    return Caller.house("anna")


def test_the_list_costs_the_same_queries_however_many_rows_it_has(house: Caller) -> None:
    client = client_of("Viewer")
    counts = []
    for _ in range(2):
        for _more in range(5):
            make_group(house, size=2)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(GROUPS).status_code == 200
        counts.append(len(queries))
    # Session, user, permissions of the user and of the groups, badge, count, page, clients.
    assert counts == [8, 8]


def test_recipients_are_counted_only_so_far(house: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (paging, finding, groups):
        monkeypatch.setattr(module, "CAP", 3)
    few, many = make_group(house, size=3), make_group(house, size=5)
    response = client_of("Viewer").get(GROUPS)
    counted = {row.pk: row.counted for row in response.context["cl"].result_list}
    assert counted == {few.pk: 3, many.pk: 4}
    page = response.content.decode()
    assert ("3+" in page, ">5<" in page) == (True, False)


def test_a_group_is_made_for_the_house_or_for_a_client() -> None:
    client = client_of("Template editor")
    owner, _keys = make_client()
    poor, _keys = make_client(rights=["send"])
    assert client.post(f"{GROUPS}add/", {"name": "Ügyfelek", "description": "x"}).status_code == 302
    assert client.post(f"{GROUPS}add/", {"name": "Ügyfelek", "client": owner.pk}).status_code == 302
    refused = client.post(f"{GROUPS}add/", {"name": "Mások", "client": poor.pk})
    again = client.post(f"{GROUPS}add/", {"name": "Ügyfelek"})

    assert list(RecipientGroup.objects.order_by("id").values_list("name", "client_id")) == [
        ("Ügyfelek", None),
        ("Ügyfelek", owner.pk),
    ]
    assert (refused.status_code, refused.context["form"].errors["client"]) == (
        409,
        ["the client lacks the right campaigns"],
    )
    house = RecipientGroup.objects.get(client=None)
    words = f"is the name of another group, {house.uuid}"
    assert (again.status_code, again.context["form"].errors["name"]) == (409, [words])
    assert [words for _pk, words in trail()] == ["create", "create"]


def test_a_group_is_renamed(house: Caller) -> None:
    group, other = make_group(house), make_group(house)
    client = client_of("Administrator")
    assert client.post(f"{GROUPS}{group.pk}/rename/", {"name": other.name}).status_code == 409
    assert client.post(f"{GROUPS}{group.pk}/rename/", {"name": NASTY, "description": "d"}).status_code == 302
    group.refresh_from_db()
    assert (group.name, group.description) == (NASTY, "d")
    page = client.get(f"{GROUPS}{group.pk}/change/").content.decode()
    assert (SAFE in page, NASTY in page) == (True, False)
    assert trail() == [(str(group.pk), "rename")]


def test_a_group_that_a_leg_names_is_not_deleted_and_the_page_says_why(house: Caller) -> None:
    group = make_group(house, size=2)
    campaign = make_campaign(house, group)
    client = client_of("Administrator")
    address = f"{GROUPS}{group.pk}/delete/"
    refused = client.post(address, {"reason": "old"})
    assert refused.status_code == 409
    assert "in use by the campaign Renewals" in refused.content.decode()
    assert (Recipient.objects.count(), trail()) == (2, [])

    campaign.delete()
    assert client.post(address, {"reason": "old"})["Location"] == GROUPS
    assert not RecipientGroup.objects.exists()
    assert not Recipient.objects.exists()
    assert [words for _pk, words in trail()] == ["delete: old"]


def test_a_group_that_a_leg_names_is_not_asked_about_before_it_is_deleted(house: Caller) -> None:
    group = make_group(house, size=1)
    campaign = make_campaign(house, group)
    client, address = client_of("Administrator"), f"{GROUPS}{group.pk}/delete/"
    answer = client.get(address, follow=True)
    assert answer.redirect_chain == [(f"{GROUPS}{group.pk}/change/", 302)]
    assert notices(answer) == ["The campaign Renewals sends to this group: it cannot be deleted."]
    campaign.delete()
    assert client.get(address).status_code == 200


def test_each_role_is_offered_what_it_may_do(house: Caller) -> None:
    group = make_group(house)
    shown = {}
    for role in ("Viewer", "Operator", "Template editor", "Administrator"):
        answer = client_of(role).get(f"{GROUPS}{group.pk}/change/")
        shown[role] = (offered(answer), [str(link["title"]) for link in answer.context["ways_on"]])
        assert all(f'href="{link["path"]}"' in answer.content.decode() for link in answer.context["ways_on"])
    edits = (["Recipients", "Import"], ["Export", "Rename", "Delete"])
    assert shown == {
        "Viewer": ([], []),
        "Operator": (["Recipients"], ["Export"]),
        "Template editor": edits,
        "Administrator": edits,
    }


@pytest.mark.parametrize(("role", "status"), [("Viewer", 403), ("Operator", 403), ("", 403)])
def test_who_may_not_edit_changes_nothing(house: Caller, role: str, status: int) -> None:
    group = make_group(house, size=1)
    person = Recipient.objects.get()
    client = client_of(role)
    for address in (
        f"{GROUPS}add/",
        f"{GROUPS}{group.pk}/rename/",
        f"{GROUPS}{group.pk}/delete/",
        f"{GROUPS}{group.pk}/import/",
        add_address(group),
        f"{RECIPIENTS}{person.pk}/change/",
        f"{RECIPIENTS}{person.pk}/delete/",
    ):
        answer = client.post(address, {"name": "x", "reason": "x", "email_address": "x@example.com"})
        assert (address, answer.status_code) == (address, status)
    group.refresh_from_db()
    person.refresh_from_db()
    assert (group.name != "x", person.name, Recipient.objects.count()) == (True, "Person 1", 1)
    assert not LogEntry.objects.exists()


def test_a_viewer_sees_no_recipients(house: Caller) -> None:
    group = make_group(house, size=1)
    person = Recipient.objects.get()
    client = client_of("Viewer")
    assert "person1@example.com" not in client.get(f"{GROUPS}{group.pk}/change/").content.decode()
    for address in (RECIPIENTS, f"{RECIPIENTS}{person.pk}/change/", f"{GROUPS}{group.pk}/export/"):
        assert (address, client.get(address).status_code) == (address, 403)


def test_recipients_are_found_in_their_group_by_name_address_and_partner(house: Caller) -> None:
    group, other = make_group(house), make_group(house)
    people = [
        recipients.add(caller=house, group_uuid=where.uuid, person=person)
        for where, person in (
            (group, Person(name="Kiss Éva", email_address="eva@example.com", partner_ref="P-1")),
            (group, Person(name="Nagy Pál", email_address="evacska@example.com")),
            (other, Person(name="Kiss Éva", email_address="eva@example.com", partner_ref="P-1")),
        )
    ]
    first, second, third = (person.pk for person in people)
    client = client_of("Operator")

    def found(words: str, within: RecipientGroup | None = group) -> list[int]:
        given: dict[str, Any] = {"q": words} | ({"group": within.pk} if within else {})
        return ids(client.get(RECIPIENTS, given))

    assert found("eva") == [second, first]
    assert found("EVA@") == [first]
    assert found("éva") == [first]
    assert found("P-1") == [first]
    assert found("P-") == []
    assert found("P-1", None) == [third, first]
    assert found("") == [second, first]
    assert found("\x00") == [second, first]


def test_the_list_of_recipients_costs_the_same_queries_however_many_there_are(house: Caller) -> None:
    client = client_of("Operator")
    counts = []
    group = make_group(house)
    for step in range(2):
        for number in range(10):
            person = Person(name=f"P {number}", email_address=f"p{step}{number}@example.com")
            recipients.add(caller=house, group_uuid=group.uuid, person=person)
        for given in ({"group": group.pk}, {"group": group.pk, "q": "p"}):
            with CaptureQueriesContext(connection) as queries:
                assert len(ids(client.get(RECIPIENTS, given))) == (step + 1) * 10
            counts.append(len(queries))
    # Session, user, permissions of both kinds, badge, group, count, page; a search looks three times before.
    assert counts == [8, 11, 8, 11]


def test_a_recipient_is_added_changed_and_removed(house: Caller) -> None:
    group = make_group(house)
    client = client_of("Template editor")
    form = {
        "name": "Kiss Éva", "email_address": "eva@example.com", "postal_address": "1 Fő utca\r\n1011 Budapest",
        "properties": "szerződés=A-1\nszínek=piros\n kék",
    }  # fmt: skip
    assert client.get(add_address(group)).status_code == 200
    assert client.post(add_address(group), form)["Location"] == f"{RECIPIENTS}?group={group.pk}"
    person = Recipient.objects.get()
    assert (person.postal_address, person.properties) == (
        "1 Fő utca\n1011 Budapest",
        {"szerződés": "A-1", "színek": "piros\nkék"},
    )

    address = f"{RECIPIENTS}{person.pk}/change/"
    page = client.get(address)
    assert "szerződés=A-1" in page.content.decode()
    refused = client.post(address, form | {"email_address": "nothing"})
    assert (refused.status_code, refused.context["form"].errors["email_address"]) == (
        409,
        ["not a valid e-mail address"],
    )
    assert client.post(address, form | {"name": "Éva"}).status_code == 302
    person.refresh_from_db()
    assert person.name == "Éva"

    assert client.post(f"{RECIPIENTS}{person.pk}/delete/", {"reason": "asked"}).status_code == 302
    assert not Recipient.objects.exists()
    assert trail() == [(str(person.pk), "create"), (str(person.pk), "change"), (str(person.pk), "delete: asked")]


def test_a_recipient_is_added_to_no_group_but_the_one_whose_list_it_was(house: Caller) -> None:
    client = client_of("Administrator")
    answer = client.get(f"{RECIPIENTS}add/", follow=True)
    assert (answer.redirect_chain, notices(answer)) == (
        [(GROUPS, 302)],
        ["Recipients are added on the list of their group: choose one."],
    )


def test_who_may_only_look_sees_a_recipient_without_a_form(house: Caller) -> None:
    make_group(house, size=1)
    Recipient.objects.update(name=NASTY, properties={"a": NASTY})
    response = client_of("Operator").get(f"{RECIPIENTS}{Recipient.objects.get().pk}/change/")
    page = response.content.decode()
    assert (response.status_code, page.count(SAFE) >= 2, NASTY in page) == (200, True, False)
    assert 'name="email_address"' not in page


def test_a_group_is_exported_as_a_file_that_no_spreadsheet_runs(house: Caller) -> None:
    group = make_group(house, name="A/B")
    for person in (
        Person(name="=1+1", email_address="eva@example.com", properties={"szám": "+36 1", "x": "1"}),
        Person(name="Pál", postal_address="1 Fő utca\n1011 Budapest", properties={"y": "2"}),
    ):
        recipients.add(caller=house, group_uuid=group.uuid, person=person)
    answer: Any = client_of("Operator").get(f"{GROUPS}{group.pk}/export/")
    content = b"".join(answer.streaming_content)
    assert answer["Content-Disposition"] == 'attachment; filename="A_B.csv"'
    assert content.startswith(b"\xef\xbb\xbf")
    assert list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";")) == [
        ["name", "emailAddress", "postalAddress", "partnerRef", "language", "timeZone", "szám", "x", "y"],
        ["'=1+1", "eva@example.com", "", "", "", "", "'+36 1", "1", ""],
        ["Pál", "", "1 Fő utca\n1011 Budapest", "", "", "", "", "", "2"],
    ]
    assert trail() == [(str(group.pk), "export")]
