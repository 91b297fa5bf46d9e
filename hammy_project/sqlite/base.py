"""Django's SQLite backend with a file lock round everything that writes."""

import os
import re
import sqlite3
import threading
import weakref
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.db.backends.sqlite3 import base
from django.db.backends.sqlite3.operations import DatabaseOperations as SQLiteOperations

from hammy_project.sqlite.write_lock import WriteLock

_FIRST_WORD = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/|\()*(\w*)", re.DOTALL)
# What neither writes nor opens a transaction that may. WITH is not here: an INSERT may follow it.
_READING = frozenset(["SELECT", "PRAGMA", "EXPLAIN", "VALUES", "SAVEPOINT", "RELEASE", "COMMIT", "END", "ROLLBACK"])
# In the header of the file: who reads and who writes it uses a write-ahead log.
_WAL_MARK = (18, b"\x02\x02")


def is_writing(sql: str) -> bool:
    """Whether a statement takes SQLite's write lock, or may (when in doubt, it does)."""
    match = _FIRST_WORD.match(sql)
    return match is not None and match[1].upper() not in _READING


class LockedCursor(base.SQLiteCursorWrapper):
    """A cursor whose writing statements wait for their turn; in a transaction the turn lasts until its end."""

    write_lock: WriteLock | None = None
    _returned: Iterator[Any] | None = None

    def execute(self, query: str, params: Any = None) -> "LockedCursor":
        self._returned = None
        if self.write_lock is None or not is_writing(query):
            super().execute(query, params)
            return self
        self.write_lock.acquire()
        try:
            super().execute(query, params)
            if self.description is not None and not self.connection.in_transaction:
                # INSERT … RETURNING outside a transaction is committed when its last row was read: read them now.
                self._returned = iter(super().fetchall())
        finally:
            self._end_turn()
        return self

    def executemany(self, query: str, param_list: Iterable[Any]) -> "LockedCursor":
        self._returned = None
        if self.write_lock is None:
            super().executemany(query, param_list)
            return self
        self.write_lock.acquire()
        try:
            super().executemany(query, param_list)
        finally:
            self._end_turn()
        return self

    def executescript(self, sql_script: str) -> sqlite3.Cursor:
        if self.write_lock is None:
            return super().executescript(sql_script)
        self.write_lock.acquire()
        try:
            return super().executescript(sql_script)
        finally:
            self._end_turn()

    def fetchone(self) -> Any:
        return super().fetchone() if self._returned is None else next(self._returned, None)

    def fetchmany(self, size: int | None = None) -> list[Any]:
        size = self.arraysize if size is None else size
        if self._returned is None:
            return super().fetchmany(size)
        return [row for _, row in zip(range(size), self._returned, strict=False)]

    def fetchall(self) -> list[Any]:
        return super().fetchall() if self._returned is None else list(self._returned)

    def __next__(self) -> Any:
        return super().__next__() if self._returned is None else next(self._returned)

    def _end_turn(self) -> None:
        if self.write_lock is not None and not self.connection.in_transaction:
            self.write_lock.release()


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


