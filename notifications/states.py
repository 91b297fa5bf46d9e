"""The life of a delivery as data (contract webhook_practice); docs/delivery-states.md draws it."""

from enum import StrEnum
from uuid import UUID

# The job that a TEST tells of.
NO_JOB = UUID(int=0)
# Why what was left of a job's earlier callbacks is DROPPED.
OVERTAKEN = "the job has ended"


class Status(StrEnum):
    """Where a delivery stands. MISSED: its target was disabled. DROPPED: nobody waits for it any more."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
    MISSED = "MISSED"
    DROPPED = "DROPPED"


EDGES: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.DELIVERED, Status.FAILED, Status.MISSED, Status.DROPPED}),
    # Replayed by hand.
    Status.DELIVERED: frozenset({Status.PENDING}),
    Status.FAILED: frozenset({Status.PENDING}),
    Status.MISSED: frozenset({Status.PENDING}),
    Status.DROPPED: frozenset(),
}
CLOSED = frozenset(Status) - {Status.PENDING}


def sources(target: Status) -> frozenset[Status]:
    """The statuses from which a delivery may become ``target``."""
    return frozenset(status for status, targets in EDGES.items() if target in targets)


class Health(StrEnum):
    """How a target fares, the first of these that is true of it: DISABLED, PAUSED, FAILING (its last call failed)."""

    WORKING = "working"
    FAILING = "failing"
    PAUSED = "paused"
    DISABLED = "disabled"


class EventKind(StrEnum):
    """What happened. A TEST happened to nobody."""

    JOB_SENDING = "job.sending"
    JOB_COMPLETED = "job.completed"
    TEST = "test"


class TargetKind(StrEnum):
    """A REGISTRATION is one address; a CALLBACK is the place, as https://host:port, that the addresses of many jobs
    lead to, which is up or down as one."""

    REGISTRATION = "registration"
    CALLBACK = "callback"
