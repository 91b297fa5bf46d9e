"""What the console tells of one campaign."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from campaigns import reporting, running
from campaigns.admin import pages, progress, wording
from campaigns.models import Campaign, CampaignPart, LegRun
from campaigns.states import CampaignStatus
from gateway.console import labels
from jobs.admin import cells
from jobs.models import Job
from jobs.states import FINAL
from sending.admin import bars

_RUNS = 20


def state(campaign: Campaign) -> SafeString:
    """Where it stands, coloured."""
    status = CampaignStatus(campaign.status)
    return labels.label(wording.STATUSES[status], wording.STATUS_COLOURS[status])


def page(campaign: Campaign) -> dict[str, Any]:
    """All that the page of a campaign shows of it, as it is now."""
    reports = reporting.reports(campaign)
    on_their_way = running.on_their_way([report.part.pk for report in reports])
    how_far = progress.of_campaigns([campaign.pk]).get(campaign.pk)
    return {
        "campaign": campaign,
        "is_on_its_way": bool(on_their_way),
        "is_open": campaign.status in (CampaignStatus.RUNNING, CampaignStatus.PAUSED),
        "state": state(campaign),
        "progress": progress.shown(how_far, wording.STATUS_COLOURS[CampaignStatus(campaign.status)]),
        "facts": [
            (_("Client"), campaign.client.name if campaign.client else _("The house")),
            ("UUID", campaign.uuid),
            (_("Created at"), labels.moment(campaign.created_at)),
            (pgettext("a campaign", "Started at"), _moment(campaign.started_at)),
            (pgettext("a campaign", "Closed at"), _moment(campaign.closed_at)),
        ],
        "legs": [
            {
                "part": report.part,
                "name": leg_name(report.part),
                "facts": leg_facts(report.part),
                "report": report,
                "is_on_its_way": report.part.pk in on_their_way,
                "bar": bars.bar(report.statuses, skipped=report.skipped, whole=report.recipients),
                "legend": bars.legend(report.statuses, skipped=report.skipped),
                "more": [
                    (_("Recipients"), bars.number(report.recipients)),
                    (pgettext("letters", "Suppressed"), bars.number(report.suppressed)),
                    (pgettext("letters", "Opened"), bars.number(report.opened)),
                ],
            }
            for report in reports
        ],
        "runs": _runs(campaign),
        "has_left_out": any(report.skipped for report in reports),
    }


def leg_name(part: CampaignPart) -> str:
    """A leg as people know it: its title, or its template and channel."""
    return part.title or f"{part.message_type} ({part.channel})"


def leg_facts(part: CampaignPart) -> list[tuple[Any, Any]]:
    """What is sent to whom, and how; what is empty left out."""
    version = f"v{part.message_type_version}" if part.message_type_version else _("the newest")
    rows = (
        (_("Recipient group"), part.group.name),
        (_("Template"), f"{part.message_type} ({version})"),
        (_("Channel"), part.channel),
        (_("Sender"), f"{part.from_name} {part.from_address}".strip()),
        (_("Send at"), _moment(part.send_at)),
        (_("Messages a minute"), part.messages_per_minute),
    )
    return [(name, value) for name, value in rows if value]


def _runs(campaign: Campaign) -> list[dict[str, Any]]:
    """The newest runs of legs, with their jobs."""
    runs = list(LegRun.objects.filter(part__campaign=campaign).select_related("part").order_by("-id")[:_RUNS])
    jobs = Job.objects.defer("params", "cursor").in_bulk([run.job_id for run in runs])
    return [
        {
            "run": run,
            "leg": leg_name(run.part),
            "at": labels.moment(run.created_at),
            "job": job,
            "url": reverse("admin:jobs_job_change", args=[run.job_id]),
            "state": cells.state(job) if job else "",
            "progress": cells.progress(job) if job else "",
            "reason": job.reason if job and job.status in FINAL else "",
        }
        for run in runs
        for job in [jobs.get(run.job_id)]
    ]


def is_on_its_way(campaign: Campaign, legs: Sequence[int] = ()) -> bool:
    """Whether any of its legs, or of those named, is being sent or about to be, or has letters that wait."""
    return bool(running.on_their_way(legs or campaign.parts.values_list("id", flat=True)))


def messages_of(campaign: Campaign) -> str:
    """The list of its messages."""
    return f"{reverse('admin:sending_message_changelist')}?q={campaign.uuid}"


def place(campaign: Any) -> str:
    """Its page."""
    return pages.address("campaign", "change", campaign.pk)


def _moment(value: datetime | None) -> str:
    return labels.moment(value) if value else ""
