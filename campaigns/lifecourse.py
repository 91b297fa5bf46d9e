"""Derived states brought up to date (contract job_v1, ``LifeCourseStatusUpdaterJob``)."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from campaigns.models import Campaign, CampaignPart, LegRun
from campaigns.states import CampaignStatus
from jobs.models import Job
from sending import maintenance

JOB_CLASS = "hu.dbx.hammy.processor.lifecourse.LifeCourseStatusUpdaterJob"


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """How many campaigns were closed, and letters withdrawn because their time was over."""

    closed: int
    withdrawn: int


def update() -> Updated:
    """Close campaigns whose last run is over, and withdraw letters that expired."""
    return Updated(closed=close_campaigns(), withdrawn=maintenance.withdraw_expired())


def close_campaigns() -> int:
    """Close what is being sent no more; how many."""
    open_jobs = Job.objects.open().filter(pk=OuterRef("run_job_id"))
    open_runs = LegRun.objects.filter(Exists(open_jobs), part__campaign=OuterRef("pk"))
    over = Campaign.objects.filter(~Exists(open_runs), status__in=[CampaignStatus.RUNNING, CampaignStatus.PAUSED])
    now = timezone.now()
    with transaction.atomic():
        # One that was paused to its end begins its next run unpaused.
        CampaignPart.objects.filter(campaign__in=over, paused_at__isnull=False).update(paused_at=None)
        return over.update(status=CampaignStatus.CLOSED, closed_at=now, updated_at=now)
