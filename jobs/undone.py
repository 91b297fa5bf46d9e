"""What a job was to do and did not: whatever upper floors know of it, registered here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

# Of one job at most so many are told of (contract job_completed_notifications, "Payload").
MOST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """One thing: its uuid, a name that tells nothing of a person, and its bytes (0 = unknown)."""

    uuid: UUID
    name: str
    length: int = 0

    def as_list(self) -> list[str | int]:
        """As it is kept."""
        return [str(self.uuid), self.name, self.length]


Finder = Callable[[Sequence[int], int], Mapping[int, Sequence[Undone]]]
_finders: list[Finder] = []


def register(finder: Finder) -> None:
    """Have ``finder(job_ids, most)`` asked too; it answers with up to so many of each job that has any, in the order in
    which they were to be done."""
    if finder not in _finders:
        _finders.append(finder)


def of_jobs(job_ids: Sequence[int]) -> Mapping[int, list[Undone]]:
    """What is not done of each of these jobs now, at most ``MOST`` of one."""
    found: dict[int, list[Undone]] = {job_id: [] for job_id in job_ids}
    for finder in _finders:
        for job_id, things in finder(job_ids, MOST).items():
            found[job_id] = [*found[job_id], *things][:MOST]
    return found
