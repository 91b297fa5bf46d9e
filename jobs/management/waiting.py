"""Waiting for a job at the command line: a bar on a terminal, a line for each change anywhere else."""

import time
from collections.abc import Callable

from django.db import InterfaceError, OperationalError, connection

from jobs.management.shown import counted
from jobs.models import Job
from jobs.states import FINAL, Status

_LOOK_SECONDS = 0.2
_WIDTH = 40


def wait(job: Job, *, tell: Callable[[str], None], is_terminal: bool) -> None:
    """Return once the job has come to its end; its row is fresh then. A database that is away is waited for."""
    last = ""
    while True:
        line = _look(job, is_terminal=is_terminal)
        if line != last:
            # A shorter line must cover a longer one.
            tell(f"\r{line.ljust(len(last))}" if is_terminal else f"{line}\n")
        last = line
        if job.status in FINAL:
            if is_terminal:
                tell("\n")
            return
        time.sleep(_LOOK_SECONDS)


def _look(job: Job, *, is_terminal: bool) -> str:
    try:
        job.refresh_from_db()
    except (OperationalError, InterfaceError):
        connection.close()
        return "the database is away"
    words = f"{job.status} {counted(job)}".rstrip()
    return f"{_bar(job)} {words}" if is_terminal else words


def _bar(job: Job) -> str:
    full = _WIDTH * job.completed // job.total if job.completed and job.total else 0
    full = _WIDTH if job.status == Status.FINISHED else full
    return f"[{'#' * full}{'.' * (_WIDTH - full)}]"
