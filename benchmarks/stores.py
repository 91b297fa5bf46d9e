"""The database of a site as the harness looks into it, beside the product."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Protocol

from benchmarks.backing import query


class Store(Protocol):
    """Statements of our own, each for itself."""

    def write(self, statement: str) -> None: ...

    def count(self, statement: str) -> int: ...

    def text(self, statement: str) -> str: ...

    def columns(self, table: str) -> list[str]: ...


class ServerStore:
    """A PostgreSQL database by its address."""

    def __init__(self, address: str) -> None:
        self.address = address

    def write(self, statement: str) -> None:
        query(self.address, statement)

    def count(self, statement: str) -> int:
        return int(self.text(statement))

    def text(self, statement: str) -> str:
        return str(query(self.address, statement)[0][0])

    def backends(self) -> list[int]:
        """The server's processes that work for others than us."""
        ours = "datname = current_database() AND backend_type = 'client backend'"
        others = query(self.address, f"SELECT pid FROM pg_stat_activity WHERE {ours} AND pid <> pg_backend_pid()")
        return [int(str(pid)) for (pid,) in others]

    def columns(self, table: str) -> list[str]:
        statement = "SELECT column_name FROM information_schema.columns WHERE table_name = %s"
        return [str(name) for (name,) in query(self.address, statement, table)]


class EmbeddedStore:
    """A SQLite file, read and, before anything else runs, written."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def write(self, statement: str) -> None:
        with closing(sqlite3.connect(self._file, timeout=30)) as connection, connection:
            connection.execute(statement)

    def count(self, statement: str) -> int:
        with closing(sqlite3.connect(self._file, timeout=30)) as connection:
            return int(connection.execute(statement).fetchone()[0])

    def text(self, statement: str) -> str:
        with closing(sqlite3.connect(self._file, timeout=30)) as connection:
            return str(connection.execute(statement).fetchone()[0])

    def columns(self, table: str) -> list[str]:
        with closing(sqlite3.connect(self._file, timeout=30)) as connection:
            return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
