"""What a job may wait for after its run has let go: its child jobs, and whatever upper floors register here."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db.models import Count, Exists, F, OuterRef, Q

from jobs.models import Job
from jobs.states import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What one job waited for, counted when none of it is open: ``words`` tell people of the ``failed``, "" when all
    ended well. ``are_jobs``: they were its child jobs."""

    count: int
    failed: int
    words: str
    are_jobs: bool = False


class Awaited(ABC):
    """One kind of thing that jobs wait for. Both methods are asked with many jobs at once and cost a look into an
    index, not at each thing."""

    @abstractmethod
    def open(self) -> Exists:
        """Whether the job that ``OuterRef("pk")`` names has any that is still open."""

    @abstractmethod
    def tallies(self, job_ids: Collection[int]) -> Mapping[int, Tally]:
        """Those of the jobs that have any, with what became of them."""


class _ChildJobs(Awaited):
    """Those of a run before the job was run again are history."""

    def open(self) -> Exists:
        return Exists(Job.objects.open().filter(parent=OuterRef("pk"), parent_life=OuterRef("life")))

    def tallies(self, job_ids: Collection[int]) -> Mapping[int, Tally]:
        children = Job.objects.filter(parent_id__in=job_ids, parent_life=F("parent__life")).order_by()
        counts = children.values_list("parent_id").annotate(
            count=Count("id"), failed=Count("id", filter=~Q(status=Status.FINISHED))
        )
        return {
            parent_id: Tally(
                count=count,
                failed=failed,
                words=f"{failed} of {count} child jobs did not finish" if failed else "",
                are_jobs=True,
            )
            for parent_id, count, failed in counts
        }


_kinds: list[Awaited] = [_ChildJobs()]


def register(kind: Awaited) -> None:
    """Have jobs wait for such things too. Who closes one tells ``jobs.queue.settle``; what nobody tells the tick
    finds."""
    if not any(type(known) is type(kind) for known in _kinds):
        _kinds.append(kind)


def nothing_open() -> Q:
    """For jobs that have nothing open; in a form in which each database may choose to look job by job."""
    wanted = Q()
    for kind in _kinds:
        wanted &= Q(~kind.open())
    return wanted


def tallies(job_ids: Collection[int]) -> Mapping[int, list[Tally]]:
    """What each of the jobs waited for, kind by kind."""
    found: dict[int, list[Tally]] = {job_id: [] for job_id in job_ids}
    for kind in _kinds:
        for job_id, tally in kind.tallies(job_ids).items():
            found[job_id].append(tally)
    return found
