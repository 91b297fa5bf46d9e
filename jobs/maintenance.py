"""What beat looks after each second, and what is done once in a while."""

import logging
import time
from datetime import datetime, timedelta

from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from gateway import wakeups
from jobs import awaited, queue, recurring
from jobs.models import Job, JobEvent, JobLogLine, TriggerFiring
from jobs.models.job import JobQuerySet
from jobs.registry import MOST_RUNS, job_classes
from jobs.states import FINAL, EventName, Failure, Queue, Status

_log = logging.getLogger(__name__)
# Where the moment of the last tick is kept: beat, broker and a worker were all there.
TICK = "tick"
_BATCH = 500
# How far the tick has come among the jobs that wait, and how many it looks at.
_SETTLED_UP_TO = "jobs-settled-up-to"
_WAITING = 2000


def tick() -> None:
    """Mend what a lost wake-up or a dead worker left behind, and let time do its work."""
    cache.set(TICK, time.time(), None)
    rescue()
    recurring.fire_due()
    settle_forgotten()
    for name in Queue:
        if Job.objects.due(name, timezone.now()).exists():
            wakeups.wake(queue.RUN_TASK, name)


def rescue() -> list[int]:
    """Take jobs from workers that died: one that may be resumed waits again, any other is FAILED. Their ids.

    A heartbeat that is too old makes a job suspected; only one that is still silent some heartbeats later is taken
    for dead. A database that was away, or a clock that jumped, makes all hearts look still for a moment.
    """
    now = timezone.now()
    suspects = Job.objects.claimed().filter(_is_silent(now))
    with transaction.atomic():
        # Whose row is locked is being looked after; waiting for it would keep all that the tick does waiting.
        fresh = suspects.filter(suspected_at=None).select_for_update(skip_locked=True, no_key=True)
        ids = list(fresh.values_list("id", flat=True)[:_BATCH])
        Job.objects.filter(id__in=ids).update(suspected_at=now)
    patience = timedelta(seconds=2 * settings.HAMMY_JOB_HEARTBEAT_SECONDS + 1)
    dead = suspects.filter(suspected_at__lt=now - patience)
    found: list[int] = []
    # Each batch leaves the set it was taken from.
    while batch := list(dead.order_by("id")[:_BATCH]):
        before = len(found)
        for job in batch:
            with transaction.atomic():
                found += _rescue(job, dead) if queue.try_lock(job) else []
        if len(found) == before:
            # Somebody else is at all of them.
            break
    return found


def _is_silent(now: datetime) -> Q:
    """Too old, or so far ahead that the clock it was read from cannot have been right."""
    longest = timedelta(seconds=settings.HAMMY_JOB_LOST_SECONDS)
    return Q(heartbeat_at__lt=now - longest) | Q(heartbeat_at__gt=now + longest)


def _rescue(job: Job, dead: JobQuerySet) -> list[int]:
    still = dead.filter(pk=job.pk)
    if job.status != Status.RUNNING or job.claim is None:
        # It was cancelled or closed, and its run died before it heard of it.
        return [job.pk] if still.exclude(status=Status.RUNNING).update(**queue.LET_GO) else []
    kind = job_classes().get(job.job_class)
    reason = f"worker {job.worker} died"
    if kind is not None and kind.is_resumable and job.vain_runs < MOST_RUNS:
        moved = queue.move(
            still, Status.NEW, events=[EventName.RESCUED], reason=reason, claim=job.claim, due_at=timezone.now()
        )
    else:
        if kind is not None and kind.is_resumable:
            reason += f", the last of {job.vain_runs}"
        events = [EventName.RESCUED, EventName.FAILED]
        moved = queue.move(
            still, Status.FAILED, events=events, reason=reason, claim=job.claim, failure=Failure.WORKER_LOST
        )
    if moved:
        _log.warning("job rescued", extra={"job_id": job.pk, "job_class": job.job_class, "reason": reason})
    return moved


def settle_forgotten() -> None:
    """End jobs that wait for nothing any more and that nobody told of it: a portion of those that wait, the next tick's
    beyond it, so that a hundred thousand of them do not keep a tick busy."""
    after = cache.get(_SETTLED_UP_TO, 0)
    portion = list(Job.objects.waiting().filter(id__gt=after).order_by("id").values_list("id", flat=True)[:_WAITING])
    cache.set(_SETTLED_UP_TO, portion[-1] if len(portion) == _WAITING else 0, None)
    for job in Job.objects.waiting().filter(id__in=portion).filter(awaited.nothing_open()):
        with transaction.atomic():
            if queue.try_lock(job):
                queue.settle_locked([job.pk])


def clean() -> None:
    """Once an hour: forget what retention allows."""
    if settings.HAMMY_JOB_RETENTION_DAYS >= 0:
        before = timezone.now() - timedelta(days=settings.HAMMY_JOB_RETENTION_DAYS)
        _log.info("retention", extra={"purged": prune(finished_before=before)})


_MEMBERS = "SELECT id FROM jobs_job WHERE id IN ({roots}) OR root_id IN ({roots})"


def prune(*, finished_before: datetime, size: int = _BATCH) -> int:
    """Forget trees of jobs all of which ended before a moment, whole trees at a time with their events and logs, and
    the firings of that time; how many jobs."""
    members = Job.objects.filter(root=OuterRef("pk"))
    is_late = Q(finished_at__isnull=True) | Q(finished_at__gte=finished_before)
    roots = Job.objects.filter(
        ~Exists(members.filter(is_late)), root=None, status__in=sorted(FINAL), finished_at__lt=finished_before
    )
    total = 0
    while True:
        with transaction.atomic():
            # Locked, so that none of them is run again while it goes; what another purge has is left to it.
            locked = roots.order_by("finished_at", "id").select_for_update(of=("self",), skip_locked=True)
            ids = list(locked.values_list("id", flat=True)[:size])
            total += _forget(ids)
        if len(ids) < size:
            break
    # What was made of times whose jobs are forgotten, or that had none.
    TriggerFiring.objects.filter(slot__lt=finished_before, job=None).delete()
    return total


def _forget(root_ids: list[int]) -> int:
    """Rows of whole trees, past the ORM, which would load each of them to look for what hangs on it."""
    if not root_ids:
        return 0
    places = ", ".join(["%s"] * len(root_ids))
    trees = _MEMBERS.format(roots=places)
    with connection.cursor() as cursor:
        for model, column in ((JobEvent, "job_id"), (JobLogLine, "job_id")):
            cursor.execute(f"DELETE FROM {model._meta.db_table} WHERE {column} IN ({trees})", [*root_ids, *root_ids])  # noqa: S608
        cursor.execute(
            f"UPDATE {TriggerFiring._meta.db_table} SET job_id = NULL WHERE job_id IN ({trees})",  # noqa: S608
            [*root_ids, *root_ids],
        )
        cursor.execute(f"DELETE FROM jobs_job WHERE root_id IN ({places})", root_ids)  # noqa: S608
        below = cursor.rowcount
        cursor.execute(f"DELETE FROM jobs_job WHERE id IN ({places})", root_ids)  # noqa: S608
        return below + cursor.rowcount
