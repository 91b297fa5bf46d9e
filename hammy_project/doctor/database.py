"""The database: reached, migrated, written, and of one mind with us about the time."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from gateway.models import ApiClient
from hammy_project import vital_signs
from hammy_project.doctor.findings import Finding, failure, ok, warning

_WARNING_SECONDS = 1.0
_FAILURE_SECONDS = 30.0
_OLDEST_POSTGRESQL = 130000


class _Undone(Exception):
    """Takes back what the writing probe wrote."""


def reachable() -> Iterator[Finding]:
    """Whether it answers, and which one it is."""
    if reason := vital_signs.database_failure():
        yield failure("database", reason)
        return
    if connection.vendor == "postgresql":
        version = int(_single("SHOW server_version_num"))
        isolation = _single("SHOW transaction_isolation")
        words = f"PostgreSQL {version // 10000}.{version % 10000}, {isolation}"
        yield ok("database", words) if version >= _OLDEST_POSTGRESQL else warning("database", f"{words}: too old")
        if isolation != "read committed":
            yield warning("database isolation", f"{isolation}: claims expect read committed")
        if _single("SHOW fsync") != "on":
            yield failure("database durability", "fsync is off: what was accepted may be lost")
    else:
        mode = _single("PRAGMA journal_mode")
        yield ok("database", f"SQLite {_single('SELECT sqlite_version()')}, journal {mode}")
        if mode != "wal":
            yield warning("database journal", f"{mode} instead of wal: readers and writers wait for each other")


def migrated() -> Iterator[Finding]:
    """Whether its tables are this version's."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _ in plan[:5])
        yield failure("migrations", f"{len(plan)} not applied ({names}): run manage.py migrate")
    else:
        yield ok("migrations", "all applied")


def writable() -> Iterator[Finding]:
    """Whether a row can be written; it is taken back."""
    try:
        with transaction.atomic():
            ApiClient.objects.create(name=f"doctor-{uuid4()}", is_active=False)
            raise _Undone
    except _Undone:
        yield ok("database writing", "a row was written and taken back")


def clock() -> Iterator[Finding]:
    """Whether the database's clock and ours agree: due times are compared on both."""
    if connection.vendor != "postgresql":
        yield ok("clock", "the database is on this machine")
        return
    before = datetime.now(UTC)
    theirs = _single("SELECT clock_timestamp()")
    after = datetime.now(UTC)
    offset = (theirs - (before + (after - before) / 2)).total_seconds()
    words = f"the database's is {offset:+.3f} s from ours"
    if abs(offset) >= _FAILURE_SECONDS:
        yield failure("clock", words)
    else:
        yield warning("clock", words) if abs(offset) >= _WARNING_SECONDS else ok("clock", words)


def _single(statement: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]
