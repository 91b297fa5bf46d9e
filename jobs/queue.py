"""The moves of jobs between statuses: each one compare-and-set with its events, in one transaction."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone

from gateway import metrics, wakeups
from gateway.plain_text import storable
from jobs.models import Job
from jobs.models.job import JobQuerySet
from jobs.registry import job_classes
from jobs.states import EVENT_OF, FINAL, EventName, Queue, Status, sources

RUN_TASK = "jobs.tasks.run"
_MOST_TRIES = 5
# The columns of a job that no run is at.
LET_GO: dict[str, Any] = {"claim": None, "heartbeat_at": None, "suspected_at": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One edge gone by some jobs, as listeners are told of it inside its transaction."""

    job_ids: Sequence[int]
    to: Status
    at: datetime
    actor: str
    reason: str


Listener = Callable[[Moved], None]
_listeners: list[Listener] = []


def listen(listener: Listener) -> None:
    """Have ``listener`` called inside the transaction of every move; what it writes is there with the move or not at
    all. It must be quick, and what it raises undoes the move."""
    if listener not in _listeners:
        _listeners.append(listener)


def move(
    jobs: JobQuerySet,
    to: Status,
    *,
    reason: str = "",
    actor: str = "",
    events: Iterable[EventName] = (),
    claim: UUID | None = None,
    **columns: Any,
) -> list[int]:
    """Take those of ``jobs`` whose status allows it to ``to``; the ids that moved, in order. The others stay: somebody
    was first, and that is normal. With ``claim`` only what that run holds moves, and it lets go of it. ``events`` are
    written instead of the one that the edge has by itself."""
    now, reason = timezone.now(), storable(reason)
    jobs = jobs.filter(status__in=sorted(sources(to))) if claim is None else jobs.held_by(claim)
    with transaction.atomic():
        rows = list(locked(jobs).values_list("id", "parent_id", "queue", "job_class"))
        ids = [row[0] for row in rows]
        if not ids:
            return []
        Job.objects.filter(id__in=ids).update(
            status=to,
            reason=reason,
            updated_at=now,
            finished_at=now if to in FINAL else None,
            **(LET_GO if claim is not None else {}),
            **columns,
        )
        names = tuple(events) or (EVENT_OF[to],)
        note(ids, names, at=now, reason=reason, actor=actor)
        for listener in _listeners:
            listener(Moved(job_ids=ids, to=to, at=now, actor=actor, reason=reason))
        if to in FINAL:
            settle_parents({parent for _, parent, _, _ in rows if parent})
    if to == Status.NEW:
        wake({queue for _, _, queue, _ in rows})
    transaction.on_commit(lambda: _count(names, [name for _, _, _, name in rows]))
    return ids


def _count(events: Iterable[str], class_names: Sequence[str]) -> None:
    for event, (name, number) in product(events, Counter(class_names).items()):
        metrics.JOBS.labels(name, event).inc(number)


def locked(jobs: JobQuerySet) -> JobQuerySet:
    """These jobs, to be read under their locks, in order. The roots of their trees are locked first: whoever changes
    something in a tree waits for whoever else does, and nobody waits for each other. Inside a transaction."""
    roots = set(jobs.filter(root__isnull=False).values_list("root_id", flat=True))
    if roots:
        roots |= set(jobs.filter(root__isnull=True).values_list("id", flat=True))
        list(_for_update(Job.objects.filter(id__in=sorted(roots))).values_list("id"))
    return _for_update(jobs)


def try_lock(job: Job) -> bool:
    """Lock a job, the root of its tree first; False, and nothing was waited for, when somebody holds one of them.
    Inside a transaction."""
    free = Job.objects.select_for_update(of=("self",), skip_locked=True, no_key=True).values_list("id")
    return all(free.filter(pk=pk) for pk in dict.fromkeys((job.root_id or job.pk, job.pk)))


def _for_update(jobs: JobQuerySet) -> JobQuerySet:
    # Not the key: new children name their parent and root while these are locked.
    return jobs.order_by("id").select_for_update(of=("self",), no_key=True)


def let_go(claim: UUID) -> None:
    """A run that was stopped is no longer at the jobs that were cancelled or closed beneath it."""
    Job.objects.filter(claim=claim).exclude(status=Status.RUNNING).update(**LET_GO)


