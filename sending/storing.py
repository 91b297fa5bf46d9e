"""New messages and their first events into the tables: one statement where the database can."""

import json
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction

from sending.models import Message, MessageEvent

_COLUMNS = tuple(field.attname for field in Message._meta.concrete_fields if not field.primary_key)
# One round trip and one commit for a letter or for five hundred: through the ORM's VALUES lists a bulk costs five
# times as much, and a single letter four round trips.
_TEMPLATE = """
WITH taken AS (
    INSERT INTO sending_message ({columns})
    SELECT {columns} FROM jsonb_populate_recordset(NULL::sending_message, %s::jsonb)
    RETURNING id, uuid, created_at, status, reason
), noted AS (
    INSERT INTO sending_messageevent (message_id, created_at, name, reason, actor)
    SELECT id, created_at, status, reason, %s FROM taken ORDER BY id
)
SELECT uuid, id FROM taken
"""
_INSERT_POSTGRESQL = _TEMPLATE.format(columns=", ".join(_COLUMNS))


def insert(messages: Sequence[Message], *, actor: str) -> None:
    """Store ``messages``, each with the event of its first status, and set their ids; all of them or, with
    IntegrityError, none."""
    if connection.vendor == "postgresql":
        rows = json.dumps([_row(message) for message in messages], ensure_ascii=False, cls=_Encoder)
        # Inside somebody's transaction a savepoint, so that what is refused here leaves it whole.
        with transaction.atomic() if connection.in_atomic_block else nullcontext(), connection.cursor() as cursor:
            cursor.execute(_INSERT_POSTGRESQL, [rows, actor])
            ids = dict(cursor.fetchall())
        for message in messages:
            message.pk = ids[message.uuid]
            message._state.adding = False
        return
    with transaction.atomic():
        Message.objects.bulk_create(messages)
        MessageEvent.objects.bulk_create(
            MessageEvent(
                message=message,
                created_at=message.created_at,
                name=message.status,
                reason=message.reason,
                actor=actor,
            )
            for message in messages
        )


class _Encoder(DjangoJSONEncoder):
    """As PostgreSQL reads its types from text: bytes in hex, moments to the microsecond."""

    def default(self, value: Any) -> Any:
        if isinstance(value, bytes):
            return f"\\x{value.hex()}"
        if hasattr(value, "isoformat"):
            return value.isoformat()
        return super().default(value)


def _row(message: Message) -> dict[str, Any]:
    return {name: getattr(message, name) for name in _COLUMNS}
