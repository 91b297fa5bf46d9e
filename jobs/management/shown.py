"""What the commands over jobs share: how a job is named, and how it is shown."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from gateway.dates import format_moment
from jobs.models import Job
from jobs.services import JobId

_LARGEST_ID = 2**63 - 1


def job_id(text: str) -> JobId:
    """A job's number or uuid as it was typed; CommandError for what is neither."""
    if text.isascii() and text.isdigit() and int(text) <= _LARGEST_ID:
        return int(text)
    try:
        return UUID(text)
    except ValueError:
        raise CommandError(f"{text}: must be a job's number or uuid") from None


def facts(job: Job) -> dict[str, Any]:
    """A job as one JSON object: names of the contract, moments in the site's zone, what there is not as null."""
    moments = {"createdAt": job.created_at, "startedAt": job.started_at, "finishedAt": job.finished_at}
    return {
        "jobId": job.pk,
        "uuid": str(job.uuid),
        "jobClass": job.job_class,
        "status": job.status,
        "reason": job.reason,
        "total": job.total,
        "completed": job.completed,
        **{name: format_moment(at) if at else None for name, at in moments.items()},
    }


def counted(job: Job) -> str:
    """``3 of 8``, ``3``, or "" where nothing is counted."""
    if job.completed is None:
        return ""
    return f"{job.completed}" if job.total is None else f"{job.completed} of {job.total}"


def pairs(params: Sequence[Sequence[str]]) -> list[dict[str, str]]:
    """Parameters as the contract writes them."""
    return [{"key": key, "value": value} for key, value in params]
