"""Where a job's page leads: to the group of an import and its invalid lines, to the campaign of a run."""

from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from campaigns import holding, importing, running
from campaigns.admin import pages
from campaigns.admin.invalid_pages import may_see_lines
from campaigns.models import Campaign, InvalidLine, LegRun, RecipientGroup
from jobs.admin import links
from jobs.admin.links import Button
from jobs.models import Job


def _group_of(request: HttpRequest, job: Job) -> Button | None:
    if job.job_class != importing.JOB_CLASS or not request.user.has_perm("campaigns.view_recipientgroup"):
        return None
    uuids = _uuids(dict(job.params).get(importing.GROUP, ""))
    group = RecipientGroup.objects.filter(uuid__in=uuids).only("id").first()
    if group is None:
        return None
    return pages.button(_("Recipient group"), pages.address("recipientgroup", "change", group.pk), "groups")


def _invalid_lines_of(request: HttpRequest, job: Job) -> Button | None:
    if job.job_class != importing.JOB_CLASS or not may_see_lines(request):
        return None
    if not InvalidLine.objects.filter(job_id=job.pk).exists():
        return None
    return pages.button(_("Invalid lines"), pages.address("recipientgroup", "invalid", job.pk), "rule")


def _campaign_of(request: HttpRequest, job: Job) -> Button | None:
    if not request.user.has_perm("campaigns.view_campaign"):
        return None
    pk = None
    if job.job_class in (running.JOB_CLASS, running.LEG_CLASS):
        column = "run_job_id" if job.job_class == running.JOB_CLASS else "job_id"
        pk = LegRun.objects.filter(**{column: job.pk}).values_list("part__campaign_id", flat=True).first()
    elif job.job_class == holding.HOLD_CLASS:
        uuids = _uuids(dict(job.params).get(holding.CAMPAIGN, ""))
        pk = Campaign.objects.filter(uuid__in=uuids).values_list("id", flat=True).first()
    return None if pk is None else pages.button(_("Campaign"), pages.address("campaign", "change", pk), "campaign")


def _uuids(text: str) -> list[UUID]:
    """The one that a parameter holds, or none: anybody may have made such a job."""
    try:
        return [UUID(text)]
    except ValueError:
        return []


for maker in (_group_of, _invalid_lines_of, _campaign_of):
    links.register(maker)