class DatabaseOperations(SQLiteOperations):
    """SQLite knows capitals of English alone: what is looked for in any case is compared as Python folds it."""

    def lookup_cast(self, lookup_type: str, internal_type: str | None = None) -> str:
        return "hammy_folded(%s)" if lookup_type == "icontains" else super().lookup_cast(lookup_type, internal_type)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to SQLite that writes only in its turn; a database in memory is nobody else's and needs none."""

    ops_class = DatabaseOperations
    operators = base.DatabaseWrapper.operators | {"icontains": "LIKE hammy_folded(%s) ESCAPE '\\'"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._write_lock: WriteLock | None = None
        _wrappers.add(self)

    @property
    def write_lock(self) -> WriteLock | None:
        """The lock of this connection's file, None for a database in memory."""
        if self._write_lock is None and not self.is_in_memory_db():
            self._write_lock = WriteLock(_file_of(self.settings_dict["NAME"]))
        return self._write_lock

    def get_new_connection(self, conn_params: dict[str, Any]) -> sqlite3.Connection:
        if self.settings_dict["NAME"] in _left_to_parent:
            raise sqlite3.InterfaceError("This process was forked while its parent used the database: start it anew")
        lock = self.write_lock
        if lock is None:
            return super().get_new_connection(conn_params)
        path = _file_of(self.settings_dict["NAME"])
        with _opening:
            if _identity(path) not in _with_log:
                if not _has_write_ahead_log(path):
                    # Turning the log on needs the file alone, and SQLite does not wait for that.
                    with lock.held():
                        connection = super().get_new_connection(conn_params)
                    _with_log.add(_identity(path))
                    return connection
                _with_log.add(_identity(path))
        return super().get_new_connection(conn_params)

    def init_connection_state(self) -> None:
        super().init_connection_state()
        self.connection.create_function("hammy_folded", 1, _folded, deterministic=True)

    def create_cursor(self, name: str | None = None) -> LockedCursor:
        cursor = self.connection.cursor(factory=LockedCursor)
        cursor.write_lock = self.write_lock
        return cursor

    def _set_autocommit(self, autocommit: bool) -> None:
        super()._set_autocommit(autocommit)
        self._end_turn()

    def _commit(self) -> None:
        # A commit that failed leaves the transaction open, and the turn ours, until the rollback.
        try:
            super()._commit()
        finally:
            self._end_turn()

    def _rollback(self) -> None:
        try:
            super()._rollback()
        finally:
            self._end_turn()

    def _close(self) -> None:
        try:
            super()._close()
        finally:
            if self._write_lock is not None:
                self._write_lock.close()

    def _end_turn(self) -> None:
        if self._write_lock is not None and (self.connection is None or not self.connection.in_transaction):
            self._write_lock.release()

    def part_from_child(self) -> None:
        """Close before a fork: SQLite keeps locks by process, and a child that inherits them breaks the file."""
        if self._thread_ident == threading.get_ident() and not self.in_atomic_block and not self.is_in_memory_db():
            self.close()

    def leave_to_parent(self) -> None:
        """In a forked child: let go of what could not be closed (a transaction, another thread's), untouched."""
        if self.connection is not None and not self.is_in_memory_db():
            _left_to_parent[self.settings_dict["NAME"]].append(self.connection)
            self.connection = None
            self.in_atomic_block = self.needs_rollback = self.closed_in_transaction = False
            self.savepoint_ids, self.atomic_blocks, self.run_on_commit = [], [], []


_wrappers: weakref.WeakSet[DatabaseWrapper] = weakref.WeakSet()
# Kept for ever, as SQLite forbids even closing them in the child, by the name of their database.
_left_to_parent: dict[Any, list[sqlite3.Connection]] = defaultdict(list)


def _part_from_child() -> None:
    for wrapper in list(_wrappers):
        wrapper.part_from_child()


def _leave_to_parent() -> None:
    global _opening  # noqa: PLW0603 (another thread of the parent may hold it, and is not here to free it)
    _opening = threading.Lock()
    for wrapper in list(_wrappers):
        wrapper.leave_to_parent()


os.register_at_fork(before=_part_from_child, after_in_child=_leave_to_parent)


def _file_of(name: str | os.PathLike[str]) -> str:
    text = os.fspath(name)
    return unquote(urlsplit(text).path) if text.startswith("file:") else text


# The kernel frees all of a process's locks on a file when the process closes it anywhere. SQLite's, then gone, say
# that we use the file: without them another process that ends removes the log beneath us, and the file is broken. So
# we look into the file ourselves once, before the first of our connections, and never again.
_opening = threading.Lock()
_with_log: set[tuple[int, int]] = set()


def _identity(path: str) -> tuple[int, int]:
    try:
        found = Path(path).stat()
    except FileNotFoundError:
        return (0, 0)
    return (found.st_dev, found.st_ino)


def _has_write_ahead_log(path: str) -> bool:
    position, mark = _WAL_MARK
    try:
        with Path(path).open("rb") as file:
            file.seek(position)
            return file.read(len(mark)) == mark
    except OSError:
        return False
