"""Waiting for a job at the command line: a bar on a terminal, a line for each change anywhere else."""

import time
from collections.abc import Callable

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError, connection

from jobs.management.shown import counted
from jobs.models import Job
from jobs.states import FINAL, Status

_LOOK_SECONDS = 0.2
_WIDTH = 40
_INTERRUPTED = 130


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


def wait_here(command: BaseCommand, job: Job, *, is_silent: bool) -> None:
    """The same for a command, which shows how it goes; CommandError where somebody ends the waiting."""

    def tell(text: str) -> None:
        command.stdout.write(text, ending="")
        command.stdout.flush()

    is_terminal = command.stdout.isatty() and not is_silent
    try:
        wait(job, tell=(lambda text: None) if is_silent else tell, is_terminal=is_terminal)
    except KeyboardInterrupt:
        if is_terminal:
            tell("\n")
        words = f"job {job.pk} goes on; its end is no longer waited for"
        raise CommandError(words, returncode=_INTERRUPTED) from None


def check_finished(job: Job) -> None:
    """CommandError unless a job that was waited for is FINISHED."""
    if job.status != Status.FINISHED:
        raise CommandError(f"job {job.pk} is {job.status}{f': {job.reason}' if job.reason else ''}")


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