def wake(queues: Iterable[str]) -> None:
    """Tell the workers of these queues to look, once all is committed."""
    for queue in queues:
        transaction.on_commit(lambda queue=queue: wakeups.wake(RUN_TASK, queue))  # type: ignore[misc]


def note(job_ids: Sequence[int], names: Iterable[str], *, at: datetime, reason: str = "", actor: str = "") -> None:
    """Events of these jobs, made where the jobs lie: a set of them costs one round trip."""
    # As Django stores UUIDs there.
    fresh = "gen_random_uuid()" if connection.vendor == "postgresql" else "lower(hex(randomblob(16)))"
    places = ", ".join(["%s"] * len(job_ids))
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(
                "INSERT INTO jobs_jobevent (uuid, job_id, created_at, name, reason, actor) "  # noqa: S608 (our own)
                f"SELECT {fresh}, id, %s, %s, %s, %s FROM jobs_job WHERE id IN ({places}) ORDER BY id",
                [at, name, reason, actor, *job_ids],
            )


def claim(*, queue: Queue, worker: str, size: int) -> tuple[UUID, list[Job]]:
    """Due jobs, now this run's alone, in the order in which they are to be run: up to ``size`` that may be resumed
    should this process die, or a single one that may not, or that never runs beside its like. With their claim."""
    for _ in range(_MOST_TRIES):
        # Its like may be claimed by another in the same moment; the next time it is seen, and passed over.
        with suppress(IntegrityError), transaction.atomic():
            return _claim(queue, worker, size)
    return uuid4(), []


def _claim(queue: Queue, worker: str, size: int) -> tuple[UUID, list[Job]]:
    now, token = timezone.now(), uuid4()
    found = list(Job.objects.due(queue, now).select_for_update(of=("self",), skip_locked=True, no_key=True)[:size])
    jobs = _leading(found)
    if not jobs:
        return token, []
    Job.objects.filter(id__in=[job.pk for job in jobs]).update(
        status=Status.RUNNING,
        claim=token,
        worker=worker,
        attempts=F("attempts") + 1,
        heartbeat_at=now,
        started_at=now,
        updated_at=now,
        reason="",
    )
    note([job.pk for job in jobs], (EventName.STARTED,), at=now, actor=worker)
    for job in jobs:
        job.status, job.claim, job.started_at, job.attempts = Status.RUNNING, token, now, job.attempts + 1
    return token, jobs


def _leading(found: list[Job]) -> list[Job]:
    """The jobs at the head that may be claimed together, or the first alone."""
    known = job_classes()
    for index, job in enumerate(found):
        kind = known.get(job.job_class)
        if job.concurrency_key or kind is None or not kind.is_resumable:
            return found[: max(1, index)]
    return found


def wait_for_others(job: Job, reason: str, columns: dict[str, Any]) -> bool:
    """A run ends and its job goes on: it is settled with the last of its child jobs, which may have ended already.
    False when it was no longer the run's to say."""
    with transaction.atomic():
        mine = Job.objects.filter(pk=job.pk, claim=job.claim, status=Status.RUNNING)
        list(locked(mine).values_list("id"))
        is_mine = bool(mine.update(reason=storable(reason), updated_at=timezone.now(), **LET_GO, **columns))
        if is_mine:
            settle_parents([job.pk])
    return is_mine


def settle_parents(parent_ids: Iterable[int]) -> None:
    """End the waiting jobs among these that have no open child left: FINISHED, or FAILED when a child was not."""
    for parent_id in sorted(parent_ids):
        # Locked first: of two children that end at once, the second then sees the first one's end.
        parent = locked(Job.objects.waiting().filter(pk=parent_id)).first()
        if parent is None:
            continue
        # Those of a run before it was run again are history.
        children = Job.objects.filter(parent_id=parent_id, parent_life=parent.life)
        if children.open().exists():
            continue
        count, failed = children.count(), children.exclude(status=Status.FINISHED).count()
        columns: dict[str, Any] = {} if parent.total is not None else {"total": count, "completed": count - failed}
        this = Job.objects.waiting().filter(pk=parent_id)
        if failed:
            move(this, Status.FAILED, reason=f"{failed} of {count} child jobs did not finish", **columns)
        else:
            move(this, Status.FINISHED, **columns)


def later(seconds: float) -> datetime:
    """The moment ``seconds`` from now."""
    return timezone.now() + timedelta(seconds=seconds)
