"""How a dispatcher shows that it lives: a lock that its death frees at once, and a lease for when no lock can tell."""

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from sending import journal
from sending.journal import Journal
from sending.models import Dispatcher
from sending.outcomes import Told

# The first of PostgreSQL's two advisory lock numbers: ours among a database's users.
_NAMESPACE = 0x48414D59
# How long workers that outlived their database get to find it again.
_TELLING = timedelta(seconds=5)


class Lease:
    """This process's standing as a dispatcher: its journal with the lock that its death frees, and on PostgreSQL the
    lock of its database session, by which other hosts see it live."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        # Together: a dispatcher that others see without its lock would be taken for dead at once.
        with transaction.atomic():
            self.dispatcher = Dispatcher.objects.create(
                host=socket.gethostname()[:255],
                pid=self._pid,
                lease_until=_lease_end(),
                database_started_at=_database_start(),
            )
            self._session = connection.connection
            self.journal = Journal(self.dispatcher.pk)
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_lock(%s, %s)", [_NAMESPACE, self.dispatcher.pk])

    @property
    def is_current(self) -> bool:
        """Whether this is still the process and the session that took the locks: a lost connection lost its lock."""
        return self._pid == os.getpid() and (
            connection.vendor != "postgresql"
            or (connection.connection is not None and self._session is connection.connection)
        )

    def renew(self) -> bool:
        """Promise another full lease when half of it is gone; False when the dispatcher was struck off."""
        if self.dispatcher.lease_until - timezone.now() > timedelta(seconds=settings.HAMMY_LEASE_SECONDS / 2):
            return True
        self.dispatcher.lease_until = _lease_end()
        return bool(Dispatcher.objects.filter(pk=self.dispatcher.pk).update(lease_until=self.dispatcher.lease_until))

    def give_up(self) -> None:
        """Let the locks go, so that what this dispatcher still claims is recovered."""
        self.journal.close()
        if connection.vendor == "postgresql" and self.is_current:
            # Where the session is broken, its lock is gone with it.
            with contextlib.suppress(DatabaseError), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_NAMESPACE, self.dispatcher.pk])


def _lease_end() -> datetime:
    return timezone.now() + timedelta(seconds=settings.HAMMY_LEASE_SECONDS)


def _database_start() -> datetime | None:
    """When the database server was started; None where its commits never wait to be durable (SQLite)."""
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_postmaster_start_time()")
        started_at: datetime = cursor.fetchone()[0]
    return started_at


_own: Lease | None = None
# Other hosts' dispatchers whose lock was found free, and when first.
_missed_since: dict[int, float] = {}


def standing() -> Lease:
    """This process's lease, taken anew where the last one was lost."""
    global _own  # noqa: PLW0603 (one per process, and forgotten by none)
    if _own is None or not _own.is_current or not _own.renew():
        abandon()
        _own = Lease()
    return _own


def abandon() -> None:
    """Give this process's standing up: what it claimed and could not put right is recovered like a dead worker's."""
    global _own  # noqa: PLW0603 (see above)
    if _own is not None:
        _own.give_up()
        _own = None


def is_history_whole(dispatcher: Dispatcher) -> bool:
    """Whether the database still knows every outcome this dispatcher wrote: outcomes become durable a moment after
    they are written, so a server that was started since (or another that took over) may have lost the last ones."""
    return dispatcher.database_started_at in (None, _database_start())


def is_database_fresh() -> bool:
    """Whether the server was started this moment: workers that outlived it are still telling what they know."""
    started_at = _database_start()
    return started_at is not None and timezone.now() - started_at < _TELLING


@contextlib.contextmanager
def if_dead(dispatcher: Dispatcher) -> Iterator[str]:
    """Inside one transaction: why this dispatcher is known to be dead, or "" while it lives. While the block runs
    nobody else finds it dead."""
    with transaction.atomic():
        # Two rescuers meet here; the second then finds nothing left to recover.
        row = Dispatcher.objects.select_for_update().filter(pk=dispatcher.pk).first()
        if row is None or (_own is not None and _own.is_current and _own.dispatcher.pk == row.pk):
            # A session may take its own lock again: asking the lock about ourselves would say "dead".
            yield ""
        elif row.lease_until < timezone.now() and row.messages.exists():
            yield f"worker {row} kept its claim longer than its lease"
        elif journal.is_here(row.pk):
            yield "" if journal.is_locked(row.pk) else f"worker {row} died"
        else:
            yield f"worker {row} died with its host" if _is_lost_elsewhere(row) else ""


def _is_lost_elsewhere(row: Dispatcher) -> bool:
    """Whether another host's dispatcher has been without its session's lock for so long that it cannot be at work: a
    living one notices a lost session at its next outcomes, and its own host, which has its journal, mends first."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # Held until the end of the transaction, so it cannot be taken for alive meanwhile.
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [_NAMESPACE, row.pk])
            if not cursor.fetchone()[0]:
                _missed_since.pop(row.pk, None)
                return False
    return time.monotonic() - _missed_since.setdefault(row.pk, time.monotonic()) >= settings.HAMMY_HOST_SECONDS


def known(dispatcher: Dispatcher) -> list[Told] | None:
    """What a dead dispatcher's journal tells of its last claim; None where that lies on another host."""
    return [Told.from_line(line) for line in journal.read(dispatcher.pk)] if journal.is_here(dispatcher.pk) else None


def strike_off(dispatcher: Dispatcher) -> None:
    """Forget a dead dispatcher that holds nothing any more."""
    Dispatcher.objects.filter(pk=dispatcher.pk, messages=None).delete()
    _missed_since.pop(dispatcher.pk, None)
    transaction.on_commit(lambda: journal.remove(dispatcher.pk))
