"""From the moment of a pause nothing of a campaign goes out, whatever its letters wait for."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from campaigns import closing, services
from campaigns.models import Campaign
from gateway.caller import Caller
from jobs.services import trigger_job
from sending import maintenance
from sending.models import Message
from tests.campaigns.factories import make_campaign, make_group
from tests.jobs.conftest import work
from tests.sending.conftest import worker
from tests.sending.factories import ScriptedChannel

__all__ = ["worker"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(caller: Caller) -> Campaign:
    return make_campaign(caller, make_group(caller, size=2))


def statuses() -> list[tuple[str, str]]:
    return list(Message.objects.order_by("id").values_list("status", "held_for"))


@pytest.mark.parametrize("status", ["ACCEPTED", "RETRY"])
def test_no_worker_takes_a_letter_of_a_paused_leg(
    caller: Caller, campaign: Campaign, worker: Callable[..., ScriptedChannel], status: str
) -> None:
    services.start(caller=caller, uuid=campaign.uuid)
    work()
    services.pause(caller=caller, uuid=campaign.uuid)
    # Before the job of the pause has marked them.
    Message.objects.update(status=status)

    assert worker().parcels == []
    assert statuses() == [(status, ""), (status, "")]


def test_a_letter_whose_time_comes_in_a_pause_waits_for_its_end(caller: Caller) -> None:
    campaign = make_campaign(caller, make_group(caller, size=1), send_at=timezone.now() + timedelta(hours=1))
    services.start(caller=caller, uuid=campaign.uuid)
    work()
    services.pause(caller=caller, uuid=campaign.uuid)
    work()
    Message.objects.update(due_at=timezone.now())

    before = (maintenance.release_due(), statuses())
    services.resume(caller=caller, uuid=campaign.uuid)

    assert before == (0, [("HELD", "TIME")])
    assert (maintenance.release_due(), statuses()) == (1, [("ACCEPTED", "")])


def test_a_campaign_paused_before_its_first_letter_stays_paused(caller: Caller, campaign: Campaign) -> None:
    services.start(caller=caller, uuid=campaign.uuid)
    services.pause(caller=caller, uuid=campaign.uuid)

    assert closing.follow_all() == 0
    work()
    assert statuses() == [("HELD", "PAUSE")] * 2


def test_a_leg_added_in_a_pause_waits_with_the_others(caller: Caller, campaign: Campaign) -> None:
    services.start(caller=caller, uuid=campaign.uuid)
    services.pause(caller=caller, uuid=campaign.uuid)
    work()
    part = campaign.parts.get()
    leg = services.Leg(group_uuid=make_group(caller, size=1).uuid, message_type=part.message_type)
    services.add_legs(caller=caller, uuid=campaign.uuid, legs=[leg])

    services.start(caller=caller, uuid=campaign.uuid, leg_ids=[campaign.parts.order_by("id").last().pk])
    work()

    assert statuses() == [("HELD", "PAUSE")] * 3


def test_a_throttled_leg_has_its_turns_as_much_later_as_it_stood_still(caller: Caller) -> None:
    campaign = make_campaign(caller, make_group(caller, size=3), messages_per_minute=1)
    services.start(caller=caller, uuid=campaign.uuid)
    work()
    before = list(Message.objects.order_by("id").values_list("due_at", flat=True))
    services.pause(caller=caller, uuid=campaign.uuid)
    work()
    campaign.parts.update(paused_at=timezone.now() - timedelta(hours=2))

    services.resume(caller=caller, uuid=campaign.uuid)
    work()

    after = list(Message.objects.order_by("id").values_list("due_at", flat=True))
    assert [round((late - due).total_seconds() / 60) for due, late in zip(before, after, strict=True)] == [120] * 3


def test_a_campaign_paused_again_while_it_is_let_go_stays_paused(caller: Caller, campaign: Campaign) -> None:
    services.start(caller=caller, uuid=campaign.uuid)
    work()
    services.pause(caller=caller, uuid=campaign.uuid)
    work()
    services.resume(caller=caller, uuid=campaign.uuid)
    services.pause(caller=caller, uuid=campaign.uuid)

    work()

    assert statuses() == [("HELD", "PAUSE")] * 2


def test_cancelling_one_campaign_leaves_those_that_its_job_sends_beside(caller: Caller, campaign: Campaign) -> None:
    other = make_campaign(caller, make_group(caller, size=1))
    legs = [str(one.parts.get().pk) for one in (campaign, other)]
    trigger_job(caller=caller, name="campaignJob", leg_ids=legs)
    work()

    services.cancel(caller=caller, uuid=campaign.uuid)

    assert statuses() == [("CANCELLED", ""), ("CANCELLED", ""), ("ACCEPTED", "")]
