"""Campaigns on their way, for whoever watches over the site."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Exists, Min, OuterRef, Q
from django.utils import timezone

from campaigns import running
from campaigns.models import Campaign, CampaignPart, LegRun
from campaigns.states import CampaignStatus
from jobs.models import Job

# Three times as long as the trigger lifeCourse, which closes what is over, may take to look.
STRANDED = timedelta(minutes=15)
# Longer than anybody pauses a campaign and has it in mind.
FORGOTTEN = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How many campaigns are RUNNING, ``stranded`` ones of them with no open job for longer than STRANDED; how many are
    PAUSED, the longest for ``paused_seconds``."""

    running: int
    stranded: int
    paused: int
    paused_seconds: float


def standing() -> Standing:
    """Asked of what is not over alone, however many campaigns are."""
    paused = CampaignPart.objects.filter(paused_at__isnull=False, campaign__status=CampaignStatus.PAUSED)
    now = timezone.now()
    return Standing(
        running=Campaign.objects.filter(status=CampaignStatus.RUNNING).count(),
        stranded=_stranded(),
        paused=Campaign.objects.filter(status=CampaignStatus.PAUSED).count(),
        paused_seconds=(now - (paused.aggregate(since=Min("paused_at"))["since"] or now)).total_seconds(),
    )


def _stranded() -> int:
    since = timezone.now() - STRANDED
    fresh = Job.objects.filter(Q(finished_at=None) | Q(finished_at__gt=since), pk=OuterRef("run_job_id"))
    runs = LegRun.objects.filter(Exists(fresh), part__campaign=OuterRef("pk"))
    quiet = Campaign.objects.filter(~Exists(runs), status=CampaignStatus.RUNNING, updated_at__lt=since)
    parts = dict(CampaignPart.objects.filter(campaign__in=quiet).values_list("id", "campaign_id"))
    # One whose job has not begun has no run yet.
    awaited = {parts[pk] for pk in running.being_sent(parts)} if parts else set()
    return len(set(parts.values()) - awaited)
