"""Campaigns on their way: each recipient once."""

from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from campaigns import closing, reporting, services
from campaigns.models import Campaign, LegRun, SkippedRecipient
from gateway.caller import Caller
from gateway.errors import Code, Refusal
from jobs import queue
from jobs.models import Job, Trigger
from jobs.services import trigger_job
from sending import services as send_services
from sending import suppressing
from sending.models import Message
from tests.campaigns.factories import make_campaign, make_group
from tests.jobs.conftest import work

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(caller: Caller) -> Campaign:
    return make_campaign(caller, make_group(caller, size=3), make_group(caller, size=2))


def test_each_recipient_gets_a_letter_of_each_leg(caller: Caller, campaign: Campaign) -> None:
    run = services.start(caller=caller, uuid=campaign.uuid)
    work()

    first, second = campaign.parts.order_by("id")
    sent = Message.objects.order_by("id").values_list("campaign_part_id", "recipient_email_address")
    assert list(sent) == [
        (first.pk, "person1@example.com"), (first.pk, "person2@example.com"), (first.pk, "person3@example.com"),
        (second.pk, "person1@example.com"), (second.pk, "person2@example.com"),
    ]  # fmt: skip
    run.refresh_from_db()
    children = Job.objects.filter(parent=run).order_by("id")
    assert (run.status, [child.total for child in children]) == ("RUNNING", [3, 2])
    campaign.refresh_from_db()
    assert campaign.status == "RUNNING"


_OWN = {"id", "uuid", "idempotency_key", "job_id", "created_at", "updated_at", "due_at"}


def _stored(message: Message) -> dict[str, Any]:
    values = {field.attname: getattr(message, field.attname) for field in Message._meta.concrete_fields}
    values["digest"] = bytes(values["digest"])
    return {name: value for name, value in values.items() if name not in _OWN}


def test_a_letter_of_a_campaign_is_stored_as_one_that_somebody_hands_over(caller: Caller) -> None:
    group = make_group(caller, size=2)
    group.recipients.filter(name="Person 2").update(
        language="hu", time_zone="Europe/Budapest", partner_ref="P-2", properties={"szerződés": 'A "1"', "empty": ""}
    )
    campaign = make_campaign(caller, group, from_address="us@example.com", from_name="Mi")
    services.start(caller=caller, uuid=campaign.uuid)
    work()
    part = campaign.parts.get()
    of_campaign = list(Message.objects.order_by("id"))
    more = {"batch_id": str(campaign.uuid), "campaign_part_id": part.pk, "message_type_version": 1}
    for recipient in group.recipients.order_by("id"):
        send_services.submit(caller=caller, letter=replace(services.letter_for(part, recipient), **more))

    alone = Message.objects.exclude(id__in=[message.pk for message in of_campaign]).order_by("id")
    assert [_stored(message) for message in of_campaign] == [_stored(message) for message in alone]
    assert of_campaign[1].content["properties"] == [
        {"key": "language", "value": "hu"},
        {"key": "timeZone", "value": "Europe/Budapest"},
        {"key": "szerződés", "value": 'A "1"'},
    ]


def test_its_job_counts_the_legs_that_have_ended_well(caller: Caller) -> None:
    groups = [make_group(caller, size=size) for size in (2, 1, 1)]
    run = services.start(caller=caller, uuid=make_campaign(caller, *groups).uuid)
    work()
    legs = list(LegRun.objects.order_by("id"))

    def told() -> tuple[str, int | None, int | None]:
        run.refresh_from_db()
        return run.status, run.completed, run.total

    def end(leg: LegRun, status: str) -> None:
        Message.objects.filter(job_id=leg.job_id).update(status=status, closed_at=timezone.now(), due_at=None)
        queue.settle([leg.job_id])

    # Jobs below a leg make its letters, and are none of what it counts.
    leg_jobs = Job.objects.filter(id__in=[leg.job_id for leg in legs]).order_by("id")
    assert list(leg_jobs.values_list("completed", "total")) == [(0, 2), (0, 1), (0, 1)]
    found = [told()]
    for leg, status in zip(legs, ("SENT", "FAILED", "SENT"), strict=True):
        end(leg, status)
        found.append(told())
    assert found == [("RUNNING", 0, 3), ("RUNNING", 1, 3), ("RUNNING", 1, 3), ("FAILED", 2, 3)]


