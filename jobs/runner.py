"""Running jobs: claim some, run them one by one, and turn what comes of each into a state."""

import logging
import os
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from uuid import UUID, uuid4

from django.conf import settings
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, connection
from django.db.models import F

from gateway import metrics
from gateway.backoff import backoff
from gateway.errors import Refusal
from jobs import pulse as heart
from jobs import queue, stopping
from jobs.context import Context, Stopped, Why, drained
from jobs.models import Job
from jobs.params import parse
from jobs.registry import MOST_RUNS, Again, JobClass, JobFailed, Outcome, Waiting, job_classes
from jobs.states import Failure, Queue, Status

_log = logging.getLogger(__name__)
# A claim is sized to about this many seconds of work: what waits in it is shown as running, and no other may take it.
_CLAIM_SECONDS = 0.1
_MOST_CLAIMED = 200
_FIRST_PACE = 0.05
_PATIENCE_SECONDS = 300.0
T = TypeVar("T")
# A claim that came to no run.
_UNDONE: dict[str, Any] = {"attempts": F("attempts") - 1, "vain_runs": F("vain_runs") - 1}


@dataclass(frozen=True, slots=True)
class _End:
    """What a run came to: done, or ``waits_for`` others, as a person reads it."""

    context: Context[Any]
    waits_for: str | None = None


