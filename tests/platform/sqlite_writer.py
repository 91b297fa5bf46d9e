"""A process that writes to an SQLite file through our backend: ``python -m tests.platform.sqlite_writer FILE MODE …``.

web SECONDS NAME: single inserts as fast as it can. worker SECONDS NAME: transactions of a read and twenty writes.
hold SECONDS NAME: opens a transaction, says so and keeps it. fork SECONDS NAME: writes, and so do its
forked children. Prints the rows it wrote and the longest it waited, in milliseconds.
"""

import os
import sys
import time
from pathlib import Path

import django
from django.conf import settings
from django.db import InterfaceError, connection, transaction

OPTIONS = {
    "timeout": 30,
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
}
INSERT = "INSERT INTO entry (writer, number) VALUES (%s, %s)"


def database(path: Path) -> dict[str, object]:
    """A setting for one SQLite file, like the product's own."""
    return {"ENGINE": "hammy_project.sqlite", "NAME": str(path), "OPTIONS": OPTIONS, "CONN_MAX_AGE": None}


def write_as_web(name: str, number: int) -> int:
    """One insert, committed by itself."""
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [name, number])
    return 1


def write_as_worker(name: str, number: int) -> int:
    """A claim and its outcomes: a read and twenty rows in one transaction."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM (SELECT 1 FROM entry LIMIT 100)")
        cursor.execute("UPDATE entry SET number = number WHERE id = 1")
        cursor.executemany(INSERT, [(name, number)] * 20)
    return 20


def child_writes(name: str) -> bool:
    """Whether a forked child could write."""
    if (child := os.fork()) == 0:
        try:
            write_as_web(name, 2)
        except InterfaceError:
            os._exit(7)
        os._exit(0)
    return {0: True, 7: False}[os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])]


def write_over_fork(name: str) -> int:
    """A child of a process at rest writes; a child born in a transaction is refused, and ends nothing of it."""
    write_as_web(name, 1)
    assert child_writes(name)
    with transaction.atomic():
        write_as_web(name, 3)
        assert not child_writes(name)
        with connection.cursor() as cursor:
            cursor.execute("SELECT number FROM entry WHERE writer = %s ORDER BY number", [name])
            assert cursor.fetchall() == [(1,), (2,), (3,)]
        write_as_web(name, 4)
    write_as_web(name, 5)
    assert child_writes(name)
    return 6


def main(path: str, mode: str, seconds: str, name: str) -> None:
    """Do as the module's docstring says."""
    settings.configure(DATABASES={"default": database(Path(path))}, USE_TZ=True)
    django.setup()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS entry (id INTEGER PRIMARY KEY, writer TEXT, number INTEGER)")
    rows, longest = 0, 0.0
    if mode == "hold":
        with transaction.atomic():
            write_as_web(name, 0)
            print("held", flush=True)
            time.sleep(float(seconds))
    elif mode == "fork":
        rows = write_over_fork(name)
    else:
        write = {"web": write_as_web, "worker": write_as_worker}[mode]
        end = time.monotonic() + float(seconds)
        while (started := time.monotonic()) < end:
            rows += write(name, rows)
            longest = max(longest, time.monotonic() - started)
    print(rows, round(longest * 1000))


if __name__ == "__main__":
    main(*sys.argv[1:])
