"""New messages and their first events into the tables: one statement where the database can."""

import json
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from django.db import DatabaseError, connection, transaction

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
_NOT_PREPARED = (psycopg.errors.InvalidSqlStatementName, psycopg.errors.DuplicatePreparedStatement)


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
    return _prepared(_INSERT_ONE, [*(_as_text(given[name]) for name in _COLUMNS), actor])


def _insert_many(rows: Sequence[dict[str, Any]], actor: str) -> dict[UUID, int]:
    first = {**_DEFAULTS, **rows[0]}
    alike = {name for name in _COLUMNS if all(row.get(name, _DEFAULTS[name]) == first[name] for row in rows)}
    given = [{name: _as_json(row.get(name, _DEFAULTS[name])) for name in _COLUMNS if name not in alike} for row in rows]
    base = {name: _as_json(first[name]) for name in alike}
    return _prepared(_INSERT_MANY, [_JSON.encode(base), _JSON.encode(given), actor])


def _prepared(statement: str, values: list[str | None]) -> dict[UUID, int]:
    connection.ensure_connection()
    try:
        return _run(statement, values)
    except DatabaseError as error:
        if not isinstance(error.__cause__, _NOT_PREPARED):
            raise
        # A pooler between us and the database gave us another session. Nothing was done, and nothing is prepared
        # over this connection any more.
        connection.connection.prepare_threshold = None
        return _run(statement, values)


def _run(statement: str, values: list[str | None]) -> dict[UUID, int]:
    # Django's own cursors put the values into the statement, and such a statement cannot be prepared.
    bare: Any = psycopg.Cursor(connection.connection)
    wrap = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    with _apart(), wrap(bare) as cursor:
        cursor.execute(statement, values)
        return dict(cursor.fetchall())


def _apart() -> Any:
    """Inside somebody's transaction a savepoint, so that what is refused here leaves it whole."""
    return transaction.atomic() if connection.in_atomic_block else nullcontext()


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
