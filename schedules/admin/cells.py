"""What lists and pages show of schedules and their firings."""

from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from gateway.console import labels
from schedules.admin import wording
from schedules.models import Firing, Schedule
from schedules.states import Decision

# The pages of what firings make.
_MADE = {
    "send": "admin:sending_message_change",
    "job": "admin:jobs_job_change",
    "to": "admin:sending_push_change",
}


def status(schedule: Schedule) -> SafeString:
    """Where a schedule stands, coloured."""
    return labels.label(wording.STATUSES[schedule.status], wording.STATUS_COLOURS[schedule.status])


def decision(firing: Firing) -> SafeString:
    """What was decided, coloured."""
    known = Decision(firing.decision)
    return labels.label(wording.DECISIONS[known], wording.DECISION_COLOURS[known])


def link(address: str, words: Any) -> SafeString:
    """A link of ours."""
    return format_html('<a class="console-link" href="{}">{}</a>', address, words)


def clocks(firing: Firing) -> str | None:
    """In how many zones it was that time then; None where it was for all."""
    if firing.zones is None:
        return None
    return ngettext("%(count)d zone", "%(count)d zones", len(firing.zones)) % {"count": len(firing.zones)}


def job(firing: Firing) -> SafeString | None:
    """To the job that a firing is."""
    if firing.job_id is None:
        return None
    return link(reverse("admin:jobs_job_change", args=[firing.job_id]), firing.job_id)


def made(firing: Firing) -> SafeString | str:
    """To what came of it; of a push that is its messages."""
    page = _MADE.get(firing.kind)
    return link(reverse(page, args=[firing.made]), firing.made) if firing.made and page else firing.made


def messages(firing: Firing) -> SafeString | None:
    """To the messages of its job and of the jobs below it."""
    if firing.job_id is None:
        return None
    return link(f"{reverse('admin:sending_message_changelist')}?job={firing.job_id}", _("Messages"))
