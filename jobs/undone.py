"""What a job was to do and did not: whatever upper floors know of it, registered here."""

from collections.abc import Callable, Sequence
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


Finder = Callable[[int, int], Sequence[Undone]]
_finders: list[Finder] = []


def register(finder: Finder) -> None:
    """Have ``finder(job_id, most)`` asked too; it answers in the order in which the things were to be done."""
    if finder not in _finders:
        _finders.append(finder)


def of_job(job_id: int) -> list[Undone]:
    """What is not done of a job now, at most ``MOST``."""
    found: list[Undone] = []
    for finder in _finders:
        if len(found) < MOST:
            found += finder(job_id, MOST - len(found))
    return found
