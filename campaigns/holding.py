"""Letters of paused campaigns: kept back in portions, and let go again."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from campaigns import running
from campaigns.models import Campaign, LegRun
from jobs import services as job_services
from jobs.context import Context
from sending import queue, services
from sending.models import Message
from sending.states import HeldFor, Status

HOLD_CLASS = "hu.dbx.hammy.processor.campaign.CampaignPauseJobRunner"
CAMPAIGN, ACTION, SECONDS = "CAMPAIGN_UUID", "ACTION", "SECONDS"
PAUSE, RESUME = "PAUSE", "RESUME"
_PORTION = 1000


def hold_all(context: Context[Any], campaign: Campaign) -> int:
    """Keep back what of a campaign did not go out; how many letters."""
    actor = job_services.owner_of(context.job).actor
    count = 0
    for job_id in _jobs_of(campaign):
        waiting = Message.objects.filter(job_id=job_id, status=Status.ACCEPTED, closed_at=None).order_by("id")
        while ids := list(waiting.values_list("id", flat=True)[:_PORTION]):
            context.checkpoint()
            count += running.hold(Message.objects.filter(id__in=ids), actor=actor)
            context.progress(count, count)
    return count


def let_go_all(context: Context[Any], campaign: Campaign, *, paused_seconds: float) -> int:
    """Let what of a campaign was kept back go, each letter as much later as the pause was long; how many."""
    actor = job_services.owner_of(context.job).actor
    count = 0
    for job_id in _jobs_of(campaign):
        held = Message.objects.filter(
            job_id=job_id, closed_at=None, status=Status.HELD, held_for=HeldFor.PAUSE
        ).order_by("id")
        while ids := list(held.values_list("id", flat=True)[:_PORTION]):
            context.checkpoint()
            with transaction.atomic():
                those = Message.objects.filter(id__in=ids)
                late = timedelta(seconds=paused_seconds)
                those.filter(due_at__gt=timezone.now() - late).update(due_at=F("due_at") + late)
                moved = queue.move(those, Status.ACCEPTED, reason="its campaign goes on", actor=actor)
                services.wake_channels(Message.objects.filter(id__in=moved))
            count += len(moved)
            context.progress(count, count)
    return count


def _jobs_of(campaign: Campaign) -> list[int]:
    return list(LegRun.objects.filter(part__campaign=campaign).order_by("id").values_list("job_id", flat=True))
