"""What is written for every single call, as plainly as can be: a row for the try, and when its target was last told."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from notifications.calling import Called


@dataclass(frozen=True, slots=True)
class Try:
    """A row of attempts (notifications.models.Attempt), field by field in the order of the statement."""

    delivery_id: int
    number: int
    is_by_hand: bool
    began_at: datetime
    seconds: float
    status: int | None
    failure: str
    answer: str
    next_at: datetime | None


# A statement with a place for each value takes longer to be read than to be carried out.
_TRIES_POSTGRESQL = """
INSERT INTO notifications_attempt
    (delivery_id, number, is_by_hand, began_at, seconds, status, failure, answer, next_at)
SELECT delivery_id, number, is_by_hand, began_at, seconds, status, failure, answer, next_at
FROM jsonb_to_recordset(%s::jsonb) AS try (
    delivery_id bigint, number int, is_by_hand boolean, began_at timestamptz, seconds float8, status int, failure text,
    answer text, next_at timestamptz
)
"""
_TRIES_SQLITE = """
INSERT INTO notifications_attempt
    (delivery_id, number, is_by_hand, began_at, seconds, status, failure, answer, next_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_TOLD = "UPDATE notifications_target SET last_at = {at}, last_success_at = {at}, last_status = {status} {whose}"
_TOLD_POSTGRESQL = _TOLD.format(
    at="told.at",
    status="told.status",
    whose="FROM jsonb_to_recordset(%s::jsonb) AS told (id bigint, at timestamptz, status int) "
    "WHERE notifications_target.id = told.id",
)
_TOLD_SQLITE = _TOLD.format(at="%s", status="%s", whose="WHERE id = %s")


def tries(rows: Sequence[Try]) -> None:
    """Each in its place, within a transaction that may commit asynchronously: what a crash of the database takes of it
    is called again."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL synchronous_commit = off")
            cursor.execute(_TRIES_POSTGRESQL, [json.dumps([_as_json(row) for row in rows])])
        else:
            cursor.executemany(_TRIES_SQLITE, [tuple(map(_value, astuple(row))) for row in rows])


def told(calls: Mapping[int, Called]) -> None:
    """Targets that are well, each with the last of its calls."""
    if not calls:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            rows = [
                {"id": target_id, "at": one.began_at.isoformat(), "status": one.answer.status}
                for target_id, one in calls.items()
            ]
            cursor.execute(_TOLD_POSTGRESQL, [json.dumps(rows)])
        else:
            moments = {target_id: _value(one.began_at) for target_id, one in calls.items()}
            cursor.executemany(
                _TOLD_SQLITE,
                [(moments[pk], moments[pk], one.answer.status, pk) for pk, one in calls.items()],
            )


def _as_json(one: Try) -> dict[str, Any]:
    return {
        "delivery_id": one.delivery_id, "number": one.number, "is_by_hand": one.is_by_hand,
        "began_at": one.began_at.isoformat(), "seconds": one.seconds, "status": one.status, "failure": one.failure,
        "answer": one.answer, "next_at": one.next_at.isoformat() if one.next_at else None,
    }  # fmt: skip


def _value(value: Any) -> Any:
    return connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value
