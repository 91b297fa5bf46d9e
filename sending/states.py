"""The life of a message as data (contract send_v2, "Life of a message"); docs/message-states.md draws it."""

from enum import StrEnum


class Status(StrEnum):
    """Where a message stands."""

    ACCEPTED = "ACCEPTED"
    HELD = "HELD"
    SENDING = "SENDING"
    RETRY = "RETRY"
    SENT = "SENT"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    UNCERTAIN = "UNCERTAIN"
    BOUNCED = "BOUNCED"


EDGES: dict[Status, frozenset[Status]] = {
    Status.ACCEPTED: frozenset({Status.HELD, Status.SENDING, Status.CANCELLED}),
    Status.HELD: frozenset({Status.ACCEPTED, Status.CANCELLED}),
    Status.SENDING: frozenset({Status.SENT, Status.RETRY, Status.FAILED, Status.UNCERTAIN, Status.ACCEPTED}),
    Status.RETRY: frozenset({Status.SENDING, Status.FAILED, Status.CANCELLED}),
    Status.UNCERTAIN: frozenset({Status.SENT, Status.BOUNCED, Status.ACCEPTED, Status.FAILED}),
    Status.SENT: frozenset({Status.BOUNCED}),
    Status.FAILED: frozenset({Status.ACCEPTED}),
    Status.CANCELLED: frozenset(),
    Status.BOUNCED: frozenset(),
}

CLOSED = frozenset({Status.SENT, Status.FAILED, Status.CANCELLED, Status.BOUNCED, Status.UNCERTAIN})
# Waiting for a worker: the partial index of due messages covers exactly these.
DUE = frozenset({Status.ACCEPTED, Status.RETRY})


def sources(target: Status) -> frozenset[Status]:
    """The statuses from which a message may become ``target``."""
    return frozenset(status for status, targets in EDGES.items() if target in targets)


class Happening(StrEnum):
    """What happens to a message beside its changes of status; events are named by either."""

    OPENED = "OPENED"
    REPORTED = "REPORTED"
    SOURCE_DELETED = "SOURCE_DELETED"
    SOURCE_KEPT = "SOURCE_KEPT"


class HeldFor(StrEnum):
    """Why a HELD message waits; one held for its CHANNEL goes on by itself once there is such a channel."""

    TEMPLATE = "TEMPLATE"
    TIME = "TIME"
    PERSON = "PERSON"
    CHANNEL = "CHANNEL"
    PAUSE = "PAUSE"


class Operation(StrEnum):
    """What is done in bulk (sending.in_bulk)."""

    CANCEL = "CANCEL"
    HOLD = "HOLD"
    RELEASE = "RELEASE"
    REQUEUE = "REQUEUE"
    RESEND = "RESEND"


class BulkOutcome(StrEnum):
    """What became of a message in such an operation."""

    DONE = "DONE"
    NOT_DONE = "NOT_DONE"


class TemplateStatus(StrEnum):
    """ENABLED takes letters; SUSPENDED takes and holds them; DISABLED and ARCHIVED refuse them."""

    ENABLED = "ENABLED"
    SUSPENDED = "SUSPENDED"
    DISABLED = "DISABLED"
    ARCHIVED = "ARCHIVED"


class VersionStatus(StrEnum):
    """A DRAFT may be edited; what was ENABLED once never changes again; RETIRED serves what was accepted with it."""

    DRAFT = "DRAFT"
    ENABLED = "ENABLED"
    RETIRED = "RETIRED"


class BatchStatus(StrEnum):
    """An OPEN print batch takes letters; a CLOSING one waits for those in workers' hands; what a CLOSED one holds never
    changes."""

    OPEN = "OPEN"
    CLOSING = "CLOSING"
    CLOSED = "CLOSED"
