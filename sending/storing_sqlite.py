"""New messages and their first events into SQLite, where letters that come at the same time share one commit."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, connection, transaction

from sending.models import Message

_FIELDS = tuple(field for field in Message._meta.concrete_fields if not field.primary_key)
_CREATED_AT = [field.attname for field in _FIELDS].index("created_at")
_INTO_MESSAGES = f"INSERT INTO sending_message ({', '.join(field.attname for field in _FIELDS)}) VALUES "  # noqa: S608
_MESSAGE = f"({', '.join(['%s'] * len(_FIELDS))})"
_INTO_EVENTS = "INSERT INTO sending_messageevent (message_id, created_at, name, reason, actor) VALUES "
_EVENT = "(%s, %s, %s, %s, %s)"


@dataclass(slots=True, eq=False, kw_only=True)
class _Wanted:
    """Rows to store with all their columns, and what they are for the database."""

    rows: Sequence[dict[str, Any]]
    values: list[list[Any]]
    actor: str
    ids: Sequence[int] = ()


# One thread of a process writes, and waits for the other processes; letters of the threads that meanwhile wait for it
# go with its own, so that all of them cost one turn and one commit.
_turn = threading.Lock()
_waiting: list[_Wanted] = []


def insert(rows: Sequence[dict[str, Any]], *, actor: str) -> Sequence[int]:
    """Store messages given by all their columns, each with the event of its first status; their ids. All of them or,
    with IntegrityError, none."""
    # Made ready before the turn begins: others wait for its end.
    values = [[field.get_db_prep_save(row[field.attname], connection) for field in _FIELDS] for row in rows]
    wanted = _Wanted(rows=rows, values=values, actor=actor)
    if len(rows) > 1 or connection.in_atomic_block:
        _store([wanted])
        return wanted.ids
    _waiting.append(wanted)
    with _turn:
        if not wanted.ids:
            try:
                _store_waiting(wanted)
            except BaseException:
                # The others are still there, and try in their own turns.
                _waiting.remove(wanted)
                raise
    return wanted.ids


def _store_waiting(wanted: _Wanted) -> None:
    try:
        stored = _store(_waiting)
    except IntegrityError:
        if len(_waiting) == 1:
            raise
        # One of them is refused; each finds out in its own turn whether it is the one.
        stored = _store([wanted])
    for one in stored:
        _waiting.remove(one)


def _store(source: Sequence[_Wanted]) -> Sequence[_Wanted]:
    """All of them or, with IntegrityError, none; what was found in ``source`` when the turn came."""
    with transaction.atomic(), connection.cursor() as cursor:
        batch = tuple(source)
        messages = [row for one in batch for row in one.values]
        cursor.execute(
            _INTO_MESSAGES + ", ".join([_MESSAGE] * len(messages)), [value for row in messages for value in row]
        )
        # The numbers follow each other: nobody else writes meanwhile.
        first = cursor.lastrowid - len(messages) + 1
        ids = iter(range(first, first + len(messages)))
        numbered = [(one, [next(ids) for _ in one.rows]) for one in batch]
        events = [
            (pk, values[_CREATED_AT], row["status"], row["reason"], one.actor)
            for one, pks in numbered
            for pk, row, values in zip(pks, one.rows, one.values, strict=True)
        ]
        cursor.execute(_INTO_EVENTS + ", ".join([_EVENT] * len(events)), [value for event in events for value in event])
    for one, pks in numbered:
        one.ids = pks
    return batch
