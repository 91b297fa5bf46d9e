"""New messages and their first events into the tables: one statement where the database can."""

import json
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction

from sending.models import Message, MessageEvent

_COLUMNS = tuple(field.attname for field in Message._meta.concrete_fields if not field.primary_key)
# What a new message has that no letter says.
_DEFAULTS = {name: getattr(Message(), name) for name in _COLUMNS}
# One round trip and one commit for a letter or for five hundred: through the ORM's VALUES lists a bulk costs four
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


def insert(rows: Sequence[dict[str, Any]], *, actor: str) -> None:
    """Store messages given by column, each with the event of its first status, and set their ``id``; all of them or,
    with IntegrityError, none."""
    if connection.vendor == "postgresql":
        given = json.dumps([{**_DEFAULTS, **row} for row in rows], ensure_ascii=False, cls=_Encoder)
        # Inside somebody's transaction a savepoint, so that what is refused here leaves it whole.
        with transaction.atomic() if connection.in_atomic_block else nullcontext(), connection.cursor() as cursor:
            cursor.execute(_INSERT_POSTGRESQL, [given, actor])
            ids = dict(cursor.fetchall())
        for row in rows:
            row["id"] = ids[row["uuid"]]
        return
    with transaction.atomic():
        messages = Message.objects.bulk_create(Message(**row) for row in rows)
        MessageEvent.objects.bulk_create(
            MessageEvent(message=message, created_at=message.created_at, name=message.status, actor=actor)
            for message in messages
        )
    for row, message in zip(rows, messages, strict=True):
        row["id"] = message.pk


class _Encoder(DjangoJSONEncoder):
    """As PostgreSQL reads its types from text: bytes in hex, moments to the microsecond."""

    def default(self, value: Any) -> Any:
        if isinstance(value, bytes):
            return f"\\x{value.hex()}"
        if isinstance(value, datetime):
            return value.isoformat()
        return super().default(value)
