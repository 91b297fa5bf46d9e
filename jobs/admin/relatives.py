"""The tree that a job stands in, as nested lists can show it."""

from collections import defaultdict
from dataclasses import dataclass

from django.utils.safestring import SafeString

from jobs.admin import cells, wording
from jobs.models import Job
from jobs.models.job import JobQuerySet

MOST = 200
# Further in than this nothing moves to the right any more.
_DEEPEST = 12


@dataclass(slots=True, kw_only=True)
class Node:
    """A job of the tree; ``depth`` is how far below its root it stands."""

    job: Job
    name: str
    state: SafeString
    progress: SafeString
    lasted: str
    is_this: bool
    depth: int


@dataclass(slots=True, kw_only=True)
class Tree:
    """The nodes, each right below its parent; ``is_cut`` when there is more of it than these. The job, those above it
    and the first of its children are always among them."""

    nodes: list[Node]
    root_id: int
    is_cut: bool


def tree(job: Job) -> Tree | None:
    """The tree of a job, None for one that stands alone; a big one as far as MOST reaches."""
    root_id = job.root_id or job.pk
    members = _light(Job.objects.filter(root_id=root_id)).order_by("created_at", "id")
    found = list(members[: MOST + 1])
    if not found:
        return None
    is_cut = len(found) > MOST
    shown = {member.pk: member for member in found[:MOST]}
    if is_cut and job.root_id:
        children = _light(Job.objects.filter(parent_id=job.pk)).order_by("id")[:MOST]
        shown |= {child.pk: child for child in children}
    above: Job | None = job
    while above is not None and above.pk not in shown:
        shown[above.pk] = above
        above = _light(Job.objects.filter(pk=above.parent_id)).first() if above.parent_id else None
    if root_id not in shown:
        shown |= {root.pk: root for root in _light(Job.objects.filter(pk=root_id))}
    return Tree(nodes=_nested(shown, job), root_id=root_id, is_cut=is_cut)


def _light(jobs: JobQuerySet) -> JobQuerySet:
    return jobs.defer("params", "cursor", "reason")


def _nested(shown: dict[int, Job], this: Job) -> list[Node]:
    below: dict[int | None, list[Job]] = defaultdict(list)
    for _pk, job in sorted(shown.items(), reverse=True):
        below[job.parent_id if job.parent_id in shown else None].append(job)
    nodes = []
    # The last is taken first: of siblings the lowest number.
    waiting = [(job, 0) for job in below[None]]
    while waiting:
        job, depth = waiting.pop()
        nodes.append(
            Node(
                job=job,
                name=wording.short(job.job_class),
                state=cells.state(job),
                progress=cells.progress(job),
                lasted=cells.lasted(job),
                is_this=job.pk == this.pk,
                depth=min(depth, _DEEPEST),
            )
        )
        waiting += [(child, depth + 1) for child in below[job.pk]]
    return nodes
