"""SQLite written in turn by all processes of a site (R31)."""

import itertools
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import DatabaseError, IntegrityError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test.utils import CaptureQueriesContext

from hammy_project.sqlite.base import is_writing
from hammy_project.sqlite.write_lock import WriteLock
from tests.platform.sqlite_writer import INSERT, database

ALIAS = "written_in_turn"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "site.sqlite3"


@pytest.fixture
def connection(path: Path, django_db_blocker: pytest.FixtureRequest) -> Iterator[BaseDatabaseWrapper]:
    connections.settings[ALIAS] = connections.configure_settings({"default": {}, ALIAS: database(path)})[ALIAS]
    with django_db_blocker.unblock():
        connection = connections[ALIAS]
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE entry (id INTEGER PRIMARY KEY, writer TEXT, number INTEGER)")
        yield connection
        connection.close()
        del connections[ALIAS], connections.settings[ALIAS]


def is_free(path: Path) -> bool:
    """Whether another could write now."""
    lock = WriteLock(str(path))
    thread = threading.Thread(target=lock.acquire, daemon=True)
    thread.start()
    thread.join(0.2)
    if is_held := lock.is_held:
        lock.close()
    return is_held


def insert(connection: BaseDatabaseWrapper, number: int | None = 1) -> None:
    with connection.cursor() as cursor:
        cursor.execute(INSERT, ["here", number])


def give_up(connection: BaseDatabaseWrapper) -> None:
    """Write a row in a transaction (or savepoint) and roll it back."""
    with transaction.atomic(using=ALIAS):
        insert(connection)
        transaction.set_rollback(True, using=ALIAS)


def rows(connection: BaseDatabaseWrapper) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM entry")
        return int(cursor.fetchone()[0])


def start(path: Path, mode: str, seconds: float, name: str = "other") -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.platform.sqlite_writer", str(path), mode, str(seconds), name]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_second_connection_does_not_let_another_process_remove_the_log_beneath_the_first(
    connection: BaseDatabaseWrapper, path: Path
) -> None:
    insert(connection)
    # A thread of the same process, as the web server has them, connects and stays.
    second = connection.copy(ALIAS)
    second.inc_thread_sharing()
    thread = threading.Thread(target=second.connect)
    thread.start()
    thread.join()
    # Who finds itself alone when it closes removes the log: our locks must say that we are here.
    code = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT 1 FROM entry'); c.close()"
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    assert Path(f"{path}-wal").exists()
    assert rows(connection) == 1
    second.close()


