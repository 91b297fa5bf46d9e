"""Letters of paused campaigns: kept back in portions, and let go again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from campaigns import running
from campaigns.models import Campaign, CampaignPart, LegRun
from campaigns.states import CampaignStatus
from jobs import services as job_services
from jobs.context import Context
from sending import queue, services
from sending.models import Message
from sending.models.message import MessageQuerySet
from sending.states import HeldFor, Status

HOLD_CLASS = "hu.dbx.hammy.processor.campaign.CampaignPauseJobRunner"
CAMPAIGN, ACTION = "CAMPAIGN_UUID", "ACTION"
PAUSE, RESUME = "PAUSE", "RESUME"
_PORTION = 1000


def paused_parts() -> Any:
    """The legs of which no letter goes out, asked by whoever looks for letters (sending.stopping): from the moment of a
    pause on nothing of them is taken. That their letters are HELD says so, and keeps them out of the way of others."""
    return CampaignPart.objects.filter(paused_at__isnull=False).values("id")


def hold_all(context: Context[Any], campaign: Campaign) -> int:
    """Mark what of a paused campaign did not go out as held; how many letters. It ends where the campaign goes on."""
    actor = job_services.owner_of(context.job).actor
    return _walk(
        context, campaign, CampaignStatus.PAUSED, {"status": Status.ACCEPTED},
        lambda messages: running.hold(messages, actor=actor),
    )  # fmt: skip


def let_go_all(context: Context[Any], campaign: Campaign) -> int:
    """Let what of a campaign was held go on; how many letters. It ends where the campaign is paused again."""
    actor = job_services.owner_of(context.job).actor

    def let_go(messages: MessageQuerySet) -> int:
        moved = queue.move(messages, Status.ACCEPTED, reason="its campaign goes on", actor=actor)
        services.wake_channels(Message.objects.filter(id__in=moved))
        return len(moved)

    held = {"status": Status.HELD, "held_for": HeldFor.PAUSE}
    return _walk(context, campaign, CampaignStatus.RUNNING, held, let_go)


def _walk(
    context: Context[Any],
    campaign: Campaign,
    status: CampaignStatus,
    which: dict[str, Any],
    act: Callable[[MessageQuerySet], int],
) -> int:
    """Act on a campaign's letters of one kind in portions, while it stands in ``status``."""
    count = 0
    for job_id in _jobs_of(campaign):
        after = 0
        chosen = Message.objects.filter(job_id=job_id, closed_at=None, **which).order_by("id")
        while ids := list(chosen.filter(id__gt=after).values_list("id", flat=True)[:_PORTION]):
            context.checkpoint()
            with transaction.atomic():
                # Held, so that whoever pauses it or lets it go on comes before this portion or after it.
                mine = running.locked_campaigns(Campaign.objects.filter(pk=campaign.pk))
                if not mine.filter(status=status).exists():
                    return count
                count += act(Message.objects.filter(id__in=ids))
            after = ids[-1]
            context.progress(count, count)
    return count


def shift(part: CampaignPart, seconds: float) -> None:
    """Let the letters of a throttled leg have their turns so much later, those made and those to come."""
    late = timedelta(seconds=seconds)
    part.paused_seconds += seconds
    jobs = LegRun.objects.filter(part=part).values("job_id")
    waiting = Message.objects.filter(job_id__in=jobs, job_id__isnull=False, closed_at=None, due_at__gt=part.paused_at)
    # Locked in the order in which all others lock letters.
    in_order = waiting.exclude(status=Status.SENDING).order_by("id").select_for_update(of=("self",), no_key=True)
    Message.objects.filter(id__in=in_order.values("id")).update(due_at=F("due_at") + late)


def _jobs_of(campaign: Campaign) -> list[int]:
    return list(LegRun.objects.filter(part__campaign=campaign).order_by("id").values_list("job_id", flat=True))
