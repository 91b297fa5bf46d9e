"""What a job class is given to do its work with: parameters, progress, checkpoints, child jobs, a log."""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from enum import Enum
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from gateway.plain_text import storable
from jobs import queue, services
from jobs.models import Job, JobLogLine
from jobs.params import JobParams, Pairs

P = TypeVar("P", bound=JobParams)
T = TypeVar("T")
MOST_LOG_LINES = 1000
LONGEST_LOG_LINE = 1000


class Why(Enum):
    """Why a run has to stop at its next checkpoint."""

    LOST = "its claim was taken away: cancelled, closed by hand, or taken for dead"
    OUT_OF_TIME = "ran longer than its time limit"
    SHUTTING_DOWN = "the worker is stopping"


class Stopped(Exception):
    """The run must end here. No job class catches it."""

    def __init__(self, why: Why) -> None:
        self.why = why
        super().__init__(why.value)


class Context(Generic[P]):
    """One run of one job. ``cursor`` is what an earlier run gave to ``checkpoint``, None in the first.

    Progress and log lines are kept in memory and written by the pulse (jobs.pulse) or with the next checkpoint, so
    that a tight loop may report each step.
    """

    def __init__(self, job: Job, claim: UUID, params: P) -> None:
        self.job, self.claim = job, claim
        self.params = params
        self.cursor: Any = job.cursor
        self.stop: Why | None = None
        self._completed, self._total = job.completed, job.total
        self._is_told = True
        self._lines: deque[tuple[datetime, str]] = deque()
        self._line_count = 0

    def progress(self, completed: int, total: int | None = None) -> None:
        """So many of so many are done. Never goes back, nor below nothing; the total may grow."""
        if total != self._total and total is not None and (self._total is None or total > self._total):
            self._total = max(0, total)
            self._is_told = False
        if self._completed is None or completed > self._completed:
            self._completed = max(0, completed)
            self._is_told = False

    def checkpoint(self, cursor: Any = None) -> None:
        """A place where the run may be stopped: raises Stopped when it has to, and costs next to nothing otherwise.

        With ``cursor``, any JSON value, also where a later run goes on if this one dies. Called in the transaction of
        the work that the cursor stands for, both are kept or neither, and a run that was given up writes nothing.
        """
        if cursor is not None:
            self.cursor = cursor
            if not self._save({"cursor": cursor, "vain_runs": 0}):
                self.stop = Why.LOST
        if self.stop is not None:
            raise Stopped(self.stop)

    def log(self, text: str) -> None:
        """A line kept with the job, cut at LONGEST_LOG_LINE characters; after MOST_LOG_LINES no more are kept."""
        self._line_count += 1
        if self._line_count < MOST_LOG_LINES:
            self._lines.append((timezone.now(), storable(text)[:LONGEST_LOG_LINE]))
        elif self._line_count == MOST_LOG_LINES:
            self._lines.append((timezone.now(), "No more lines of this run are kept."))

    def set_output(self, key: str, value: str) -> None:
        """Add one of the class's ``outputs`` to the job's parameters; the next save keeps it."""
        self.job.params = [pair for pair in self.job.params if pair[0] != key] + [[key, value]]
        self._save({"params": self.job.params})

    def replace_param(self, key: str, value: str) -> None:
        """Put another value in the place of a parameter that must not be kept when the job has ended."""
        self.job.params = [[key, value] if pair[0] == key else pair for pair in self.job.params]
        self._save({"params": self.job.params})

    def start_child(self, job_class: str, params: Pairs = ()) -> Job:
        """A job below this one, for the same client and user. Raises Stopped when this run was given up meanwhile:
        either a cancelled tree knows the child, or there is none. In one transaction with a checkpoint it comes first:
        a tree is locked from its root down."""
        return self._started(services.submit, job_class=job_class, params=params)

    def trigger_child(self, *, name: str, leg_ids: Sequence[str] = (), params: Pairs = ()) -> Job:
        """A trigger's job below this one; raises what ``jobs.services.trigger_job`` does, and as ``start_child``."""
        return self._started(services.trigger_job, name=name, leg_ids=leg_ids, params=params)

    def _started(self, start: Callable[..., Job], **what: Any) -> Job:
        try:
            return start(caller=services.owner_of(self.job), parent=self.job, **what)
        except services.ParentGone:
            self.stop = Why.LOST
            raise Stopped(self.stop) from None

    def sending(self) -> None:
        """Say that the job's messages are handed over from now on (contract job_v1, event SENDING), where that is known
        before a worker takes the first of them."""
        queue.begin_sending([self.job.pk])

    def tell(self) -> None:
        """Write what was not told yet: progress and log lines. The pulse's, beside the run: it waits for no lock, for
        the run may hold it and wait for the pulse in its turn."""
        if not self._is_told:
            with transaction.atomic():
                if queue.try_lock(self.job):
                    self._save({})
        self.write_lines()

    @property
    def has_progress(self) -> bool:
        """Whether the run has counted anything."""
        return self._completed is not None or self._total is not None

    @property
    def columns(self) -> dict[str, Any]:
        """Progress as it is to be stored with the run's end; a total that was overtaken has grown."""
        completed, total = self._completed, self._total
        if completed is not None and total is not None:
            total = max(completed, total)
        return {"completed": completed, "total": total}

    def _save(self, columns: dict[str, Any]) -> bool:
        # First, so that what is reported meanwhile is told the next time.
        self._is_told = True
        mine = Job.objects.held_by(self.claim).filter(pk=self.job.pk)
        return bool(mine.update(**self.columns, **columns, updated_at=timezone.now()))

    def write_lines(self) -> None:
        """Keep the log lines that are still in memory."""
        lines = drained(self._lines)
        if not lines:
            return
        try:
            JobLogLine.objects.bulk_create(
                JobLogLine(job_id=self.job.pk, created_at=at, text=text) for at, text in lines
            )
        except BaseException:
            self._lines.extendleft(reversed(lines))
            raise


def drained(items: deque[T]) -> list[T]:
    """All of them, in order, each taken by one thread alone however many take."""
    found: list[T] = []
    with suppress(IndexError):
        while True:
            found.append(items.popleft())
    return found