def test_r31_two_web_and_two_worker_processes_at_full_speed_all_write_and_none_is_locked_out(
    connection: BaseDatabaseWrapper, path: Path
) -> None:
    processes = [
        start(path, mode, 3, name) for mode, name in [("web", "a"), ("web", "b"), ("worker", "c"), ("worker", "d")]
    ]
    results = [process.communicate(timeout=60) for process in processes]
    assert [error for _, error in results] == [""] * 4
    written = [int(output.split()[0]) for output, _ in results]
    assert rows(connection) == sum(written)
    turns = [written[0], written[1], written[2] // 20, written[3] // 20]
    assert min(turns) * 4 > max(turns), turns
    assert max(int(output.split()[1]) for output, _ in results) < 5000


def test_a_write_outside_a_transaction_ends_its_turn_at_once(connection: BaseDatabaseWrapper, path: Path) -> None:
    insert(connection)
    assert is_free(path)
    assert rows(connection) == 1


def test_a_transaction_keeps_its_turn_until_it_is_committed(connection: BaseDatabaseWrapper, path: Path) -> None:
    with transaction.atomic(using=ALIAS):
        assert not is_free(path)
        insert(connection)
        assert not is_free(path)
    assert is_free(path)


def test_reading_takes_no_turn(connection: BaseDatabaseWrapper, path: Path) -> None:
    other = WriteLock(str(path))
    with other.held():
        assert rows(connection) == 0
    other.close()


def test_a_transaction_rolled_back_ends_its_turn(connection: BaseDatabaseWrapper, path: Path) -> None:
    give_up(connection)
    assert is_free(path)
    assert rows(connection) == 0


def test_savepoints_change_nothing_of_the_turn(connection: BaseDatabaseWrapper, path: Path) -> None:
    with transaction.atomic(using=ALIAS):
        give_up(connection)
        assert not is_free(path)
        with transaction.atomic(using=ALIAS):
            insert(connection)
        assert not is_free(path)
    assert is_free(path)
    assert rows(connection) == 1


def test_a_commit_that_fails_keeps_the_turn_until_the_rollback(connection: BaseDatabaseWrapper, path: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE part (entry INTEGER REFERENCES entry (id) DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(IntegrityError), transaction.atomic(using=ALIAS), connection.cursor() as cursor:
        cursor.execute("INSERT INTO part (entry) VALUES (7)")
    assert is_free(path)
    insert(connection)
    assert rows(connection) == 1


def test_a_statement_that_fails_ends_its_turn(connection: BaseDatabaseWrapper, path: Path) -> None:
    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute("INSERT INTO nowhere VALUES (1)")
    assert is_free(path)


def test_closing_in_a_transaction_ends_the_turn(connection: BaseDatabaseWrapper, path: Path) -> None:
    with transaction.atomic(using=ALIAS):
        insert(connection)
        connection.close()
        assert is_free(path)
        with pytest.raises(DatabaseError):
            insert(connection)
    assert rows(connection) == 0
    assert is_free(path)


def test_autocommit_switched_off_keeps_the_turn_from_the_first_write_to_the_commit(
    connection: BaseDatabaseWrapper, path: Path
) -> None:
    connection.set_autocommit(False)
    assert rows(connection) == 0
    assert is_free(path)
    insert(connection)
    assert not is_free(path)
    connection.commit()
    assert is_free(path)
    insert(connection)
    connection.rollback()
    assert is_free(path)
    connection.set_autocommit(True)
    assert rows(connection) == 1


def test_an_insert_that_returns_rows_is_committed_before_its_turn_ends(
    connection: BaseDatabaseWrapper, path: Path
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"{INSERT}, ('b', 2), ('c', 3) RETURNING id, writer", ["a", 1])
        assert is_free(path)
        assert cursor.fetchone() == (1, "a")
        other = start(path, "web", 0.2)
        assert other.communicate(timeout=30)[1] == ""
        assert cursor.fetchmany(1) == [(2, "b")]
        assert list(cursor) == [(3, "c")]
        assert cursor.fetchone() is None
        cursor.execute("SELECT writer FROM entry WHERE id = 1")
        assert cursor.fetchall() == [("a",)]


def test_threads_take_turns_over_connections_of_their_own(connection: BaseDatabaseWrapper) -> None:
    def write() -> None:
        for number in range(50):
            insert(connections[ALIAS], number)
        connections[ALIAS].close()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert rows(connection) == 200


def test_a_killed_process_gives_its_turn_back_and_leaves_nothing(connection: BaseDatabaseWrapper, path: Path) -> None:
    holder = start(path, "hold", 60)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert not is_free(path)
    holder.send_signal(signal.SIGKILL)
    holder.communicate(timeout=30)
    insert(connection)
    assert rows(connection) == 1


def test_a_forked_child_writes_for_itself_and_never_ends_its_parents_turn(
    connection: BaseDatabaseWrapper, path: Path
) -> None:
    assert start(path, "fork", 0).communicate(timeout=60) == ("6 0\n", "")
    assert rows(connection) == 6


def test_a_writer_that_never_rests_lets_the_next_one_in(connection: BaseDatabaseWrapper, path: Path) -> None:
    busy = start(path, "web", 3)
    while not rows(connection):
        time.sleep(0.01)
    for number in range(100):
        insert(connection, number)
    assert busy.communicate(timeout=30)[1] == ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM entry WHERE writer = 'here' ORDER BY id")
        ours = [row[0] for row in cursor.fetchall()]
    # Each of ours waited for a few of the other's, not for hundreds.
    assert statistics.median(later - earlier for earlier, later in itertools.pairwise(ours)) <= 10


def test_a_database_in_memory_needs_no_turn() -> None:
    settings = {"default": {}, "memory": {**database(Path(":memory:")), "NAME": ":memory:"}}
    connections.settings["memory"] = connections.configure_settings(settings)["memory"]
    try:
        assert connections.create_connection("memory").write_lock is None
    finally:
        del connections.settings["memory"]


def test_the_statements_seen_are_djangos_own(connection: BaseDatabaseWrapper) -> None:
    with CaptureQueriesContext(connection) as queries, transaction.atomic(using=ALIAS):
        insert(connection)
    assert [query["sql"].split()[0] for query in queries] == ["BEGIN", "INSERT", "COMMIT"]


@pytest.mark.parametrize(
    ("sql", "answer"),
    [
        ("SELECT 1", False),
        ("  select 1", False),
        ("-- why\nSELECT 1", False),
        ("/* why */ (SELECT 1)", False),
        ("PRAGMA foreign_keys", False),
        ("EXPLAIN QUERY PLAN DELETE FROM entry", False),
        ('SAVEPOINT "s1"', False),
        ("INSERT INTO entry VALUES (1)", True),
        ("update entry SET number = 1", True),
        ("/* why */ DELETE FROM entry", True),
        ("REPLACE INTO entry VALUES (1)", True),
        ("WITH old AS (SELECT 1) DELETE FROM entry", True),
        ("CREATE TABLE other (id)", True),
        ("BEGIN IMMEDIATE", True),
        ("VACUUM", True),
        ("", True),
    ],
)
def test_what_may_write_waits_for_its_turn(sql: str, answer: bool) -> None:
    assert is_writing(sql) is answer
