"""The heartbeat of running jobs: a thread that tells the database they live, and tells them when they must stop."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connections, transaction
from django.utils import timezone

from jobs import queue, stopping
from jobs.context import Context, Why
from jobs.models import Job
from jobs.models.job import JobQuerySet
from jobs.registry import JobClass
from jobs.states import Failure, Status

_log = logging.getLogger(__name__)
# So cancelling is noticed within a second.
_LOOK_SECONDS = 0.4


class Pulse:
    """One per process, its thread started by the first job; what is over before the first look costs nothing."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._claim: UUID | None = None
        self._held: set[int] = set()
        self._lost: set[int] = set()
        self._context: Context[Any] | None = None
        self._may_let_go = False
        self._deadline = float("inf")
        self._beaten_at = 0.0
        self._on_slow: Callable[[], None] = _nothing
        self._thread: threading.Thread | None = None

    def take(self, claim: UUID, job_ids: Collection[int], on_slow: Callable[[], None] | None = None) -> None:
        """A claim to keep alive, in place of the last one. ``on_slow`` is called, beside the run, when one of its jobs
        takes so long that the others should not wait for it."""
        with self._changed:
            self._claim, self._held, self._lost = claim, set(job_ids), set()
            self._on_slow = on_slow or _nothing
            self._beaten_at = time.monotonic()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def watch(self, context: Context[Any], kind: JobClass[Any]) -> bool:
        """The run that goes on now; False when its job was already taken away."""
        with self._changed:
            if context.job.pk in self._lost:
                return False
            self._context, self._deadline = context, time.monotonic() + kind.time_limit
            self._may_let_go = kind.is_resumable
            return True

    def unwatch(self) -> None:
        """The run is over; its claim is still held."""
        with self._changed:
            self._context, self._deadline = None, float("inf")

    def release(self) -> None:
        """The claim is settled."""
        with self._changed:
            self._claim, self._held, self._context, self._deadline = None, set(), None, float("inf")

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._claim is None:
                    connections.close_all()
                    self._changed.wait_for(lambda: self._claim is not None)
                claim = self._claim
                # What ends within this time is not looked at.
                if self._changed.wait_for(lambda claim=claim: self._claim != claim, _LOOK_SECONDS):  # type: ignore[misc]
                    continue
            try:
                self._look(claim)
            except Exception:
                # Whatever it was, a heart that stops for good would have living jobs taken for dead.
                _log.warning("no heartbeat", exc_info=True)
                connections.close_all()

    def _look(self, claim: UUID | None) -> None:
        now = time.monotonic()
        held = Job.objects.filter(claim=claim)
        if now - self._beaten_at >= settings.HAMMY_JOB_HEARTBEAT_SECONDS:
            _beat(held)
            self._beaten_at = now
        mine = set(held.filter(status=Status.RUNNING).values_list("id", flat=True))
        with self._changed:
            if self._claim != claim:
                return
            self._lost = self._held - mine
            context = self._context
            overdue = now - self._deadline
        if context is None:
            return
        if context.job.pk in self._lost:
            context.stop = context.stop or Why.LOST
        elif overdue > 0:
            context.stop = context.stop or Why.OUT_OF_TIME
        elif self._may_let_go and stopping.is_asked():
            context.stop = context.stop or Why.SHUTTING_DOWN
        if overdue > settings.HAMMY_JOB_GRACE_SECONDS:
            _end_hung(context)
        context.tell()
        self._on_slow()


def _beat(held: JobQuerySet) -> None:
    # What another has locked just now is being looked after; waiting for it could mean waiting for each other.
    with transaction.atomic():
        free = list(held.select_for_update(skip_locked=True, no_key=True).values_list("id", flat=True))
        held.filter(id__in=free).update(heartbeat_at=timezone.now(), suspected_at=None)


def _end_hung(context: Context[Any]) -> None:
    """A run that hears nothing holds its process for ever: end both, and let another process take the slot."""
    reason = f"{Why.OUT_OF_TIME.value} and did not stop"
    _log.error("hung job ended with its process", extra={"job_id": context.job.pk, "job_class": context.job.job_class})
    try:
        with transaction.atomic():
            # Where the run itself holds the job's row, its end frees it, and the rescuer says the rest.
            if queue.try_lock(context.job):
                hung = Job.objects.filter(pk=context.job.pk)
                queue.move(hung, Status.FAILED, reason=reason, claim=context.claim, failure=Failure.TIME_LIMIT)
    finally:
        connections.close_all()
        os.kill(os.getpid(), signal.SIGKILL)


def _nothing() -> None:
    """For a claim whose jobs hold up no others."""


pulse = Pulse()


def _begin_anew() -> None:
    # The thread and its lock stayed in the parent.
    global pulse  # noqa: PLW0603
    pulse = Pulse()


os.register_at_fork(after_in_child=_begin_anew)
