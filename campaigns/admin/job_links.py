"""Where a job's page leads: to the group of an import and its invalid lines, to the campaign of a run."""

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from campaigns import holding, importing, running
from campaigns.admin import pages
from campaigns.admin.invalid_pages import group_of, may_see_lines
from campaigns.models import Campaign, InvalidLine, LegRun
from jobs.admin import links
from jobs.admin.links import Button
from jobs.models import Job


def _group_of(request: HttpRequest, job: Job) -> Button | None:
    if job.job_class != importing.JOB_CLASS or not request.user.has_perm("campaigns.view_recipientgroup"):
        return None
    group = group_of(job)
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
        named = pages.uuids(dict(job.params).get(holding.CAMPAIGN, ""))
        pk = Campaign.objects.filter(uuid__in=named).values_list("id", flat=True).first()
    return None if pk is None else pages.button(_("Campaign"), pages.address("campaign", "change", pk), "campaign")


for maker in (_group_of, _invalid_lines_of, _campaign_of):
    links.register(maker)
