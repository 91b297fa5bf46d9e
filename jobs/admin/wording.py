"""The console's words and colours for what the core calls by code."""

from datetime import timedelta

from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from jobs.states import Decision, EventName, Missed, Overlap, Queue, Status

STATUSES = {
    Status.NEW: pgettext_lazy("a job", "Waiting"),
    Status.RUNNING: pgettext_lazy("a job", "Running"),
    Status.FINISHED: pgettext_lazy("a job", "Finished"),
    Status.FAILED: pgettext_lazy("a job", "Failed"),
    Status.CANCELLED: pgettext_lazy("a job", "Cancelled"),
}
# unfold's names of label colours.
STATUS_COLOURS = {
    Status.NEW: "info",
    Status.RUNNING: "primary",
    Status.FINISHED: "success",
    Status.FAILED: "danger",
    Status.CANCELLED: "default",
}
EVENTS = {
    EventName.CREATED: pgettext_lazy("a job", "Created"),
    EventName.STARTED: pgettext_lazy("a job", "Started"),
    EventName.SENDING: pgettext_lazy("a job", "Hands letters over"),
    EventName.FINISHED: pgettext_lazy("a job", "Finished"),
    EventName.FAILED: pgettext_lazy("a job", "Failed"),
    EventName.CANCELLED: pgettext_lazy("a job", "Cancelled"),
    EventName.RETRIED: pgettext_lazy("a job", "To run again"),
    EventName.RESCUED: pgettext_lazy("a job", "Taken from a dead worker"),
}
EVENT_COLOURS = {
    EventName.CREATED: "default",
    EventName.STARTED: "primary",
    EventName.SENDING: "primary",
    EventName.FINISHED: "success",
    EventName.FAILED: "danger",
    EventName.CANCELLED: "default",
    EventName.RETRIED: "warning",
    EventName.RESCUED: "warning",
}
QUEUES = {Queue.QUICK: _("Quick jobs"), Queue.LONG: _("Long jobs")}
DECISIONS = {
    Decision.STARTED: pgettext_lazy("a firing", "Started"),
    Decision.SKIPPED: pgettext_lazy("a firing", "Skipped"),
    Decision.MISSED: pgettext_lazy("a firing", "Missed"),
    Decision.REFUSED: pgettext_lazy("a firing", "Refused"),
}
DECISION_COLOURS = {
    Decision.STARTED: "success",
    Decision.SKIPPED: "default",
    Decision.MISSED: "warning",
    Decision.REFUSED: "danger",
}
OVERLAPS = {
    Overlap.SKIP: _("Skip: the new time is passed over, and the firing says so."),
    Overlap.QUEUE: _("Queue: the new job waits until the one before has ended."),
    Overlap.ALLOW: _("Allow: both run side by side."),
    Overlap.REPLACE: _("Replace: the open one is cancelled with all below it, and the new one starts."),
}
MISSED = {
    Missed.SKIP: _("Skip: what was missed stays undone; the next time is the next."),
    Missed.ONCE: _("Once: however many were missed, one job makes up for them."),
    Missed.ALL: _("All: each missed time gets its job."),
}


def short(job_class: str) -> str:
    """A job class without the path before its name."""
    return job_class.rpartition(".")[2]


def duration(span: timedelta) -> str:
    """A span of time as people of the visitor's language read it: ``0.4 s``, ``12 s``, ``3:07``, ``2:03:07``,
    ``2 d 2:03:07``."""
    seconds = max(0.0, span.total_seconds())
    if seconds < 10:
        return f"{number_format(seconds, 1)} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    if not hours:
        return f"{minute}:{second:02}"
    days, hour = divmod(hours, 24)
    clock = f"{hour}:{minute:02}:{second:02}"
    return f"{days} d {clock}" if days else clock
