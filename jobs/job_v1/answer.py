"""Job V1's answers, member for member as the originals print them (contract job_v1)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from gateway.dates import format_moment
from gateway.envelope import meta, resource
from jobs.job_v1.finding import Row
from jobs.models import Job, JobEvent
from jobs.states import Status

Members = dict[str, Any]


def found(rows: Iterable[Row], total: int) -> Members:
    """A list of jobs as JSON:API."""
    return {"data": [_resource(row) for row in rows], "meta": meta(total=total)}


def shown(job: Job) -> Members:
    """One job as JSON:API."""
    return {"data": _resource(job), "meta": meta()}


def events(happened: Iterable[JobEvent]) -> Members:
    """A job's events as JSON:API; their ``meta`` counts nothing."""
    data = [
        resource("jobEvents", str(event.uuid), {"createdAt": format_moment(event.created_at), "eventName": event.name})
        for event in happened
    ]  # fmt: skip
    return {"data": data, "meta": meta()}


def done(params: Sequence[tuple[str, str]] = ()) -> Members:
    """A command that was carried out; its answer has an id of its own."""
    return {"data": resource("jobResponses", str(uuid4()), {}), "meta": meta(params)}


def info(job: Job) -> Members:
    """What is known of a running job as JSON:API."""
    return {"data": resource("getJobInfoResults", str(job.uuid), {"jobInfo": info_members(job)}), "meta": meta()}


def triggered(job: Job) -> list[tuple[str, str]]:
    """The parameters by which a caller finds the job it has started."""
    return [("jobUuid", str(job.uuid))]


def xml_job(job: Row | Job) -> Members:
    """One job in the order of its elements; what has no value is left out there."""
    return {
        "uuid": str(job.uuid),
        "jobClass": job.job_class,
        "status": job.status,
        "createdAt": format_moment(job.created_at),
        "startedAt": _moment(job.started_at),
        "finishedAt": _moment(job.finished_at),
        "updatedAt": format_moment(job.updated_at),
        "total": job.total,
        "completed": job.completed,
        "jobParams": {"jobParam": _pairs(job.params)},
    }


def xml_event(event: JobEvent) -> Members:
    """One event in the order of its elements."""
    return {"uuid": str(event.uuid), "createdAt": format_moment(event.created_at), "eventName": event.name}


def xml_info(job: Job) -> Members:
    """What is known of a running job in the order of its elements."""
    members = info_members(job)
    return {**members, "jobParams": {"param": members["jobParams"]}}


def info_members(job: Job) -> Members:
    """``jobInfo``; its parameters begin with what was counted."""
    counted = [["TOTAL", str(job.total or 0)], ["FINISHED", str(job.completed or 0)]]
    return {
        "jobId": job.pk,
        "jobStatus": job.status,
        "jobClass": job.job_class,
        "createdAt": format_moment(job.created_at),
        "startedAt": _moment(job.started_at),
        "finishedAt": _moment(job.finished_at),
        "progressPct": progress(job),
        "jobParams": _pairs([*counted, *job.params]),
    }


def progress(job: Job) -> int:
    """Whole percents of what is to be done; where nothing is counted, nothing until all is. 100 is said at the end
    only."""
    if not job.total:
        return 100 if job.status == Status.FINISHED else 0
    percents = 100 * (job.completed or 0) // job.total
    return min(percents, 99) if job.status == Status.RUNNING else percents


def _resource(job: Row | Job) -> Members:
    attributes: Members = {
        "jobClass": job.job_class,
        "status": job.status,
        "createdAt": format_moment(job.created_at),
        "startedAt": _moment(job.started_at),
        "finishedAt": _moment(job.finished_at),
        "updatedAt": format_moment(job.updated_at),
        "jobParams": _pairs(job.params),
    }
    if job.total is not None:
        attributes["total"] = job.total
    if job.completed is not None:
        attributes["completed"] = job.completed
    return resource("jobs", str(job.uuid), attributes)


def _pairs(params: Iterable[Sequence[str]]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in params]


def _moment(moment: datetime | None) -> str | None:
    return format_moment(moment) if moment else None
