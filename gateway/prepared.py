"""Statements that PostgreSQL reads and plans once for each connection: a large part of what a quick one costs."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import psycopg
from django.db import DatabaseError, connection, transaction

_NOT_PREPARED = (psycopg.errors.InvalidSqlStatementName, psycopg.errors.DuplicatePreparedStatement)


def rows_of(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run one statement on PostgreSQL; what it returns. What fails leaves the transaction around it whole."""
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


def _run(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    # Django's own cursors put the values into the statement, and such a statement cannot be prepared.
    bare: Any = psycopg.Cursor(connection.connection)
    wrap = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    with _apart(), wrap(bare) as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def _apart() -> Any:
    """Inside somebody's transaction a savepoint."""
    return transaction.atomic() if connection.in_atomic_block else nullcontext()
