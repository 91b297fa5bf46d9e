"""Campaigns: whether those that are over are closed, and whether one was paused and forgotten."""

from collections.abc import Iterator

from campaigns import watching
from hammy_project.doctor.findings import Finding, ok, warning


def stranded() -> Iterator[Finding]:
    """Those that are RUNNING and that no job sends."""
    found = watching.standing()
    if found.stranded:
        words = f"{found.stranded} of {found.running} RUNNING have no open job: does the trigger lifeCourse run?"
        yield warning("campaigns", words)
    else:
        yield ok("campaigns", f"{found.running} are running")


def forgotten() -> Iterator[Finding]:
    """Those that have been paused for longer than a day."""
    found = watching.standing()
    if found.paused_seconds > watching.FORGOTTEN.total_seconds():
        hours = found.paused_seconds / 3600
        words = f"{found.paused} are PAUSED, the longest for {hours:.0f} hours: resume or cancel them"
        yield warning("paused campaigns", words)
    else:
        yield ok("paused campaigns", "none was forgotten")
