"""The life of a job as data (contract job_v1, "Job" and "setJobStatus"); docs/job-states.md draws it."""

from enum import StrEnum


class Status(StrEnum):
    """Where a job stands. RUNNING without a claim waits for others: its child jobs, its messages."""

    NEW = "NEW"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class EventName(StrEnum):
    """What may happen to a job; every edge of its life has one."""

    CREATED = "CREATED"
    STARTED = "STARTED"
    SENDING = "SENDING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    RETRIED = "RETRIED"
    RESCUED = "RESCUED"


class Queue(StrEnum):
    """Where a job waits: LONG ones have workers of their own, so that none of them holds up a QUICK one."""

    QUICK = "quick"
    LONG = "long"


EDGES: dict[Status, frozenset[Status]] = {
    Status.NEW: frozenset({Status.RUNNING, Status.CANCELLED}),
    Status.RUNNING: frozenset({Status.NEW, Status.FINISHED, Status.FAILED, Status.CANCELLED}),
    Status.FAILED: frozenset({Status.NEW, Status.FINISHED}),
    Status.CANCELLED: frozenset({Status.NEW}),
    Status.FINISHED: frozenset(),
}
# What a caller may ask for, and from where (contract job_v1, "setJobStatus").
BY_HAND: dict[Status, frozenset[Status]] = {
    Status.NEW: frozenset({Status.FAILED, Status.CANCELLED}),
    Status.FINISHED: frozenset({Status.RUNNING, Status.FAILED}),
    Status.FAILED: frozenset({Status.RUNNING}),
    Status.CANCELLED: frozenset({Status.NEW, Status.RUNNING}),
}
FINAL = frozenset({Status.FINISHED, Status.FAILED, Status.CANCELLED})
OPEN = frozenset(Status) - FINAL
EVENT_OF = {
    Status.NEW: EventName.RETRIED,
    Status.RUNNING: EventName.STARTED,
    Status.FINISHED: EventName.FINISHED,
    Status.FAILED: EventName.FAILED,
    Status.CANCELLED: EventName.CANCELLED,
}


class Failure(StrEnum):
    """The kinds of a job's end but for FINISHED, as those who are told of it read them (contract dpf_url_callback,
    ``exitStatus``)."""

    JOB = "ERR_JOB"
    PARAMS = "ERR_PARAMS"
    JOB_CLASS = "ERR_JOB_CLASS"
    NOT_ALL_DONE = "ERR_NOT_ALL_DONE"
    TIME_LIMIT = "ERR_TIME_LIMIT"
    WORKER_LOST = "ERR_WORKER_LOST"
    INTERNAL = "ERR_INTERNAL"
    CLOSED_BY_HAND = "ERR_CLOSED_BY_HAND"
    CANCELLED = "ERR_CANCELLED"


def sources(target: Status) -> frozenset[Status]:
    """The statuses from which a job may become ``target``."""
    return frozenset(status for status, targets in EDGES.items() if target in targets)


class Overlap(StrEnum):
    """What a trigger does when its time comes while a job of it is still open."""

    SKIP = "SKIP"
    QUEUE = "QUEUE"
    ALLOW = "ALLOW"
    REPLACE = "REPLACE"


class Missed(StrEnum):
    """What a trigger does about times that passed while nobody looked: none, the last one, or every one."""

    SKIP = "SKIP"
    ONCE = "ONCE"
    ALL = "ALL"


class Decision(StrEnum):
    """What was made of one of a trigger's times."""

    STARTED = "STARTED"
    SKIPPED = "SKIPPED"
    MISSED = "MISSED"
    REFUSED = "REFUSED"
