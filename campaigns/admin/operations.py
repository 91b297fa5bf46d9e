"""What may be done to a campaign on its way, each as a value: how it is asked, when it is offered, which service."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from campaigns import estimating, reporting, running, services
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from gateway.caller import Caller
from jobs.admin import wording as job_wording
from sending.admin.bars import number
from sending.states import Status

OPERATE = "campaigns.operate_campaign"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """``verb`` is its place in addresses and in the audit trail; ``counted`` tells, with the question, of how many
    letters it is about; ``fits`` says whether it can be done to a campaign of which something is on its way or not, and
    ``unfit`` why not; ``run`` does it for all legs or for some and says what was done."""

    verb: str
    title: Any
    question: Any
    counted: Callable[[Campaign, tuple[int, ...]], str]
    icon: str
    variant: str
    fits: Callable[[Campaign, bool], bool]
    unfit: Any
    run: Callable[[Caller, Campaign, tuple[int, ...], str], str]


def _start(caller: Caller, campaign: Campaign, legs: tuple[int, ...], reason: str) -> str:
    job = services.start(caller=caller, uuid=campaign.uuid, leg_ids=legs)
    return gettext("Job %(job)d sends it.") % {"job": job.pk}


def _pause(caller: Caller, campaign: Campaign, legs: tuple[int, ...], reason: str) -> str:
    job = services.pause(caller=caller, uuid=campaign.uuid)
    return gettext("It is paused; job %(job)d holds the letters made before.") % {"job": job.pk}


def _resume(caller: Caller, campaign: Campaign, legs: tuple[int, ...], reason: str) -> str:
    job = services.resume(caller=caller, uuid=campaign.uuid)
    return gettext("It goes on; job %(job)d lets its letters go.") % {"job": job.pk}


def _cancel(caller: Caller, campaign: Campaign, legs: tuple[int, ...], reason: str) -> str:
    reports = services.cancel(caller=caller, uuid=campaign.uuid, reason=reason)
    out = sum(report.out for report in reports)
    sending = sum(report.statuses.get(Status.SENDING, 0) for report in reports)
    withdrawn = sum(report.withdrawn for report in reports)
    words = gettext("Cancelled. Out already: %(out)s. Withdrawn: %(withdrawn)s.") % {
        "out": number(out),
        "withdrawn": number(withdrawn),
    }
    if sending:
        words += " " + gettext("In the hands of a worker: %(count)s.") % {"count": number(sending)}
    return words


def _what_would_go(campaign: Campaign, legs: tuple[int, ...]) -> str:
    estimates = [one for one in estimating.estimate(campaign) if not legs or one.part.pk in legs]
    words = gettext(
        "Letters: %(letters)s; recipients: %(recipients)s, suppressed: %(suppressed)s, without address: %(lacking)s."
    ) % {
        "letters": number(sum(one.letters for one in estimates)),
        "recipients": number(sum(one.recipients for one in estimates)),
        "suppressed": number(sum(one.suppressed for one in estimates)),
        "lacking": number(sum(one.without_address for one in estimates)),
    }
    seconds = estimating.total_seconds(estimates)
    if seconds:
        words += " " + gettext("Time: about %(time)s.") % {"time": job_wording.duration(timedelta(seconds=seconds))}
    return words


def _what_is_out(campaign: Campaign, legs: tuple[int, ...]) -> str:
    reports = reporting.reports(campaign, run_job_ids=running.current_jobs([campaign.pk]).get(campaign.pk, set()))
    if not any(report.runs for report in reports):
        return gettext("Its job has not begun: nothing is out yet.")
    return gettext("Out by now: %(out)s of %(recipients)s.") % {
        "out": number(sum(report.out for report in reports)),
        "recipients": number(sum(report.recipients for report in reports)),
    }


_ALL = (
    Operation(
        verb="start",
        title=pgettext_lazy("a campaign", "Start"),
        question=_("Each recipient gets a letter of each leg."),
        counted=_what_would_go,
        icon="play_circle",
        variant="primary",
        fits=lambda campaign, is_open: not is_open,
        unfit=_("It is being sent already."),
        run=_start,
    ),
    Operation(
        verb="pause",
        title=pgettext_lazy("a campaign", "Pause"),
        question=_("Nothing more of it goes out until somebody resumes it; what is in a worker's hands does."),
        counted=_what_is_out,
        icon="pause_circle",
        variant="default",
        fits=lambda campaign, is_open: is_open and campaign.status == CampaignStatus.RUNNING,
        unfit=_("Nothing of it is being sent, or it is paused already."),
        run=_pause,
    ),
    Operation(
        verb="resume",
        title=pgettext_lazy("a campaign", "Resume"),
        question=_("It goes on with what waits, each letter as much later as the pause was long."),
        counted=_what_is_out,
        icon="play_circle",
        variant="primary",
        fits=lambda campaign, is_open: campaign.status == CampaignStatus.PAUSED,
        unfit=_("It is not paused."),
        run=_resume,
    ),
    Operation(
        verb="cancel",
        title=pgettext_lazy("a campaign", "Cancel"),
        question=_("What did not go out is withdrawn. This cannot be undone."),
        counted=_what_is_out,
        icon="block",
        variant="danger",
        fits=lambda campaign, is_open: is_open,
        unfit=_("Nothing of it is being sent."),
        run=_cancel,
    ),
)
OPERATIONS = {operation.verb: operation for operation in _ALL}
