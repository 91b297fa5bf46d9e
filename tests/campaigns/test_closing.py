"""A campaign stands as its jobs do: over with the last of them, on its way with one that is run again."""

from typing import Any

import pytest
from django.utils import timezone

from campaigns import closing, making, running, services
from campaigns.models import Campaign, CampaignPart
from gateway.caller import Caller
from gateway.errors import Refusal
from jobs import services as job_services
from jobs.models import Job
from jobs.params import LEGS
from jobs.states import Status
from sending import services as letters
from sending import withdrawing
from sending.models import Message, TemplateVersion
from tests.campaigns.factories import make_campaign, make_group
from tests.jobs.conftest import work

pytestmark = pytest.mark.django_db(transaction=True)
HOUSE = Caller.house("anna")


@pytest.fixture
def campaign(caller: Caller) -> Campaign:
    """One of two legs to two recipients each."""
    return make_campaign(caller, make_group(caller, size=2), make_group(caller, size=2))


def standing(campaign: Campaign) -> tuple[str, bool, list[bool]]:
    """Its status, whether it has a time at which it was closed, and which of its legs are paused."""
    campaign.refresh_from_db()
    paused = CampaignPart.objects.filter(campaign=campaign).order_by("id").values_list("paused_at", flat=True)
    return campaign.status, campaign.closed_at is not None, [at is not None for at in paused]


def begin(caller: Caller, campaign: Campaign, *, leg: int | None = None) -> Job:
    """Start it, or one of its legs, and make its letters."""
    ids = [] if leg is None else [campaign.parts.order_by("id")[leg].pk]
    job = services.start(caller=caller, uuid=campaign.uuid, leg_ids=ids)
    work()
    return job


def set_status(job: Job, status: Status) -> None:
    job_services.set_status(caller=HOUSE, ids=[job.pk], status=status)


def cancel_letters(caller: Caller, *, leg: CampaignPart) -> None:
    ids = Message.objects.filter(campaign_part_id=leg.pk).values_list("id", flat=True)
    letters.cancel(caller=caller, message_ids=list(ids), reason="wrong")


def states() -> list[tuple[str, str]]:
    return sorted(set(Message.objects.values_list("status", "held_for")))


def test_it_is_closed_with_its_last_letter(caller: Caller, campaign: Campaign) -> None:
    begin(caller, campaign)
    first, second = campaign.parts.order_by("id")

    cancel_letters(caller, leg=first)
    before = standing(campaign)
    cancel_letters(caller, leg=second)

    assert (before, standing(campaign)) == (("RUNNING", False, [False, False]), ("CLOSED", True, [False, False]))
    assert closing.follow_all() == 0


def test_it_is_closed_when_it_is_cancelled_and_no_other_is(caller: Caller, campaign: Campaign) -> None:
    other = make_campaign(caller, make_group(caller, size=2))
    for begun in (campaign, other):
        begin(caller, begun)

    services.cancel(caller=caller, uuid=campaign.uuid)

    assert (standing(campaign)[0], standing(other)[0]) == ("CLOSED", "RUNNING")


def test_cancelled_in_a_pause_before_it_began_it_is_closed_and_starts_anew_unpaused(
    caller: Caller, campaign: Campaign
) -> None:
    services.start(caller=caller, uuid=campaign.uuid)
    services.pause(caller=caller, uuid=campaign.uuid)
    services.cancel(caller=caller, uuid=campaign.uuid)

    assert standing(campaign) == ("CLOSED", True, [False, False])
    begin(caller, campaign)
    assert (standing(campaign)[0], states()) == ("RUNNING", [("ACCEPTED", "")])


def test_one_whose_job_cannot_begin_is_closed(caller: Caller, campaign: Campaign) -> None:
    services.start(caller=caller, uuid=campaign.uuid)
    TemplateVersion.objects.update(status="DISABLED")
    work()

    assert standing(campaign) == ("CLOSED", True, [False, False])


@pytest.mark.parametrize("status", [Status.FINISHED, Status.FAILED])
def test_a_job_that_was_ended_by_hand_closes_none_of_which_letters_wait(
    status: Status, caller: Caller, campaign: Campaign
) -> None:
    begin(caller, campaign, leg=0)
    services.pause(caller=caller, uuid=campaign.uuid)
    work()
    set_status(Job.objects.get(job_class=running.LEG_CLASS), status)

    assert (standing(campaign), states()) == (("PAUSED", False, [True, True]), [("HELD", "PAUSE")])
    services.resume(caller=caller, uuid=campaign.uuid)
    work()
    assert (standing(campaign)[0], states(), closing.follow_all()) == ("RUNNING", [("ACCEPTED", "")], 0)
    cancel_letters(caller, leg=campaign.parts.order_by("id")[0])
    assert (closing.follow_all(), standing(campaign)[0]) == (1, "CLOSED")


