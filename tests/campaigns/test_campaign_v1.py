"""Campaigns over REST: made, read, changed, deleted."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns import services
from campaigns.models import Campaign, RecipientGroup
from gateway.dates import format_moment
from tests.campaigns.calls import CAMPAIGN, JSON_API, UNKNOWN, Caller, document, problems, read, rows
from tests.campaigns.factories import make_campaign, make_group
from tests.jobs.conftest import work
from tests.sending.factories import make_template

pytestmark = pytest.mark.django_db

CAMPAIGNS = f"{CAMPAIGN}/campaigns"
COMMANDS = ("start", "pause", "resume", "cancel", "test")
READS = ("report", "estimate", "preview")


@pytest.fixture
def api() -> Caller:
    return Caller()


@pytest.fixture
def group(api: Caller) -> RecipientGroup:
    return make_group(api.core, size=2)


@pytest.fixture
def template() -> str:
    return make_template(name="renewal", text="It is renewed.").template.name


def a_leg(group: RecipientGroup, template: str, **members: Any) -> dict[str, Any]:
    return {"recipientGroupId": str(group.uuid), "messageType": template} | members


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_campaign_is_made_read_and_deleted(api: Caller, group: RecipientGroup, template: str, slash: str) -> None:
    at = timezone.now() + timedelta(days=1)
    leg = a_leg(
        group, template, title="First", messageTypeVersion=1, channel="EMAIL", fromAddress="us@example.com",
        fromName="Us", sendAt=format_moment(at), messagesPerMinute=60,
    )  # fmt: skip

    made = read(api.post(f"{CAMPAIGNS}{slash}", {"title": "Renewals", "legs": [leg, a_leg(group, template)]}))

    campaign = Campaign.objects.get()
    first, second = campaign.parts.all()
    plain = dict.fromkeys(("title", "messageTypeVersion", "fromAddress", "fromName", "sendAt", "messagesPerMinute"))
    assert made == {
        "type": "campaigns", "id": str(campaign.uuid),
        "attributes": {
            "title": "Renewals", "status": "DRAFT", "createdAt": format_moment(campaign.created_at),
            "updatedAt": format_moment(campaign.updated_at), "startedAt": None, "closedAt": None,
            "legs": [
                {"legId": str(first.pk), "pausedAt": None} | leg,
                {"legId": str(second.pk), "channel": "EMAIL", "pausedAt": None} | a_leg(group, template) | plain,
            ],
        },
    }  # fmt: skip
    path = f"{CAMPAIGNS}/{campaign.uuid}{slash}"
    assert read(api.get(path)) == made
    assert read(api.call("DELETE", path))["type"] == "campaignResponses"
    assert not Campaign.objects.exists()


def test_campaigns_are_listed_the_newest_first(api: Caller, group: RecipientGroup) -> None:
    made = [make_campaign(api.core, group) for _ in range(3)]
    make_campaign(Caller().core)
    Campaign.objects.filter(pk=made[1].pk).update(title="Other", status="CLOSED")

    def ids(**query: Any) -> list[str]:
        return [item["id"] for item in read(api.get(CAMPAIGNS, query))]

    first, second, third = [str(campaign.uuid) for campaign in made]
    assert ids() == [third, second, first]
    assert (
        ids(limit=1, offset=1) == ids(title="oth") == ids(statuses="CLOSED,PAUSED") == ids(status="CLOSED") == [second]
    )
    assert ids(sort="createdAt") == [first, second, third]
    assert api.get(CAMPAIGNS, {"limit": 1}).json()["meta"]["total"] == 3
    assert problems(api.get(CAMPAIGNS, {"statuses": "GONE", "sort": "legs"})) == [
        (1004, "sort: unknown field, sort by createdAt, updatedAt, startedAt, title, status, a minus before it for"
               " descending"),
        (1002, "statuses: must be one of DRAFT, RUNNING, PAUSED, CLOSED"),
    ]  # fmt: skip


def test_a_change_gives_all_legs_that_there_are_to_be(api: Caller, group: RecipientGroup, template: str) -> None:
    campaign = make_campaign(api.core, group, group, message_type=template)
    first, second = campaign.parts.all()
    path = f"{CAMPAIGNS}/{campaign.uuid}"
    shown = read(api.get(path))["attributes"]

    kept = shown["legs"][1] | {"messagesPerMinute": 5}
    changed = read(api.patch(path, shown | {"title": "New", "legs": [kept, a_leg(group, template, title="third")]}))

    assert changed["attributes"]["title"] == "New"
    legs = list(campaign.parts.values_list("title", "messages_per_minute"))
    assert legs == [("", 5), ("third", None)]
    assert first.pk not in campaign.parts.values_list("pk", flat=True)
    assert second.pk in campaign.parts.values_list("pk", flat=True)
    read(api.patch(path, {"title": "Newer"}))
    assert campaign.parts.count() == 2


def test_nothing_of_a_campaign_is_changed_while_it_is_being_sent(api: Caller, group: RecipientGroup) -> None:
    campaign = make_campaign(api.core, group)
    (part,) = campaign.parts.all()
    path = f"{CAMPAIGNS}/{campaign.uuid}"
    legs = read(api.get(path))["attributes"]["legs"]

    job = services.start(caller=api.core, uuid=campaign.uuid)
    for _ in ("before its letters are made", "after"):
        before = rows()
        told = (3001, f"the leg {part.pk} is being sent, by job {job.pk}")
        assert problems(api.patch(path, {"legs": legs})) == problems(api.patch(path, {"legs": []})) == [told]
        assert problems(api.call("DELETE", path)) == [told]
        assert rows() == before
        work()
    read(api.patch(path, {"title": "Only its title"}))


def test_a_leg_that_was_sent_is_kept_with_its_report(api: Caller, group: RecipientGroup) -> None:
    campaign = make_campaign(api.core, group)
    (part,) = campaign.parts.all()
    services.start(caller=api.core, uuid=campaign.uuid)
    work()
    services.cancel(caller=api.core, uuid=campaign.uuid)
    before = rows()

    answer = api.patch(f"{CAMPAIGNS}/{campaign.uuid}", {"legs": []})

    assert problems(answer) == [(3001, f"legs: the leg {part.pk} was sent, and its report is kept")]
    assert rows() == before


def test_everything_wrong_is_told_at_once_and_nothing_is_made(
    api: Caller, group: RecipientGroup, template: str
) -> None:
    before = rows()
    wrong = a_leg(
        group, template, messageTypeVersion=0, messagesPerMinute="5", sendAt="soon", fromName="a\nb", colour="red"
    )  # fmt: skip
    shape = api.post(CAMPAIGNS, document("campaigns", legs=[wrong, {}], name="x"), content_type=JSON_API)
    values = api.post(
        CAMPAIGNS,
        {
            "title": " ",
            "legs": [
                a_leg(group, "unknown", channel="PIGEON"),
                {"recipientGroupId": UNKNOWN, "messageType": template, "channel": "PIGEON", "fromAddress": "x"},
            ],
        },
    )

    assert problems(shape)[0] == (1001, "title: required")
    assert {words for _, words in problems(shape)} == {
        "title: required",
        "name: unknown field",
        "legs[0].messageTypeVersion: must be at least 1",
        "legs[0].messagesPerMinute: must be a whole number",
        "legs[0].fromName: must be one line of at most 100 characters",
        "legs[0].colour: unknown field",
        "legs[1].recipientGroupId: required",
        "legs[1].messageType: required",
        next(words for _, words in problems(shape) if words.startswith("legs[0].sendAt: must be a moment as ")),
    }
    pointers = {error["source"]["pointer"] for error in shape.json()["errors"]}
    assert "/data/attributes/legs/0/messageTypeVersion" in pointers
    assert problems(values) == [
        (1002, "title: must be one line of 1 to 200 characters"),
        (3002, "legs[0].messageType: no such template"),
        (1002, "legs[0].channel: must be one of ARCHIVE, EMAIL, PORTAL, POST"),
        (1002, "legs[1].recipientGroupId: there is no such group"),
        (1002, "legs[1].channel: must be one of ARCHIVE, EMAIL, PORTAL, POST"),
    ]
    assert rows() == before


def test_legs_that_are_alike_are_looked_at_once(api: Caller, group: RecipientGroup, template: str) -> None:
    counts = []
    for number in (1, 2, 50):
        legs = [services.Leg(group_uuid=group.uuid, message_type=template, title=f"{n}") for n in range(number)]
        with CaptureQueriesContext(connection) as queries:
            services.checked(api.core, "Renewals", legs)
        counts.append(len(queries))
    # The first compiles the template.
    assert counts[1] == counts[2]


def test_the_legs_of_a_new_campaign_have_no_ids_yet(api: Caller, group: RecipientGroup, template: str) -> None:
    before = rows()

    answer = api.post(CAMPAIGNS, {"title": "New", "legs": [a_leg(group, template, legId="1")]})

    assert problems(answer) == [(1004, "legs[0].legId: unknown field")]
    assert rows() == before


@pytest.mark.parametrize(("leg_id", "sentence"), [("999999", "is no leg of this campaign"), ("x", "must be an id")])
def test_a_leg_of_another_campaign_is_not_changed(
    api: Caller, group: RecipientGroup, template: str, leg_id: str, sentence: str
) -> None:
    campaign = make_campaign(api.core, group)
    before = rows()

    answer = api.patch(f"{CAMPAIGNS}/{campaign.uuid}", {"legs": [a_leg(group, template, legId=leg_id)]})

    assert problems(answer) == [(1002, f"legs[0].legId: {sentence}")]
    assert rows() == before


def _calls(uuid: Any, leg: int, recipient: int) -> list[tuple[str, str, Any]]:
    path = f"{CAMPAIGNS}/{uuid}"
    body = {"legId": leg, "recipientId": recipient, "to": "us@example.com"}
    return [
        ("GET", path, b""),
        ("PATCH", path, {"title": "mine"}),
        ("DELETE", path, b""),
        *(("POST", f"{path}/{command}", body if command == "test" else b"") for command in COMMANDS),
        *(("GET", f"{path}/{name}?legId={leg}&recipientId={recipient}", b"") for name in READS),
    ]


def test_s30_what_is_anothers_looks_like_what_never_was(api: Caller) -> None:
    owner = Caller()
    group = make_group(owner.core, size=1)
    campaign = make_campaign(owner.core, group)
    leg, recipient = campaign.parts.get().pk, group.recipients.get().pk
    before = rows()

    for theirs, unknown in zip(_calls(campaign.uuid, leg, recipient), _calls(UNKNOWN, leg, recipient), strict=True):
        told = [problems(api.call(*call)) for call in (theirs, unknown)]
        assert [code for ((code, _),) in told] == [3000, 3000], theirs
        assert told[0][0][1].replace(str(campaign.uuid), UNKNOWN) == told[1][0][1]
    leg_of_theirs = {"recipientGroupId": str(group.uuid), "messageType": campaign.parts.get().message_type}
    assert problems(api.post(CAMPAIGNS, {"title": "x", "legs": [leg_of_theirs]})) == [
        (1002, "legs[0].recipientGroupId: there is no such group")
    ]
    assert read(api.get(CAMPAIGNS)) == []
    assert rows() == before


def test_it_takes_the_right_campaigns(api: Caller, group: RecipientGroup) -> None:
    campaign = make_campaign(api.core, group)
    other = Caller(rights=["send", "jobs.read", "jobs.run"])
    before = rows()

    calls = [*_calls(campaign.uuid, 1, 1), ("GET", CAMPAIGNS, b""), ("POST", CAMPAIGNS, {})]
    for call in calls:
        assert problems(other.call(*call)) == [(2002, "the client lacks the right campaigns")]
        assert Client().generic(*call[:2]).status_code == 401
    assert rows() == before
