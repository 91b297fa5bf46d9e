"""The moves of jobs between statuses: each one compare-and-set with its events, in one transaction."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
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
from gateway.compiled import ByIds
from gateway.plain_text import storable
from jobs import awaited
from jobs.awaited import Tally
from jobs.models import Job
from jobs.models.job import JobQuerySet
from jobs.registry import job_classes, verdict
from jobs.states import EVENT_OF, FINAL, EventName, Failure, Queue, Status, sources

RUN_TASK = "jobs.tasks.run"
_MOST_TRIES = 5
_MOST_SETTLED = 500
# The columns of a job that no run is at.
LET_GO: dict[str, Any] = {"claim": None, "heartbeat_at": None, "suspected_at": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One edge gone by some jobs, as listeners are told of it inside its transaction. ``failure`` is the kind of an end
    that is not FINISHED."""

    job_ids: Sequence[int]
    job_classes: frozenset[str]
    to: Status
    at: datetime
    actor: str = ""
    reason: str = ""
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunToSend:
    """Jobs whose first message is handed to a channel; a fact within RUNNING, and told like a move."""

    job_ids: Sequence[int]
    at: datetime


Listener = Callable[[Moved | BegunToSend], None]
_listeners: list[Listener] = []


def listen(listener: Listener) -> None:
    """Have ``listener`` called inside the transaction of every such fact; what it writes is there with the fact or not
    at all. It must be quick, and what it raises undoes the move."""
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
    failure: Failure = Failure.JOB,
    **columns: Any,
) -> list[int]:
    """Take those of ``jobs`` whose status allows it to ``to``; the ids that moved, in order. The others stay: somebody
    was first, and that is normal. With ``claim`` only what that run holds moves, and it lets go of it. ``events`` are
    written instead of the one that the edge has by itself; ``failure`` is the kind of a FAILED."""
    now, reason = timezone.now(), storable(reason)
    jobs = jobs.filter(status__in=sorted(sources(to))) if claim is None else jobs.held_by(claim)
    with transaction.atomic():
        rows = list(locked(jobs).values_list("id", "parent_id", "queue", "job_class", "parent_life"))
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
        kinds = {Status.FAILED: failure, Status.CANCELLED: Failure.CANCELLED}
        classes = frozenset(row[3] for row in rows)
        _tell(Moved(job_ids=ids, job_classes=classes, to=to, at=now, actor=actor, reason=reason, failure=kinds.get(to)))
        if to in FINAL:
            children = Counter((parent, life) for _, parent, _, _, life in rows if parent)
            settle_locked({parent for parent, _ in children}, children if to is Status.FINISHED else None)
    if to == Status.NEW:
        wake({queue for _, _, queue, _, _ in rows})
    transaction.on_commit(lambda: _count(names, [name for _, _, _, name, _ in rows]))
    return ids


def _tell(fact: Moved | BegunToSend) -> None:
    for listener in _listeners:
        listener(fact)


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


def fresh_uuid() -> str:
    """What makes a new UUID within a statement, as Django stores UUIDs there."""
    return "gen_random_uuid()" if connection.vendor == "postgresql" else "lower(hex(randomblob(16)))"


def note(job_ids: Sequence[int], names: Iterable[str], *, at: datetime, reason: str = "", actor: str = "") -> None:
    """Events of these jobs, made where the jobs lie: a set of them costs one round trip."""
    fresh = fresh_uuid()
    places = ", ".join(["%s"] * len(job_ids))
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(
                "INSERT INTO jobs_jobevent (uuid, job_id, created_at, name, reason, actor) "  # noqa: S608 (our own)
                f"SELECT {fresh}, id, %s, %s, %s, %s FROM jobs_job WHERE id IN ({places}) ORDER BY id",
                [at, name, reason, actor, *job_ids],
            )


def has_due(queue: Queue) -> bool:
    """Whether a job of the queue could be claimed now."""
    return Job.objects.due(queue, timezone.now()).exists()


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
        vain_runs=F("vain_runs") + 1,
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


def wait_for_others(jobs: Sequence[Job], reason: str, columns: dict[str, Any]) -> bool:
    """A run ends and its jobs go on: each is settled with the last of what it waits for, which may have ended already.
    False when one of them was no longer the run's to say."""
    mine = Job.objects.filter(id__in=[job.pk for job in jobs], claim=jobs[0].claim, status=Status.RUNNING)
    with transaction.atomic():
        ids = list(locked(mine).values_list("id", flat=True))
        waiting = Job.objects.filter(id__in=ids)
        waiting.update(reason=storable(reason), updated_at=timezone.now(), **LET_GO, **columns)
        settle_locked(ids)
    return len(ids) == len(jobs)