def test_a_campaign_is_not_started_while_it_is_being_sent(caller: Caller, campaign: Campaign) -> None:
    services.start(caller=caller, uuid=campaign.uuid)
    work()

    with pytest.raises(Refusal) as refused:
        services.start(caller=caller, uuid=campaign.uuid)

    assert refused.value.code == Code.STATE_CONFLICT
    assert LegRun.objects.count() == 2


def test_a_trigger_sends_the_legs_it_is_given(caller: Caller, campaign: Campaign) -> None:
    leg = campaign.parts.order_by("id").last()
    assert leg is not None
    assert Trigger.objects.filter(name="campaignJob").exists()

    trigger_job(caller=caller, name="campaignJob", leg_ids=[str(leg.pk)])
    work()

    assert set(Message.objects.values_list("campaign_part_id", flat=True)) == {leg.pk}


def test_who_cannot_be_written_to_is_left_out_and_told(caller: Caller) -> None:
    group = make_group(caller, size=2)
    group.recipients.filter(name="Person 2").update(email_address="", postal_address="1 High Street")
    campaign = make_campaign(caller, group)
    services.start(caller=caller, uuid=campaign.uuid)
    work()

    assert [one.reason for one in SkippedRecipient.objects.all()] == ["e-mail: required"]
    (report,) = reporting.reports(campaign)
    assert (report.recipients, report.skipped, dict(report.statuses)) == (2, 1, {"ACCEPTED": 1})


def test_a_suppressed_recipient_is_accounted_for(caller: Caller) -> None:
    campaign = make_campaign(caller, make_group(caller, size=2))
    suppressing.suppress(caller=Caller.house("anna"), address="person1@example.com", reason="asked")
    services.start(caller=caller, uuid=campaign.uuid)
    work()

    (report,) = reporting.reports(campaign)
    assert (dict(report.statuses), report.suppressed) == ({"ACCEPTED": 1, "CANCELLED": 1}, 1)


def test_a_paused_campaign_lets_nothing_go_until_it_is_resumed(caller: Caller, campaign: Campaign) -> None:
    services.start(caller=caller, uuid=campaign.uuid)
    work()
    services.pause(caller=caller, uuid=campaign.uuid)
    work()

    held = set(Message.objects.values_list("status", "held_for"))
    services.resume(caller=caller, uuid=campaign.uuid)
    work()

    assert held == {("HELD", "PAUSE")}
    assert set(Message.objects.values_list("status", "held_for")) == {("ACCEPTED", "")}


def test_a_cancelled_campaign_withdraws_what_did_not_go_out(caller: Caller, campaign: Campaign) -> None:
    services.start(caller=caller, uuid=campaign.uuid)
    work()

    first, second = services.cancel(caller=caller, uuid=campaign.uuid, reason="wrong text")

    assert (dict(first.statuses), dict(second.statuses)) == ({"CANCELLED": 3}, {"CANCELLED": 2})
    assert (first.out, second.out) == (0, 0)


def test_two_starts_at_once_are_one_run(caller: Caller, campaign: Campaign) -> None:
    services.start(caller=caller, uuid=campaign.uuid)

    with pytest.raises(Refusal) as refused:
        services.start(caller=caller, uuid=campaign.uuid)
    work()

    assert refused.value.code == Code.STATE_CONFLICT
    assert (Job.objects.filter(parent=None).count(), Message.objects.count()) == (1, 5)


def test_a_campaign_that_was_cancelled_while_paused_goes_out_when_it_is_started_again(
    caller: Caller, campaign: Campaign
) -> None:
    services.start(caller=caller, uuid=campaign.uuid)
    work()
    services.pause(caller=caller, uuid=campaign.uuid)
    work()
    services.cancel(caller=caller, uuid=campaign.uuid)
    work()
    assert closing.follow_all() == 1

    services.start(caller=caller, uuid=campaign.uuid)
    work()

    assert Message.objects.filter(status="ACCEPTED", held_for="").count() == 5


def test_letters_are_those_of_the_campaigns_client_whoever_starts_it(caller: Caller, campaign: Campaign) -> None:
    services.start(caller=Caller.house("anna"), uuid=campaign.uuid)
    work()

    assert set(Message.objects.values_list("client_id", "user_name")) == {(caller.client_id, "anna")}