@pytest.mark.parametrize("is_paused", [False, True])
@pytest.mark.parametrize("status", [Status.FINISHED, Status.FAILED])
def test_cancelling_withdraws_what_jobs_left_that_were_ended_by_hand(
    status: Status, is_paused: bool, caller: Caller, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(withdrawing, "_AT_ONCE", 1)
    begin(caller, campaign)
    first, second = Job.objects.filter(job_class=running.LEG_CLASS).order_by("id")
    if is_paused:
        services.pause(caller=caller, uuid=campaign.uuid)
        work()
    set_status(first, status)

    reports = services.cancel(caller=caller, uuid=campaign.uuid, reason="wrong text")

    assert [(report.withdrawn, report.out) for report in reports] == [(2, 0), (2, 0)]
    assert (standing(campaign)[0], Message.objects.due("EMAIL", timezone.now()).count()) == ("CLOSED", 0)
    withdrawing.go_on()
    told = Message.objects.filter(job_id=first.pk).values_list("status", "reason").distinct()
    assert (list(told), states()) == (
        [("CANCELLED", "its campaign was cancelled: wrong text")],
        [("CANCELLED", "")],
    )
    second.refresh_from_db()
    assert second.status == "CANCELLED"
    with pytest.raises(Refusal, match="nothing of the campaign is being sent"):
        services.cancel(caller=caller, uuid=campaign.uuid)


def test_a_leg_that_failed_and_is_run_again_has_its_campaign_go_on(
    caller: Caller, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(making, "make_letters", _broken)
        begin(caller, campaign, leg=0)
    failed = standing(campaign)

    set_status(Job.objects.get(job_class=running.LEG_CLASS), Status.NEW)

    assert (failed, standing(campaign)) == (("CLOSED", True, [False] * 2), ("RUNNING", False, [False] * 2))
    services.pause(caller=caller, uuid=campaign.uuid)
    work()
    assert (standing(campaign)[0], states()) == ("PAUSED", [("HELD", "PAUSE")])


def test_a_pause_holds_while_a_job_waits_to_be_run_again(
    caller: Caller, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(making, "make_letters", _broken)
        failed = begin(caller, campaign, leg=0)
    begin(caller, campaign, leg=1)
    services.pause(caller=caller, uuid=campaign.uuid)
    work()
    set_status(failed, Status.NEW)

    cancel_letters(caller, leg=campaign.parts.order_by("id")[1])
    between = standing(campaign)
    work()

    assert (between, standing(campaign)) == (("PAUSED", False, [True, True]),) * 2
    assert states() == [("CANCELLED", ""), ("HELD", "PAUSE")]


def test_a_leg_that_is_added_and_started_meanwhile_keeps_it_open(
    caller: Caller, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(caller, campaign, leg=0)
    locked = running.locked_campaigns

    def started_meanwhile(campaigns: Any) -> Any:
        monkeypatch.setattr(running, "locked_campaigns", locked)
        services.start(caller=caller, uuid=campaign.uuid, leg_ids=[campaign.parts.order_by("id")[1].pk])
        return locked(campaigns)

    # Who begins one needs the campaign's row: he comes before it is locked, or after it was closed.
    monkeypatch.setattr(running, "locked_campaigns", started_meanwhile)
    cancel_letters(caller, leg=campaign.parts.order_by("id")[0])

    assert standing(campaign)[0] == "RUNNING"


def _broken(*_: Any) -> bool:
    raise ValueError("passing trouble")


def test_letters_that_wait_of_a_job_ended_by_hand_keep_their_leg_from_being_sent_once_more(
    caller: Caller, campaign: Campaign
) -> None:
    begin(caller, campaign, leg=0)
    set_status(Job.objects.get(job_class=running.LEG_CLASS), Status.FINISHED)
    work()
    first, second = campaign.parts.order_by("id")
    job = Job.objects.get(job_class=running.LEG_CLASS)
    told = f"letters of the leg {first.pk} wait, of job {job.pk}: let them go out, or cancel the campaign"

    with pytest.raises(Refusal, match=f"^{told}$"):
        services.start(caller=caller, uuid=campaign.uuid)
    params = [(LEGS, f"{first.pk},{second.pk}")]
    over_jobs = job_services.submit(caller=caller, job_class=running.JOB_CLASS, params=params)
    work()
    over_jobs.refresh_from_db()
    assert (over_jobs.status, over_jobs.reason) == ("FAILED", told)
    assert Message.objects.count() == 2

    # The other leg has none that wait; and cancelled, they wait no more.
    assert begin(caller, campaign, leg=1).pk
    services.cancel(caller=caller, uuid=campaign.uuid)
    begin(caller, campaign)
    assert sorted(Message.objects.values_list("status", flat=True)) == ["ACCEPTED"] * 4 + ["CANCELLED"] * 4