# Asked for each claim of messages, which is handed over in a few hundredths of a second.
_nothing_open = ByIds(
    lambda ids: Job.objects.waiting().filter(awaited.nothing_open(), id__in=ids).order_by("id").values_list("id")
)
# One row and no lock but its own, so that nobody waits for each other. Its end counts exactly.
_MORE_COMPLETED = """
UPDATE jobs_job SET updated_at = %s, completed =
    CASE WHEN COALESCE(completed, 0) + %s < total THEN COALESCE(completed, 0) + %s ELSE total END
WHERE id = %s AND status = 'RUNNING' AND claim IS NULL AND total IS NOT NULL
"""


def settle(job_ids: Collection[int], done: Mapping[int, int] | None = None) -> None:
    """Something that these jobs may have waited for was closed, and is committed: end those that wait for nothing any
    more. ``done`` says of how many things that ended well the others should be told, as progress."""
    wanted, counts = sorted(job_ids), done or {}
    for start in range(0, len(wanted), _MOST_SETTLED):
        portion = wanted[start : start + _MOST_SETTLED]
        ended = _nothing_open(portion)
        settle_locked(ended)
        for job_id in sorted(counts.keys() & set(portion).difference(ended)):
            _more_completed(job_id, counts[job_id])


def settle_locked(job_ids: Collection[int], children: Mapping[tuple[int, int], int] | None = None) -> None:
    """End those of these jobs that wait for nothing any more: FINISHED, or FAILED with what their class says to how
    the things they waited for ended. All of one end in one move. ``children`` says how many of theirs have ended
    well, by job and life: those of the others whose class counts them have that as progress."""
    if not job_ids:
        return
    with transaction.atomic():
        # Locked first: of two things that end at once, the second then sees the first one's end.
        waiting = list(
            locked(Job.objects.waiting().filter(id__in=sorted(job_ids))).values_list("id", "job_class", "total", "life")
        )
        mine = Job.objects.waiting().filter(id__in=sorted(job_ids))
        ended = list(mine.filter(awaited.nothing_open()).order_by("id"))
        tallies = awaited.tallies([job.pk for job in ended])
        for (reason, total, completed), alike in _by_end(ended, tallies).items():
            these = Job.objects.waiting().filter(id__in=alike)
            to = Status.FAILED if reason else Status.FINISHED
            move(these, to, reason=reason, failure=Failure.NOT_ALL_DONE, total=total, completed=completed)
        over = {job.pk for job in ended}
        for pk, name, total, life in waiting:
            count = (children or {}).get((pk, life), 0)
            if count and total is not None and pk not in over and _counts_jobs(name):
                _more_completed(pk, count)


def _counts_jobs(job_class: str) -> bool:
    kind = job_classes().get(job_class)
    return kind is None or kind.counts_jobs


def _more_completed(job_id: int, count: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_MORE_COMPLETED, [timezone.now(), count, count, job_id])


def _by_end(
    jobs: Iterable[Job], tallies: Mapping[int, Sequence[Tally]]
) -> dict[tuple[str, int | None, int | None], list[int]]:
    """The ids of the jobs that end alike, by why they failed and what they count."""
    ends: dict[tuple[str, int | None, int | None], list[int]] = {}
    for job in jobs:
        counted = tallies[job.pk]
        kind = job_classes().get(job.job_class)
        reason = kind.verdict(job, counted) if kind else verdict(counted)
        if not _counts_jobs(job.job_class):
            counted = [tally for tally in counted if not tally.are_jobs]
        count = sum(tally.count for tally in counted)
        well = count - sum(tally.failed for tally in counted)
        total = count if job.total is None else job.total
        # What the run counted itself never goes back.
        completed = min(total, max(job.completed or 0, well))
        ends.setdefault((reason, total, completed), []).append(job.pk)
    return ends


def _not_sending_yet(ids: Sequence[int]) -> JobQuerySet:
    return Job.objects.filter(id__in=ids, status=Status.RUNNING, sending_at=None)


_not_sending = ByIds(lambda ids: _not_sending_yet(ids).values_list("id"))


def begin_sending(job_ids: Collection[int]) -> None:
    """Messages of these jobs are being handed over from now on: those at work of which that is the first have the event
    SENDING from now on, once in each of their lives."""
    silent = _not_sending(sorted(job_ids))
    if not silent:
        return
    now = timezone.now()
    with transaction.atomic():
        ids = list(locked(_not_sending_yet(silent)).values_list("id", flat=True))
        if ids:
            Job.objects.filter(id__in=ids).update(sending_at=now, updated_at=now)
            note(ids, (EventName.SENDING,), at=now)
            _tell(BegunToSend(job_ids=ids, at=now))


def later(seconds: float) -> datetime:
    """The moment ``seconds`` from now."""
    return timezone.now() + timedelta(seconds=seconds)
