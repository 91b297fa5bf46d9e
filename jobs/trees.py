"""A job and what stands below it."""

from collections.abc import Iterator, Sequence

from django.db import connection, transaction

from jobs import queue
from jobs.models import Job
from jobs.models.job import JobQuerySet
from jobs.states import Status

_MOST_NAMED = 10_000
_BELOW = """
WITH RECURSIVE below (id) AS (
    SELECT id FROM jobs_job WHERE id IN ({places})
    UNION
    SELECT child.id FROM jobs_job AS child JOIN below ON child.parent_id = below.id
)
SELECT id FROM below ORDER BY id
"""


def ids_below(job_ids: Sequence[int]) -> list[int]:
    """These jobs and all below them, in order."""
    if not job_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_BELOW.format(places=", ".join(["%s"] * len(job_ids))), list(job_ids))
        return [pk for (pk,) in cursor.fetchall()]


def below(job: Job) -> JobQuerySet:
    """The whole tree below a job, itself included."""
    if job.root_id is None:
        return Job.objects.of_tree(job)
    return Job.objects.filter(id__in=ids_below([job.pk]))


def cancel(job_ids: Sequence[int], *, reason: str, actor: str) -> None:
    """Cancel these jobs with everything open below them, in the caller's transaction.

    Children are only made under their parent's lock (jobs.services.submit): once nothing new is found below what is
    locked, nothing can come any more.
    """
    wanted = ids_below(job_ids)
    with transaction.atomic():
        while True:
            for portion in _portions(wanted):
                list(queue.locked(portion).values_list("id"))
            again = ids_below(job_ids)
            if again == wanted:
                break
            wanted = again
        # The highest first: a parent that waits for them must not be settled by their end.
        queue.move(Job.objects.filter(id__in=job_ids), Status.CANCELLED, reason=reason, actor=actor)
        for portion in _portions(sorted(set(wanted) - set(job_ids))):
            queue.move(portion, Status.CANCELLED, reason=reason or "the job above was cancelled", actor=actor)


def _portions(job_ids: Sequence[int]) -> Iterator[JobQuerySet]:
    """The same jobs, so many at a time as a statement may name."""
    for start in range(0, len(job_ids), _MOST_NAMED):
        yield Job.objects.filter(id__in=job_ids[start : start + _MOST_NAMED])
