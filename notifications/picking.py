"""What is due at targets, read as plainly as can be: a few from the beginning of each one's row, however long it is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from notifications.signing import message_id_of

_COLUMNS = "id, target_id, event_id, uuid, payload, url, format, naming, method, failures, attempts, is_by_hand"
# Word for word the condition of the index delivery_due.
_OF_ONE = """
SELECT {columns} FROM notifications_delivery AS delivery
WHERE delivery.target_id = {target} AND delivery.status = 'PENDING' AND delivery.due_at <= %s
ORDER BY delivery.due_at, delivery.id LIMIT {most}
"""
_OF_MANY = """
SELECT delivery.* FROM unnest(%s::bigint[], %s::int[]) AS wanted (target_id, most)
CROSS JOIN LATERAL ({of_one}) AS delivery
"""


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that is due, as its row says."""

    id: int
    target_id: int
    event_id: int
    uuid: UUID
    payload: str
    url: str
    format: str
    naming: str
    method: str
    failures: int
    attempts: int
    is_by_hand: bool

    @property
    def message_id(self) -> str:
        """The webhook-id (notifications.models.Delivery.message_id)."""
        return message_id_of(self.uuid)


def due(most: Mapping[int, int], now: datetime) -> Mapping[int, list[Due]]:
    """Of each target up to so many, those due longest first."""
    found: dict[int, list[Due]] = {target_id: [] for target_id in most}
    for one in _rows(most, now):
        found[one.target_id].append(one)
    return found


def _rows(most: Mapping[int, int], now: datetime) -> Iterator[Due]:
    if not most:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            of_one = _OF_ONE.format(columns=_COLUMNS, target="wanted.target_id", most="wanted.most")
            cursor.execute(_OF_MANY.format(of_one=of_one), [list(most), list(most.values()), now])
            yield from (Due(*row) for row in cursor.fetchall())
            return
        moment = connection.ops.adapt_datetimefield_value(now)
        for target_id, count in most.items():
            cursor.execute(_OF_ONE.format(columns=_COLUMNS, target="%s", most="%s"), [target_id, moment, count])
            yield from (_of_file(row) for row in cursor.fetchall())


def _of_file(row: Sequence[Any]) -> Due:
    """SQLite knows neither UUIDs nor truth."""
    one = Due(*row)
    return replace(one, uuid=UUID(str(one.uuid)), is_by_hand=bool(one.is_by_hand))