class Runner:
    """One process's work on one queue."""

    def __init__(self, name: Queue) -> None:
        self.queue = name
        self.most_claimed = 1 if name == Queue.LONG else _MOST_CLAIMED
        self.pace = _FIRST_PACE
        # How many the last claim got: where they are claimed one by one, many more are locked in vain.
        self.got = 1
        self.worker = f"{socket.gethostname()}:{os.getpid()}"[:300]
        self.waiting: deque[Job] = deque()
        # What runs of resumable jobs came to and is not written yet.
        self.ends: deque[_End] = deque()
        # Whether a job that is not done let others have a turn: wake-ups of other queues wait for this process.
        self.gives_way = False
        # Whether somebody else has decided about a job of the present claim.
        self.is_disturbed = False

    def work(self) -> bool:
        """Run what is due for a few seconds, or until a job lets others have a turn; whether more may be waiting."""
        until = time.monotonic() + settings.HAMMY_WAKE_SECONDS
        self.gives_way = False
        while time.monotonic() < until and not self.gives_way and not stopping.is_asked():
            size = max(1, min(self.most_claimed, int(_CLAIM_SECONDS / self.pace), 2 * self.got))
            claim, jobs = queue.claim(queue=self.queue, worker=self.worker, size=size)
            if not jobs:
                return False
            self.got = len(jobs)
            began = time.monotonic()
            self.pace = (time.monotonic() - began) / max(1, self._work_off(claim, jobs))
        return not stopping.is_asked()

    def _work_off(self, claim: UUID, jobs: Sequence[Job]) -> int:
        """Run them one by one; how many, for others may take over from a slow one (``_make_room``)."""
        count, self.is_disturbed = 0, False
        self.waiting.extend(jobs)
        heart.pulse.take(claim, [job.pk for job in jobs], partial(self._make_room, claim))
        try:
            with suppress(IndexError):
                while True:
                    self._run(claim, self.waiting.popleft())
                    count += 1
            for jobs_alike, waits_for, columns in _alike(drained(self.ends)):
                if waits_for is None:
                    self._move(jobs_alike, Status.FINISHED, **columns)
                else:
                    self._let_go(jobs_alike, waits_for, columns)
            if self.is_disturbed:
                _patiently(partial(queue.let_go, claim))
            return count
        finally:
            heart.pulse.release()
            self.waiting.clear()
            self.ends.clear()

    def _make_room(self, claim: UUID) -> None:
        """A job takes its time: write the ends of those before it, and let others run those behind it. The pulse's,
        beside the run; what cannot be written now is written later."""
        if behind := drained(self.waiting):
            rows = Job.objects.filter(id__in=[job.pk for job in behind])
            reason = "given back: the job before it takes long"
            queue.move(rows, Status.NEW, reason=reason, actor=self.worker, claim=claim, **_UNDONE)
        ends = drained(self.ends)
        try:
            for jobs_alike, waits_for, columns in _alike(ends):
                rows = Job.objects.filter(id__in=[job.pk for job in jobs_alike])
                if waits_for is not None:
                    are_mine = queue.wait_for_others(jobs_alike, waits_for, columns)
                else:
                    moved = queue.move(rows, Status.FINISHED, actor=self.worker, claim=claim, **columns)
                    are_mine = len(moved) == len(jobs_alike)
                if not are_mine:
                    self.is_disturbed = True
        except Exception:
            self.ends.extend(ends)
            raise

    def _run(self, claim: UUID, job: Job) -> None:
        kind = job_classes().get(job.job_class)
        if kind is None:
            self._fail(job, Failure.JOB_CLASS, f"{job.job_class} is no job class known here")
            return
        try:
            pairs = [(key, value) for key, value in job.params]
            context: Context[Any] = Context(job, claim, parse(kind.Params, pairs, outputs=kind.outputs))
        except Refusal as refusal:
            self._fail(job, Failure.PARAMS, str(refusal))
            return
        if not heart.pulse.watch(context, kind):
            self.is_disturbed = True
            return
        began = time.monotonic()
        try:
            outcome = kind.run(context)
        except Stopped as stopped:
            self._stopped(kind, context, stopped.why)
        except JobFailed as failure:
            self._finish(context, Status.FAILED, reason=str(failure))
        except Refusal as refusal:
            self._finish(context, Status.FAILED, reason=str(refusal))
        except Exception as error:
            self._broken(kind, context, error)
        else:
            self._came_to(kind, context, outcome)
        finally:
            heart.pulse.unwatch()
            metrics.JOB_SECONDS.labels(job.job_class).observe(time.monotonic() - began)

    def _came_to(self, kind: JobClass[Any], context: Context[Any], outcome: Outcome) -> None:
        # Done is done: should this process die before it is written, it is done again, as it may be.
        may_be_late = kind.is_resumable and not context.job.concurrency_key
        match outcome:
            case None if may_be_late:
                _patiently(context.write_lines)
                self.ends.append(_End(context))
            case Waiting(reason=reason) if may_be_late:
                _patiently(context.write_lines)
                self.ends.append(_End(context, reason))
            case None:
                self._finish(context, Status.FINISHED)
            case Again(seconds=seconds, reason=reason):
                self.gives_way = self.gives_way or not seconds
                self._again(context, seconds, reason=reason, attempts=context.job.attempts - 1)
            case Waiting(reason=reason):
                _patiently(context.write_lines)
                self._let_go([context.job], reason, context.columns)

    def _stopped(self, kind: JobClass[Any], context: Context[Any], why: Why) -> None:
        if why is Why.LOST:
            self.is_disturbed = True
            _patiently(context.write_lines)
        elif why is Why.OUT_OF_TIME:
            self._finish(
                context, Status.FAILED, reason=f"{why.value} of {kind.time_limit:g} s", failure=Failure.TIME_LIMIT
            )
        elif why is Why.SHUTTING_DOWN:
            self._again(context, 0, reason=why.value, attempts=context.job.attempts - 1)

    def _broken(self, kind: JobClass[Any], context: Context[Any], error: Exception) -> None:
        """An error that nobody foresaw: tried again where the class says so, told without its traceback."""
        reference = uuid4().hex[:12]
        _log.error("job broke %s", reference, exc_info=error, extra={"job_id": context.job.pk})
        connection.close_if_unusable_or_obsolete()
        is_passing = isinstance(error, OperationalError | InterfaceError)
        words = "the database could not be used" if is_passing else f"internal failure, reference {reference}"
        # A database that was away is no fault of the job's.
        most = max(kind.retry.attempts, MOST_RUNS) if is_passing and kind.is_resumable else kind.retry.attempts
        if context.job.attempts < most:
            wait = backoff(context.job.attempts, first=kind.retry.first, cap=kind.retry.cap)
            self._again(context, wait, reason=words, attempts=context.job.attempts)
        else:
            self._finish(context, Status.FAILED, reason=words, failure=Failure.INTERNAL)

    def _finish(
        self, context: Context[Any], status: Status, *, reason: str = "", failure: Failure = Failure.JOB
    ) -> None:
        _patiently(context.write_lines)
        self._move([context.job], status, reason=reason, failure=failure, **context.columns)

    def _fail(self, job: Job, failure: Failure, reason: str) -> None:
        self._move([job], Status.FAILED, reason=reason, failure=failure)

    def _move(self, jobs: Sequence[Job], status: Status, **columns: Any) -> None:
        """Once, however often it takes: a move that is repeated finds its claim gone and does nothing."""
        rows = Job.objects.filter(id__in=[job.pk for job in jobs])
        write = partial(queue.move, rows, actor=self.worker, claim=jobs[0].claim)
        try:
            moved = _patiently(lambda: write(status, **columns))
        except (DataError, IntegrityError) as error:
            # What the run came to cannot be stored. That too is an end, and one that can be told.
            reference = uuid4().hex[:12]
            _log.error("a job's end cannot be stored %s", reference, exc_info=error, extra={"job_id": jobs[0].pk})
            words = f"internal failure, reference {reference}"
            moved = _patiently(lambda: write(Status.FAILED, reason=words, failure=Failure.INTERNAL))
        # Only ever set here: the pulse may set it in the same moment.
        if len(moved) < len(jobs):
            self.is_disturbed = True

    def _again(self, context: Context[Any], seconds: float, *, reason: str, attempts: int) -> None:
        _patiently(context.write_lines)
        self._move(
            [context.job],
            Status.NEW,
            reason=reason,
            attempts=max(0, attempts),
            vain_runs=0,
            due_at=queue.later(seconds),
            **context.columns,
        )

    def _let_go(self, jobs: Sequence[Job], reason: str, columns: dict[str, Any]) -> None:
        """The jobs wait for others; those may all be done already."""
        if not _patiently(partial(queue.wait_for_others, jobs, reason, columns)):
            self.is_disturbed = True


def _alike(ends: Sequence[_End]) -> Iterator[tuple[list[Job], str | None, dict[str, Any]]]:
    """Jobs with what they wait for and their columns: those that came to the same together, but for those that counted
    something of their own."""
    plain: dict[str | None, list[Job]] = {}
    for end in ends:
        if not end.context.has_progress:
            plain.setdefault(end.waits_for, []).append(end.context.job)
    for waits_for, jobs in plain.items():
        yield jobs, waits_for, {}
    for end in ends:
        if end.context.has_progress:
            yield [end.context.job], end.waits_for, end.context.columns


def _patiently(write: Callable[[], T]) -> T:
    """Write how a run ended, waiting for a database that is away."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return write()
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block or time.monotonic() > until:
                raise
            _log.warning("database away, the end of a job waits", exc_info=True)
            connection.close()
            time.sleep(0.2)


_runners: dict[Queue, Runner] = {}


def work(name: str) -> bool:
    """One wake-up of this process for one queue; whether to wake up again at once."""
    name = Queue(name)
    return _runners.setdefault(name, Runner(name)).work()


os.register_at_fork(after_in_child=_runners.clear)
