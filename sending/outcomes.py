"""What became of hand-overs, from the worker's memory or journal into the tables, a few at a time."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from django.db import connection, transaction

from gateway import metrics
from sending.models import Dispatcher, Message, MessageEvent
from sending.states import CLOSED, Status

# A worker never has more outcomes than this that the tables do not know.
MOST_UNRECORDED = 20
_COUNTED = {Status.SENT: "sent", Status.FAILED: "failed", Status.RETRY: "retried", Status.UNCERTAIN: "uncertain"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one try came to: the status it leads to, when the message is due again, the attempts spent so far.

    ``tried`` is the number of this try, so that what is known of it is never taken for a later one's.
    """

    message_id: int
    channel: str
    status: str
    reason: str
    at: datetime
    tried: int
    attempts: int
    due_at: datetime | None = None
    recipients: dict[str, str] | None = None
    facts: dict[str, str | int] | None = None

    @property
    def closed_at(self) -> datetime | None:
        return self.at if self.status in CLOSED else None

    def line(self) -> bytes:
        """As the journal keeps it."""
        return json.dumps(self.values(), default=datetime.isoformat).encode()

    def values(self) -> dict[str, Any]:
        """Its members by name; dataclasses.asdict copies deeply, which cost a mail a fifth of its time."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """As the journal kept it."""
        values = json.loads(line)
        for name in ("at", "due_at"):
            values[name] = datetime.fromisoformat(values[name]) if values[name] else None
        return cls(**values)


# One statement, so that it is one round trip and its commit alone may be asynchronous: after a crash of the database
# the last outcomes are told again or in doubt (UNCERTAIN), never repeated. Claims and accepts always commit durably.
_RECORD_POSTGRESQL = """
WITH told AS (
    SELECT * FROM jsonb_to_recordset(%s::jsonb) AS told (
        message_id bigint, status text, attempts int, due_at timestamptz, closed_at timestamptz, at timestamptz,
        reason text, recipients jsonb, facts jsonb
    )
), moved AS (
    UPDATE sending_message AS message
    SET status = told.status, dispatcher_id = NULL, attempts = told.attempts, due_at = told.due_at,
        closed_at = told.closed_at, updated_at = told.at, reason = told.reason
    FROM told
    WHERE message.id = told.message_id AND message.status = 'SENDING' AND message.dispatcher_id = %s
    RETURNING message.id, set_config('synchronous_commit', 'off', true)
)
INSERT INTO sending_messageevent (message_id, created_at, name, reason, actor, recipients, facts)
SELECT told.message_id, told.at, told.status, told.reason, %s, told.recipients, told.facts
FROM told JOIN moved ON moved.id = told.message_id ORDER BY told.at
RETURNING message_id
"""


def record(tolds: Sequence[Told], dispatcher: Dispatcher) -> bool:
    """Write what hand-overs came to. False when a message was no longer this dispatcher's: it must stop at once.

    A message found UNCERTAIN meanwhile (this worker was taken for dead) is settled by what is now known, if that is
    anything. Recording again changes nothing.
    """
    moved = _record_postgresql(tolds, dispatcher) if connection.vendor == "postgresql" else _record(tolds, dispatcher)
    counts = Counter((told.channel, told.status) for told in tolds if told.message_id in moved)
    for (channel, status), count in counts.items():
        _count(channel, status, count)
    for told in tolds:
        if told.message_id not in moved and told.status != Status.UNCERTAIN:
            _settle_doubt(told, dispatcher)
    return len(moved) == len(tolds)


def _record_postgresql(tolds: Sequence[Told], dispatcher: Dispatcher) -> set[int]:
    rows = [{**told.values(), "closed_at": told.closed_at} for told in tolds]
    with connection.cursor() as cursor:
        given = json.dumps(rows, default=datetime.isoformat)
        cursor.execute(_RECORD_POSTGRESQL, [given, dispatcher.pk, str(dispatcher)])
        return {message_id for (message_id,) in cursor.fetchall()}


def _record(tolds: Sequence[Told], dispatcher: Dispatcher) -> set[int]:
    """The same where INSERT inside WITH is not known (SQLite)."""
    with transaction.atomic():
        mine = Message.objects.claimed().filter(dispatcher=dispatcher)
        moved = [told for told in tolds if mine.filter(pk=told.message_id).update(**_columns(told))]
        MessageEvent.objects.bulk_create(_event(told, told.status, dispatcher) for told in moved)
    return {told.message_id for told in moved}


def _settle_doubt(told: Told, dispatcher: Dispatcher) -> None:
    """In doubt about this very try: recovery counted it, and nobody has tried again since."""
    status = Status.ACCEPTED if told.status == Status.RETRY else told.status
    columns = _columns(told) | {"status": status, "due_at": told.at if status == Status.ACCEPTED else None}
    with transaction.atomic():
        doubtful = Message.objects.uncertain().filter(pk=told.message_id, attempts=told.tried)
        if doubtful.update(**columns):
            _event(told, status, dispatcher).save(force_insert=True)
            _count(told.channel, status, 1)


def _columns(told: Told) -> dict[str, Any]:
    names = ("status", "reason", "attempts", "due_at", "closed_at")
    return {**{name: getattr(told, name) for name in names}, "updated_at": told.at, "dispatcher": None}


def _event(told: Told, status: str, dispatcher: Dispatcher) -> MessageEvent:
    return MessageEvent(
        message_id=told.message_id,
        created_at=told.at,
        name=status,
        reason=told.reason,
        actor=str(dispatcher),
        recipients=told.recipients,
        facts=told.facts,
    )


def _count(channel: str, status: str, count: int) -> None:
    if status in _COUNTED:
        metrics.MESSAGES.labels(channel=channel, event=_COUNTED[Status(status)]).inc(count)
