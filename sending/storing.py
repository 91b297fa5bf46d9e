"""New messages and their first events into the tables: one statement where the database can."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from pydantic_core import to_json

from gateway.prepared import rows_of
from sending import storing_sqlite
from sending.models import Message

_COLUMNS = tuple(field.attname for field in Message._meta.concrete_fields if not field.primary_key)
# What a new message has that no letter says.
_DEFAULTS = {name: getattr(Message(), name) for name in _COLUMNS}
# One round trip and one commit for a letter or for five hundred: through the ORM's VALUES lists a bulk costs four
# times as much, and a single letter four round trips.
_TEMPLATE = """
WITH taken AS (
    INSERT INTO sending_message ({columns})
    {source}
    RETURNING id, uuid, created_at, status, reason
), noted AS (
    INSERT INTO sending_messageevent (message_id, created_at, name, reason, actor)
    SELECT id, created_at, status, reason, %s FROM taken ORDER BY id
)
SELECT uuid, id FROM taken
"""
# What all of them have alike is told, and read, once.
_MANY = """SELECT {columns} FROM jsonb_populate_recordset(
    jsonb_populate_record(NULL::sending_message, %s::jsonb), %s::jsonb
)"""
_LIST = ", ".join(_COLUMNS)
# Prepared once for each connection: a third of what a letter cost the database was reading and planning this.
_INSERT_MANY = _TEMPLATE.format(columns=_LIST, source=_MANY.format(columns=_LIST))
_INSERT_ONE = _TEMPLATE.format(columns=_LIST, source=f"VALUES ({', '.join(['%s'] * len(_COLUMNS))})")


def insert(rows: Sequence[dict[str, Any]], *, actor: str) -> None:
    """Store messages given by column, each with the event of its first status, and set their ``id``; all of them or,
    with IntegrityError, none."""
    if connection.vendor == "postgresql":
        ids = _insert_one(rows[0], actor) if len(rows) == 1 else _insert_many(rows, actor)
        for row in rows:
            row["id"] = ids[row["uuid"]]
        return
    numbers = storing_sqlite.insert([{**_DEFAULTS, **row} for row in rows], actor=actor)
    for row, pk in zip(rows, numbers, strict=True):
        row["id"] = pk


def _insert_one(row: dict[str, Any], actor: str) -> dict[UUID, int]:
    given = {**_DEFAULTS, **row}
    return dict(rows_of(_INSERT_ONE, [*(_as_text(given[name]) for name in _COLUMNS), actor]))


def _insert_many(rows: Sequence[dict[str, Any]], actor: str) -> dict[UUID, int]:
    base = {name: _as_json(default) for name, default in _DEFAULTS.items()}
    names, columns = [], []
    for name in set[str]().union(*rows).intersection(_COLUMNS):
        column = [row.get(name, _DEFAULTS[name]) for row in rows]
        if column.count(column[0]) == len(column):
            base[name] = _as_json(column[0])
        else:
            names.append(name)
            columns.append(map(_as_json, column))
    given = [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
    return dict(rows_of(_INSERT_MANY, [_JSON.encode(base), to_json(given).decode(), actor]))


def _as_text(value: Any) -> str | None:
    """As PostgreSQL reads its types from text, so that all letters share one prepared statement."""
    if value is None or type(value) is str:
        return value
    if isinstance(value, dict | list):
        return _JSON.encode(value)
    if isinstance(value, bytes | datetime):
        return _as_postgresql(value)
    return str(value)


def _as_json(value: Any) -> Any:
    """As PostgreSQL reads its types from JSON."""
    if isinstance(value, bytes | datetime):
        return _as_postgresql(value)
    return str(value) if isinstance(value, UUID) else value


def _as_postgresql(value: bytes | datetime) -> str:
    """Bytes in hex, moments to the microsecond."""
    return f"\\x{value.hex()}" if isinstance(value, bytes) else value.isoformat()


_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
