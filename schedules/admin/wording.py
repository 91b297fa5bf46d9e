"""The console's words and colours for what the core calls by code."""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext, pgettext_lazy

from schedules.models import Schedule
from schedules.states import Decision, Status, Zoning
from schedules.timing import SLOT, Periodical, Single, Times, Unit

STATUSES = {
    Status.ACTIVE: pgettext_lazy("a schedule", "Active"),
    Status.PAUSED: pgettext_lazy("a schedule", "Paused"),
    Status.ENDED: pgettext_lazy("a schedule", "Ended"),
    Status.DELETED: pgettext_lazy("a schedule", "Deleted"),
}
# unfold's names of label colours.
STATUS_COLOURS = {
    Status.ACTIVE: "success",
    Status.PAUSED: "warning",
    Status.ENDED: "default",
    Status.DELETED: "danger",
}
DECISIONS = {
    Decision.FIRED: pgettext_lazy("a schedule's time", "Fired"),
    Decision.LATE: pgettext_lazy("a schedule's time", "Too late"),
    Decision.PAUSED: pgettext_lazy("a schedule's time", "Paused"),
    Decision.CLIENT_INACTIVE: pgettext_lazy("a schedule's time", "Client not active"),
    Decision.ZONES_PAST: pgettext_lazy("a schedule's time", "Past there"),
    Decision.NOBODY: pgettext_lazy("a schedule's time", "Nobody there"),
    Decision.BROKEN: pgettext_lazy("a schedule's time", "Broken"),
}
DECISION_COLOURS = {
    Decision.FIRED: "success",
    Decision.LATE: "warning",
    Decision.PAUSED: "default",
    Decision.CLIENT_INACTIVE: "warning",
    Decision.ZONES_PAST: "default",
    Decision.NOBODY: "default",
    Decision.BROKEN: "danger",
}
# Of the kinds there are; another one, of a file of its own, is called by its name.
KINDS = {
    "send": gettext_lazy("Letter"),
    "job": gettext_lazy("Trigger"),
    "to": gettext_lazy("Push"),
}
_WEEKDAYS = (
    gettext_lazy("Monday"),
    gettext_lazy("Tuesday"),
    gettext_lazy("Wednesday"),
    gettext_lazy("Thursday"),
    gettext_lazy("Friday"),
    gettext_lazy("Saturday"),
    gettext_lazy("Sunday"),
)


def kind(name: str) -> Any:
    """What a schedule does."""
    return KINDS.get(name, name)


def weekday(number: int) -> str:
    """The name of a day of the week, 0 = Monday."""
    return str(_WEEKDAYS[number])


def times(schedule: Schedule) -> str:
    """``every 2 weeks on Monday, Friday at 08:00:00, from … to … (Europe/Budapest)``."""
    clock = _("on everybody's own clock") if schedule.zoning == Zoning.EACH else settings.TIME_ZONE
    return f"{_said(schedule.when)} ({clock})"


def _said(when: Times) -> str:
    match when:
        case Single(time=time):
            return pgettext("a schedule's time", "once, %(time)s") % {"time": time.strftime(SLOT)}
        case Periodical(start=start, end=end, time=clock):
            words = _("%(every)s at %(clock)s, from %(start)s to %(end)s")
            return words % {
                "every": _every(when),
                "clock": clock.isoformat(),
                "start": start.strftime(SLOT),
                "end": end.strftime(SLOT),
            }


def _every(when: Periodical) -> str:
    count = when.frequency
    match when.unit:
        case Unit.DAY:
            return ngettext("every day", "every %(count)d days", count) % {"count": count}
        case Unit.WEEK:
            days = ", ".join(weekday(point) for point in when.points)
            text = ngettext("every week (%(days)s)", "every %(count)d weeks (%(days)s)", count)
        case Unit.MONTH:
            days = ", ".join(map(str, when.points))
            text = ngettext("every month (day %(days)s)", "every %(count)d months (day %(days)s)", count)
    return text % {"count": count, "days": days}
