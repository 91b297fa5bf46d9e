"""The parts of a page that change while a job runs; static/console/live.js puts fresh ones in their places."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, pgettext

from gateway.console import labels
from jobs.admin import wording
from jobs.models import Job
from jobs.states import OPEN, Status

# No outside text.
_OPEN = mark_safe(" data-live-open")
_NOTHING = mark_safe('<span class="console-quiet">–</span>')


def cell(job: Job, name: str, content: Any) -> SafeString:
    """A place of a list's row that is looked after until the job has come to its end."""
    is_open = _OPEN if goes_on(job) else ""
    return format_html('<span data-live-cell="{}-{}"{}>{}</span>', name, job.pk, is_open, content)


def goes_on(job: Job) -> bool:
    """Whether anything may still change by itself: a job that was cancelled has a run until that run hears of it."""
    return job.status in OPEN or job.claim is not None


def state(job: Job) -> SafeString:
    """Its status, coloured; a running job that no run is at waits for others."""
    status = Status(job.status)
    if status == Status.RUNNING and job.claim is None:
        return labels.label(pgettext("a job", "Waits for others"), "warning")
    return labels.label(wording.STATUSES[status], wording.STATUS_COLOURS[status])


def progress(job: Job) -> SafeString:
    """How much of it is done, as a bar where there is a whole to measure against."""
    if job.completed is None and job.total is None:
        return _NOTHING
    completed = job.completed or 0
    if not job.total:
        return format_html('<span class="console-progress"><span>{}</span></span>', f"{completed:,}".replace(",", " "))
    return format_html(
        '<span class="console-progress" title="{} %"><progress class="console-bar console-bar-{}" max="{}" value="{}">'
        "</progress><span>{}/{}</span></span>",
        completed * 100 // job.total,
        wording.STATUS_COLOURS[Status(job.status)],
        job.total,
        completed,
        f"{completed:,}".replace(",", " "),
        f"{job.total:,}".replace(",", " "),
    )


def lasted(job: Job) -> str:
    """For how long it has run, or ran; "" for a job that has not begun."""
    if job.started_at is None or job.status == Status.NEW:
        return ""
    return wording.duration((job.finished_at or timezone.now()) - job.started_at)


def ago(moment: datetime) -> str:
    """How long ago, in few words."""
    return gettext("%(duration)s ago") % {"duration": wording.duration(timezone.now() - moment)}


def rows(jobs: list[Job]) -> list[SafeString]:
    """The places of these jobs' rows as they are now."""
    return [
        cell(job, name, content)
        for job in jobs
        for name, content in (("state", state(job)), ("progress", progress(job)), ("lasted", lasted(job) or "–"))
    ]
