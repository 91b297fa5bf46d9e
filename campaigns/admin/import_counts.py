"""What an import made of its lines, as its job's page and its group's page tell it."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from campaigns import importing
from campaigns.import_counts import Counts, counts_in
from jobs.admin import results
from jobs.models import Job
from sending.admin.bars import number


def figures(job: Job) -> list[tuple[Any, str]]:
    """By name, in order; nothing of other jobs, nor of imports from before they were counted."""
    counts = counts_in(job.cursor) if job.job_class == importing.JOB_CLASS else None
    if counts is None:
        return []
    return [
        (_("New recipients"), number(counts.new)),
        (pgettext("recipients", "Changed"), number(counts.changed)),
        (_("Duplicates skipped"), number(counts.skipped)),
        (_("Invalid lines"), number(counts.invalid)),
    ]


def in_short(job: Job) -> str:
    """The same on one line, what is none left out."""
    counts = counts_in(job.cursor)
    return "" if counts is None else ", ".join(_parts(counts))


def _parts(counts: Counts) -> list[str]:
    words = (
        (counts.new, _("%(count)s new")),
        (counts.changed, _("%(count)s changed")),
        (counts.skipped, _("%(count)s duplicates skipped")),
        (counts.invalid, _("%(count)s invalid")),
    )
    return [text % {"count": number(count)} for count, text in words if count]


results.register(figures)
