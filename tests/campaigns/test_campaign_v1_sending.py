"""Campaigns over REST: estimated, looked at, tried, started, paused, cancelled, reported."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from campaigns.models import Campaign, RecipientGroup
from gateway.caller import Caller as CoreCaller
from jobs.models import Job
from sending import suppressing
from sending.addresses import wire_form
from sending.models import Message
from tests.campaigns.calls import CAMPAIGN, Caller, problems, read, rows
from tests.campaigns.factories import make_campaign, make_group
from tests.jobs.conftest import work
from tests.sending.factories import make_template, submitted

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Caller:
    return Caller()


@pytest.fixture
def group(api: Caller) -> RecipientGroup:
    return make_group(api.core, size=3)


@pytest.fixture
def campaign(api: Caller, group: RecipientGroup) -> Campaign:
    return make_campaign(api.core, group, make_group(api.core, size=2))


def path(campaign: Campaign, command: str) -> str:
    return f"{CAMPAIGN}/campaigns/{campaign.uuid}/{command}"


def job_of(answer: Any) -> Job:
    assert read(answer)["type"] == "jobResponses"
    (pair,) = answer.json()["meta"]["params"]
    assert pair["key"] == "jobUuid"
    return Job.objects.get(uuid=pair["value"])


def status(campaign: Campaign) -> str:
    campaign.refresh_from_db()
    return campaign.status


def test_a_campaign_is_started_paused_resumed_and_cancelled(api: Caller, campaign: Campaign) -> None:
    job = job_of(api.post(path(campaign, "start")))
    first, second = campaign.parts.all()
    assert dict(job.params) == {"legIds": f"{first.pk},{second.pk}"}
    work()
    assert (Message.objects.count(), status(campaign)) == (5, "RUNNING")
    job_of(api.post(path(campaign, "pause")))
    work()
    assert set(Message.objects.values_list("status", "held_for")) == {("HELD", "PAUSE")}
    assert status(campaign) == "PAUSED"
    job_of(api.post(path(campaign, "resume")))
    work()
    assert set(Message.objects.values_list("status", flat=True)) == {"ACCEPTED"}
    Message.objects.filter(pk=Message.objects.earliest("id").pk).update(status="SENT", closed_at=timezone.now())

    told = read(api.post(path(campaign, "cancel"), {"reason": "wrong text"}))

    assert told["type"] == "campaignReports"
    assert [(leg["legId"], leg["out"], leg["statuses"]) for leg in told["attributes"]["legs"]] == [
        (str(first.pk), 1, {"CANCELLED": 2, "SENT": 1}), (str(second.pk), 0, {"CANCELLED": 2}),
    ]  # fmt: skip


@pytest.mark.parametrize("in_query", [True, False])
def test_only_the_legs_named_are_sent(api: Caller, campaign: Campaign, in_query: bool) -> None:
    _, second = campaign.parts.all()
    address = path(campaign, "start")

    api.post(f"{address}?legIds={second.pk}") if in_query else api.post(address, {"legIds": [second.pk]})
    work()

    assert set(Message.objects.values_list("campaign_part_id", flat=True)) == {second.pk}


def test_a_campaign_can_be_paused_and_cancelled_before_its_job_ran(api: Caller, campaign: Campaign) -> None:
    job = job_of(api.post(path(campaign, "start")))

    job_of(api.post(path(campaign, "pause")))
    read(api.post(path(campaign, "cancel")))
    work()

    job.refresh_from_db()
    assert (job.status, Message.objects.count()) == ("CANCELLED", 0)


def test_what_cannot_be_done_now_is_refused_and_does_nothing(api: Caller, campaign: Campaign) -> None:
    first, _ = campaign.parts.all()
    for command, sentence in (
        ("pause", "the campaign is DRAFT, and not RUNNING"),
        ("resume", "the campaign is DRAFT, and not PAUSED"),
        ("cancel", "nothing of the campaign is being sent"),
    ):
        before = rows()
        assert problems(api.post(path(campaign, command))) == [(3001, sentence)]
        assert rows() == before
    job = job_of(api.post(path(campaign, "start"), {"legIds": [str(first.pk)]}))
    before = rows()

    again = api.post(path(campaign, "start"))
    unknown = api.post(path(campaign, "start"), {"legIds": [999999]})
    strange = api.post(path(campaign, "pause"), {"when": "now"})

    assert problems(again) == [(3001, f"the leg {first.pk} is being sent already, by job {job.pk}")]
    assert problems(unknown) == [(1002, "legIds: 999999 is no leg of this campaign")]
    assert problems(strange) == [(1004, "when: unknown field")]
    assert rows() == before


def test_the_report_tells_what_became_of_each_leg(api: Caller, campaign: Campaign, group: RecipientGroup) -> None:
    group.recipients.filter(name="Person 2").update(email_address="", postal_address="1 High Street")
    suppressing.suppress(caller=CoreCaller.house("anna"), address="person1@example.com", reason="asked")
    api.post(path(campaign, "start"))
    work()
    first, second = campaign.parts.all()

    told = read(api.get(path(campaign, "report")))["attributes"]

    plain = {"title": None, "runs": 1, "out": 0, "opened": 0, "suppressed": 1}
    assert (told["status"], told["closedAt"]) == ("RUNNING", None)
    assert told["legs"] == [
        {
            "legId": str(first.pk), "recipients": 3, "skipped": 1, "messages": 2,
            "statuses": {"ACCEPTED": 1, "CANCELLED": 1},
        } | plain,
        {
            "legId": str(second.pk), "recipients": 2, "skipped": 0, "messages": 2,
            "statuses": {"ACCEPTED": 1, "CANCELLED": 1},
        } | plain,
    ]  # fmt: skip


def test_an_estimate_tells_how_many_and_how_long(api: Caller, campaign: Campaign, group: RecipientGroup) -> None:
    house = CoreCaller.house("anna")
    first, second = campaign.parts.all()
    campaign.parts.filter(pk=second.pk).update(messages_per_minute=1)
    recipient = group.recipients.get(name="Person 3")
    api.patch(f"/hammy/json/recipient/v1/recipients/{recipient.pk}", {"emailAddress": "kovacs@árvíz.hu"})
    for address in ("PERSON1@example.com", wire_form("kovacs@árvíz.hu"), "nobody@example.com"):
        suppressing.suppress(caller=house, address=address, reason="asked")
    stranger = Caller()
    suppressing.suppress(caller=house, address="person2@example.com", reason="x", client_id=stranger.client.pk)

    def estimate(**query: Any) -> list[Any]:
        return [
            (leg["legId"], leg["recipients"], leg["suppressed"], leg["messagesPerMinute"], leg["basis"], leg["seconds"])
            for leg in read(api.get(path(campaign, "estimate"), query))["attributes"]["legs"]
        ]

    assert estimate() == [(str(first.pk), 3, 2, None, None, None), (str(second.pk), 2, 1, 1, "THROTTLE", 60)]
    half_past = timezone.now().replace(second=30, microsecond=0) - timedelta(minutes=30)
    for minutes in (0, 0, 10):
        message = submitted()
        Message.objects.filter(pk=message.pk).update(status="SENT", closed_at=half_past + timedelta(minutes=minutes))
    assert estimate(legIds=str(first.pk)) == [(str(first.pk), 3, 2, 1.5, "LAST_HOUR", 40)]
    assert problems(api.get(path(campaign, "estimate"), {"legIds": "x"})) == [(1002, "legIds: must be an id")]
    campaign.parts.filter(pk=second.pk).update(messages_per_minute=100_000)
    assert estimate(legIds=str(second.pk)) == [(str(second.pk), 2, 1, 1.5, "LAST_HOUR", 40)]
    Message.objects.update(closed_at=half_past - timedelta(days=1))
    ((*_, seconds),) = estimate(legIds=str(second.pk))
    assert (type(seconds), seconds) == (int, 1)
    group.recipients.filter(name="Person 2").update(email_address="", postal_address="1 Fő utca")
    (leg,) = read(api.get(path(campaign, "estimate"), {"legIds": first.pk}))["attributes"]["legs"]
    assert [leg[name] for name in ("recipients", "withoutAddress", "suppressed", "messages")] == [3, 1, 2, 0]
    unknown = api.get(path(campaign, "estimate"), {"legIds": "999999"})
    assert problems(unknown) == [(1002, "legIds: 999999 is no leg of this campaign")]
    assert unknown.json()["errors"][0]["source"] == {"parameter": "legIds"}


def test_a_preview_says_what_a_recipient_would_get(api: Caller, group: RecipientGroup) -> None:
    make_template(
        name="personal", subject="Dear {{ recipientName }}", html="<p>{{ properties.card }} {{ fromName }}</p>",
        text="Card {{ properties.card }}",
    )  # fmt: skip
    campaign = make_campaign(api.core, group, message_type="personal", from_name="Bank")
    leg, recipient = campaign.parts.get(), group.recipients.get(name="Person 1")
    query = {"legId": leg.pk, "recipientId": recipient.pk}
    refused = read(api.get(path(campaign, "preview"), query))
    recipient.properties = {"card": "<1>"}
    recipient.save()
    before = rows()

    shown = read(api.get(path(campaign, "preview"), query))

    plain = {
        "legId": str(leg.pk), "channel": "EMAIL", "recipientName": "Person 1",
        "recipientEmailAddress": "person1@example.com",
    }  # fmt: skip
    assert (refused["attributes"]["problems"], refused["attributes"]["text"]) == (
        ["properties: the template personal needs properties.card"], None,
    )  # fmt: skip
    assert (shown["type"], shown["attributes"]) == (
        "campaignPreviews",
        plain | {
            "subject": "Dear Person 1", "text": "Card <1>", "html": "<p>&lt;1&gt; Bank</p>", "problems": [],
        },
    )  # fmt: skip
    assert rows() == before


def test_a_preview_tells_what_a_recipient_lacks_by_the_names_of_its_door(api: Caller, group: RecipientGroup) -> None:
    campaign = make_campaign(api.core, group, channel="POST")
    query = {"legId": campaign.parts.get().pk, "recipientId": group.recipients.earliest("id").pk}
    shown = read(api.get(path(campaign, "preview"), query))
    assert shown["attributes"]["problems"] == ["postalAddress: required"]


def test_a_preview_needs_a_leg_and_a_recipient_of_its_group(api: Caller, campaign: Campaign) -> None:
    first, second = campaign.parts.all()
    theirs = second.group.recipients.earliest("id")

    def told(**query: Any) -> list[tuple[int, str]]:
        return problems(api.get(path(campaign, "preview"), query))

    assert told() == [(1001, "legId: required"), (1001, "recipientId: required")]
    assert told(legId="x", recipientId=theirs.pk) == [(1002, "legId: must be an id")]
    assert told(legId=first.pk, recipientId=theirs.pk) == [(3000, f"recipient {theirs.pk} not found")]
    other = make_campaign(api.core, first.group).parts.get()
    assert told(legId=other.pk, recipientId=theirs.pk) == [(3000, f"leg {other.pk} not found")]


def test_a_letter_is_tried_at_another_address(api: Caller, campaign: Campaign, group: RecipientGroup) -> None:
    leg, recipient = campaign.parts.earliest("id"), group.recipients.earliest("id")
    asked = {"legId": str(leg.pk), "recipientId": str(recipient.pk), "to": "us@example.com"}

    sent = read(api.post(path(campaign, "test"), asked))

    (message,) = Message.objects.all()
    assert (sent["type"], sent["id"]) == ("sendResponse", str(message.pk))
    assert (message.recipient_email_address, message.recipient_name) == ("us@example.com", "Person 1")
    assert (message.campaign_part_id, message.job_id) == (None, None)
    before = rows()
    assert problems(api.post(path(campaign, "test"), asked | {"to": "nobody"})) == [
        (1002, "to: not a valid e-mail address: nobody")
    ]
    assert problems(api.post(path(campaign, "test"), {})) == [
        (1001, "legId: required"), (1001, "recipientId: required"), (1001, "to: required"),
    ]  # fmt: skip
    assert rows() == before
    campaign.parts.update(channel="PORTAL")
    assert problems(api.post(path(campaign, "test"), asked)) == [(1002, "legId: only a letter by e-mail can be tried")]
    assert Message.objects.count() == 1


def test_a_letter_that_cannot_be_tried_names_whose_it_is(api: Caller, group: RecipientGroup) -> None:
    make_template(name="personal", text="Card {{ properties.card }}")
    campaign = make_campaign(api.core, group, message_type="personal")
    leg, recipient = campaign.parts.get(), group.recipients.get(name="Person 1")
    before = rows()

    answer = api.post(path(campaign, "test"), {"legId": leg.pk, "recipientId": recipient.pk, "to": "us@example.com"})

    assert problems(answer) == [(1001, "recipientId: the template personal needs properties.card")]
    assert rows() == before


def test_letters_are_their_clients_whoever_starts_the_campaign(api: Caller, campaign: Campaign) -> None:
    admin = Caller(rights=["campaigns", "see_all"])

    job_of(admin.post(path(campaign, "start")))
    work()

    assert set(Message.objects.values_list("client", flat=True)) == {api.client.pk}


def test_who_may_not_send_letters_starts_no_campaign(group: RecipientGroup) -> None:
    api = Caller(rights=["campaigns", "jobs.run"])
    group = make_group(api.core, size=1)
    campaign = make_campaign(api.core, group)
    leg, recipient = campaign.parts.get(), group.recipients.get()
    before = rows()

    start = api.post(path(campaign, "start"))
    test = api.post(path(campaign, "test"), {"legId": leg.pk, "recipientId": recipient.pk, "to": "a@example.com"})

    assert problems(start) == problems(test) == [(2002, "the client lacks the right send")]
    assert rows() == before
