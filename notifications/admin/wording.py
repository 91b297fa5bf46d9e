"""The console's words and colours for what the core calls by code."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from notifications.states import EventKind, Health, Status

STATUSES = {
    Status.PENDING: pgettext_lazy("a delivery", "Waiting"),
    Status.DELIVERED: pgettext_lazy("a delivery", "Delivered"),
    Status.FAILED: pgettext_lazy("a delivery", "Failed"),
    Status.MISSED: pgettext_lazy("a delivery", "Missed"),
    Status.DROPPED: pgettext_lazy("a delivery", "Dropped"),
}
# unfold's names of label colours.
STATUS_COLOURS = {
    Status.PENDING: "info",
    Status.DELIVERED: "success",
    Status.FAILED: "danger",
    Status.MISSED: "warning",
    Status.DROPPED: "default",
}
EVENTS = {
    EventKind.JOB_SENDING: _("Job begins to send"),
    EventKind.JOB_COMPLETED: _("Job ended"),
    EventKind.TEST: pgettext_lazy("a notification", "Test"),
}
HEALTH = {
    Health.WORKING: pgettext_lazy("a target", "Working"),
    Health.FAILING: pgettext_lazy("a target", "Failing"),
    Health.PAUSED: pgettext_lazy("a target", "Paused"),
    Health.DISABLED: pgettext_lazy("a target", "Disabled"),
}
HEALTH_COLOURS = {
    Health.WORKING: "success",
    Health.FAILING: "warning",
    Health.PAUSED: "info",
    Health.DISABLED: "danger",
}


def event(kind: str) -> str:
    """What happened, in the reader's language."""
    return str(EVENTS[EventKind(kind)])
