"""How jobs fare, for the console's first page: what waits on each queue, and what became of the last day's jobs."""

import json
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count
from django.db.models.functions import TruncHour
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from jobs.admin import wording
from jobs.models import Job
from jobs.models.job import JobQuerySet
from jobs.states import Queue, Status

# As far as anything is counted: on a busy site the page says so instead of getting slow.
COUNTED = 100_000
# In the order in which they stand upon each other, as the theme's variables say their colours.
_COLOURS = {
    Status.FINISHED: "#16a34a",
    Status.RUNNING: "var(--color-primary-600)",
    Status.NEW: "#60a5fa",
    Status.CANCELLED: "#9ca3af",
    Status.FAILED: "#dc2626",
}


def measure() -> dict[str, Any]:
    """Depths of each queue, and counts by hour of creation and status for the last day."""
    now = timezone.localtime()
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    hours = [this_hour - timedelta(hours=number) for number in range(23, -1, -1)]
    counts = _by_hour(hours[0])
    return {
        "depths": {queue.value: _depths(queue, now) for queue in Queue},
        "hours": hours,
        "counts": {status.value: [counts[status, hour] for hour in hours] for status in Status},
        "is_cut": counts.total() >= COUNTED,
    }


def _depths(queue: Queue, now: datetime) -> tuple[int, int, int, int]:
    """How many are due, not due yet, at work, and waiting for others."""
    jobs = Job.objects.filter(queue=queue)
    fresh = jobs.filter(status=Status.NEW)
    return (
        _count(fresh.filter(due_at__lte=now)),
        _count(fresh.filter(due_at__gt=now)),
        _count(jobs.claimed().filter(status=Status.RUNNING)),
        _count(jobs.waiting()),
    )


def _count(jobs: JobQuerySet) -> int:
    return jobs.order_by()[: COUNTED + 1].count()


def _by_hour(since: datetime) -> "Counter[tuple[str, datetime]]":
    """Jobs created since then by status and hour, the newest ones alone when there are very many."""
    jobs = Job.objects.filter(created_at__gte=since)
    newest = Job.objects.order_by("-created_at", "-id").values_list("created_at", flat=True)
    oldest = newest[COUNTED : COUNTED + 1].first()
    if oldest is not None:
        jobs = jobs.filter(created_at__gt=oldest)
    rows = jobs.annotate(hour=TruncHour("created_at")).values_list("status", "hour")
    return Counter({(status, hour): count for status, hour, count in rows.annotate(count=Count("id")).order_by()})


def worded(figures: dict[str, Any]) -> dict[str, Any]:
    """The figures in the visitor's language, with a link to the list they count."""
    jobs = reverse("admin:jobs_job_changelist")
    return {
        "queues": [
            {
                "title": wording.QUEUES[Queue(name)],
                "due": _said(due),
                "rows": [
                    (_("not due yet"), _said(later)),
                    (_("at work"), _said(running)),
                    (_("waiting for others"), _said(waiting)),
                ],
                "url": f"{jobs}?status={Status.NEW}",
            }
            for name, (due, later, running, waiting) in figures["depths"].items()
        ],
        "is_cut": figures["is_cut"],
        "legend": [
            {
                "title": wording.STATUSES[status],
                "colour": wording.STATUS_COLOURS[status],
                "count": sum(figures["counts"][status]),
                "url": f"{jobs}?status={status}&created_from={figures['hours'][0]:%Y-%m-%d}",
            }
            for status in _COLOURS
        ],
        "chart": json.dumps(
            {
                "labels": [formats.date_format(timezone.localtime(hour), "H:i") for hour in figures["hours"]],
                "datasets": [
                    {
                        "label": str(wording.STATUSES[status]),
                        "data": figures["counts"][status],
                        "backgroundColor": colour,
                        "stack": "jobs",
                        "borderRadius": 0,
                        "maxBarThickness": 22,
                    }
                    for status, colour in _COLOURS.items()
                ],
            }
        ),
    }


def _said(count: int) -> str:
    return str(count) if count <= COUNTED else f"{COUNTED}+"
