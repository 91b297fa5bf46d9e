"""Campaigns stand as their jobs do: closed with the last of their last run, on their way again with one that is run
again."""

from collections.abc import Collection

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from campaigns import running
from campaigns.models import Campaign, CampaignPart, LegRun
from campaigns.states import CampaignStatus
from jobs.models import Job
from jobs.queue import BegunToSend, Moved
from jobs.states import FINAL, Status

_CLASSES = {running.JOB_CLASS, running.LEG_CLASS}
_ON_THEIR_WAY = [CampaignStatus.RUNNING, CampaignStatus.PAUSED]


def on_job_moved(moved: Moved | BegunToSend) -> None:
    """Listens to every move of jobs (jobs.queue.listen). Once the move of a campaign's job is committed, and not within
    its transaction, which may have locked letters: those come behind campaigns. What a crash leaves undone
    ``lifeCourse`` does."""
    if isinstance(moved, Moved) and moved.to in {*FINAL, Status.NEW} and _CLASSES & moved.job_classes:
        job_ids = list(moved.job_ids)
        transaction.on_commit(lambda: follow(_campaigns_of(job_ids)), robust=True)


def _campaigns_of(job_ids: Collection[int]) -> set[int]:
    begun = LegRun.objects.filter(Q(job_id__in=job_ids) | Q(run_job_id__in=job_ids)).values_list("part_id", flat=True)
    # One that ended before it began has no runs.
    named = Job.objects.filter(id__in=job_ids, job_class=running.JOB_CLASS).only("id", "params")
    part_ids = {*begun, *(pk for job in named for pk in running.legs_named(job))}
    return set(CampaignPart.objects.filter(id__in=part_ids).values_list("campaign_id", flat=True))


def follow_all() -> int:
    """The same for all to whom it may apply; how many were closed."""
    leg_jobs = Job.objects.open().filter(job_class=running.LEG_CLASS)
    again = LegRun.objects.filter(job_id__in=leg_jobs.values("id")).values("part__campaign")
    wanted = Campaign.objects.filter(Q(status__in=_ON_THEIR_WAY) | Q(status=CampaignStatus.CLOSED, id__in=again))
    return follow(set(wanted.values_list("id", flat=True)))


def follow(campaign_ids: Collection[int]) -> int:
    """Close those of these campaigns of which nothing is being sent and no letter waits any more, and have those go on
    that were closed and of which something is being sent again; how many were closed."""
    if not campaign_ids:
        return 0
    now = timezone.now()
    with transaction.atomic():
        # In the order in which who begins them locks them, and before it is asked: nobody starts one meanwhile.
        list(running.locked_parts(CampaignPart.objects.filter(campaign__in=campaign_ids)).values_list("id"))
        mine = Campaign.objects.filter(id__in=campaign_ids)
        list(running.locked_campaigns(mine).values_list("id"))
        parts = dict(CampaignPart.objects.filter(campaign__in=campaign_ids).values_list("id", "campaign_id"))
        sent = {parts[pk] for pk in running.being_sent(parts)}
        waiting = {parts[pk] for pk in running.with_letters_on_their_way(parts)}
        again = mine.filter(id__in=sent, status=CampaignStatus.CLOSED)
        again.update(status=CampaignStatus.RUNNING, closed_at=None, updated_at=now)
        over = set(mine.filter(status__in=_ON_THEIR_WAY).values_list("id", flat=True)) - sent - waiting
        # One that was paused to its end begins its next run unpaused.
        CampaignPart.objects.filter(campaign__in=over, paused_at__isnull=False).update(paused_at=None)
        return mine.filter(id__in=over).update(status=CampaignStatus.CLOSED, closed_at=now, updated_at=now)
