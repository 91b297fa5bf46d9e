"""The lists of this door: only the columns that are shown, the page and its total by one statement."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import BigIntegerField, Subquery

from gateway.caller import Caller
from gateway.listing import Page
from jobs import services, trees
from jobs.job_v1.request import Find
from jobs.models import Job, JobEvent
from jobs.models.job import JobQuerySet
from jobs.services import JobId


class Row(NamedTuple):
    """A job as far as answers show it."""

    uuid: UUID
    job_class: str
    status: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    updated_at: datetime
    total: int | None
    completed: int | None
    params: list[list[str]]


class _Count(Subquery):
    """How many rows there are, counted once, by the statement that reads some of them: both see the same moment."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS hits)"
    output_field = BigIntegerField()


def find(caller: Caller, asked: Find) -> tuple[list[Row], int]:
    """The page asked for and how many jobs there are in all; raises 2002, and 3000 for an unknown root."""
    caller.require("jobs.read")
    jobs = trees.below(services.find(caller, asked.root)) if asked.root is not None else Job.objects.all()
    wanted: dict[str, Any] = {}
    if asked.job_classes:
        wanted["job_class__in"] = asked.job_classes
    if asked.statuses:
        wanted["status__in"] = asked.statuses
    if asked.created_from:
        wanted["created_at__gte"] = asked.created_from
    if asked.created_to:
        wanted["created_at__lt"] = asked.created_to
    return _page(jobs.visible_to(caller).filter(**wanted), asked.page)


def relatives(caller: Caller, name: JobId, page: Page) -> tuple[list[Row], int]:
    """The other jobs of a job's tree."""
    job = services.find(caller, name)
    return _page(Job.objects.of_tree(job).visible_to(caller).exclude(pk=job.pk), page)


def events(caller: Caller, name: JobId) -> list[JobEvent]:
    """What happened to a job, the oldest first."""
    job = services.find(caller, name)
    return list(JobEvent.objects.filter(job=job).only("uuid", "created_at", "name").order_by("id"))


def _page(jobs: JobQuerySet, page: Page) -> tuple[list[Row], int]:
    columns = jobs.order_by(*page.order_by).values_list(*Row._fields, _Count(jobs.order_by().values("pk")))
    found = list(columns[page.offset : page.offset + page.limit])
    if found:
        return [Row._make(columns[:-1]) for columns in found], found[0][-1]
    return [], jobs.count() if page.offset else 0
