"""Schedules: whether somebody fires them at their times."""

from collections.abc import Iterator

from hammy_project import vital_signs
from hammy_project.doctor.findings import Finding, failure, ok, warning
from schedules.outlook import OVERDUE_SECONDS

_FAILURE_SECONDS = 900.0


def overdue() -> Iterator[Finding]:
    """Those whose time came more than a minute ago."""
    found = vital_signs.schedules()
    words = f"{found.overdue} are overdue, the oldest by {found.seconds:.0f} s"
    if found.seconds >= _FAILURE_SECONDS:
        yield failure("schedules", f"{words}: nobody fires them: do beat and a worker run?")
    elif found.seconds > OVERDUE_SECONDS:
        yield warning("schedules", f"{words}: do beat and a worker run?")
    else:
        yield ok("schedules", "none is overdue")
