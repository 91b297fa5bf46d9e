"""What the console tells of one job."""

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from gateway.console import labels
from jobs.admin import cells, relatives, results, wording
from jobs.models import Job
from jobs.states import OPEN, EventName, Queue

# The newest so many lines and events are shown.
_MOST_LINES = 500
_MOST_EVENTS = 200


def page(job: Job) -> dict[str, Any]:
    """All that the page of a job shows of it, as it is now."""
    lines = list(job.log_lines.order_by("-id")[: _MOST_LINES + 1])
    events = list(job.events.order_by("-id")[: _MOST_EVENTS + 1])
    return {
        "job": job,
        "is_open": cells.goes_on(job),
        "state": cells.state(job),
        "progress": cells.progress(job),
        "lasted": cells.lasted(job),
        "groups": groups(job),
        "params": job.params,
        "events": [_event(event) for event in events[:_MOST_EVENTS]],
        "are_events_cut": len(events) > _MOST_EVENTS,
        "lines": [(labels.moment(line.created_at), line.text) for line in reversed(lines[:_MOST_LINES])],
        "are_lines_cut": len(lines) > _MOST_LINES,
        "tree": relatives.tree(job),
    }


def groups(job: Job) -> list[dict[str, Any]]:
    """The job's columns in groups of names and values, what is empty left out."""
    tables = (
        (
            "",
            (
                (_("Reason"), job.reason),
                (_("Job class"), job.job_class),
                (_("Queue"), wording.QUEUES.get(Queue(job.queue)) if job.queue in set(Queue) else job.queue),
                (_("Never beside"), job.concurrency_key),
                (_("Attempts"), job.attempts or ""),
                (_("Worker"), job.worker),
                (_("Heartbeat"), cells.ago(job.heartbeat_at) if job.heartbeat_at else ""),
                (_("Goes on from"), str(job.cursor)[:200] if job.cursor is not None and job.status in OPEN else ""),
            ),
        ),
        (_("Result"), tuple(results.of_job(job))),
        (
            _("Times"),
            (
                (pgettext("a job", "Created at"), _moment(job.created_at)),
                (_("Due at"), _moment(job.due_at) if job.status in OPEN else ""),
                (pgettext("a job", "Started at"), _moment(job.started_at)),
                (pgettext("a job", "Finished at"), _moment(job.finished_at)),
                (_("Updated at"), _moment(job.updated_at)),
            ),
        ),
        (
            _("Origin"),
            (
                (_("Trigger"), _trigger(job)),
                (_("Client"), job.client),
                (_("User"), job.user_name),
                (_("UUID"), job.uuid),
            ),
        ),
    )
    return [{"title": title, "facts": [(name, value) for name, value in rows if value]} for title, rows in tables]


def _trigger(job: Job) -> Any:
    if job.trigger is None:
        return ""
    address = reverse("admin:jobs_trigger_change", args=[job.trigger_id])
    return format_html('<a class="console-link" href="{}">{}</a>', address, job.trigger.name)


def _event(event: Any) -> dict[str, Any]:
    name = EventName(event.name)
    return {
        "event": event,
        "name": wording.EVENTS[name],
        "colour": wording.EVENT_COLOURS[name],
        "at": labels.moment(event.created_at, milliseconds=True),
    }


def _moment(value: datetime | None) -> str:
    return labels.moment(value) if value else ""
