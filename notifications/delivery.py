"""The courier: takes up what is due, has it called, and writes what came of it. It waits for no target."""

import logging
import os
import queue
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from jobs import stopping
from notifications import claiming, recording
from notifications.calling import Called, Caller, Ended
from notifications.models import Delivery, Target

_log = logging.getLogger(__name__)
# Targets in hand at once. Those that fail may fill their share and no more, so that however many are dead, the others
# are called.
_MOST_HEALTHY, _MOST_FAILING = 200, 200
# Outcomes are gathered so long, for they are written together.
_GATHER_SECONDS = 0.02
_LOOK_SECONDS = 0.25
_MOST_WRITTEN = 500
T = TypeVar("T")


class Courier:
    """One process's work."""

    def __init__(self) -> None:
        self._caller = Caller()
        self._healthy: set[int] = set()
        self._failing: set[int] = set()
        # Of these something could not be written: nothing goes there before their lease is over.
        self._unwritten: set[int] = set()

    def work(self) -> None:
        """Bring what is due until nothing is and every call has ended; once asked to stop, no new call begins."""
        looked_at = 0.0
        while True:
            in_hand = len(self._healthy) + len(self._failing)
            is_time = time.monotonic() - looked_at > _LOOK_SECONDS or in_hand == 0
            if is_time or len(self._healthy) < _MOST_HEALTHY // 2:
                looked_at = time.monotonic()
                in_hand += self._take_up()
            if not in_hand:
                return
            self._write(self._gathered())

    def _take_up(self) -> int:
        if stopping.is_asked():
            return 0
        healthy, failing = _MOST_HEALTHY - len(self._healthy), _MOST_FAILING - len(self._failing)
        rounds = _patiently(partial(claiming.claim, healthy=healthy, failing=failing))
        for one in rounds:
            (self._failing if one.is_failing else self._healthy).add(one.target_id)
        self._caller.begin(rounds)
        return len(rounds)

    def _gathered(self) -> list[Called | Ended]:
        """What has come, waiting a moment for the first."""
        found: list[Called | Ended] = []
        until = time.monotonic() + _LOOK_SECONDS
        while len(found) < _MOST_WRITTEN:
            try:
                found.append(self._caller.results.get(timeout=max(0.0, until - time.monotonic())))
            except queue.Empty:
                break
            if len(found) == 1:
                until = time.monotonic() + _GATHER_SECONDS
        return found

    def _write(self, found: list[Called | Ended]) -> None:
        calls = [one for one in found if isinstance(one, Called)]
        rounds = [one.round for one in found if isinstance(one, Ended)]
        try:
            self._unwritten |= _recorded(calls)
            for claim in {one.claim for one in rounds}:
                told = [one.target_id for one in rounds if one.claim == claim and one.target_id not in self._unwritten]
                _patiently(partial(recording.release, told, claim))
        finally:
            for one in rounds:
                self._healthy.discard(one.target_id)
                self._failing.discard(one.target_id)
                self._unwritten.discard(one.target_id)


def _recorded(calls: list[Called]) -> set[int]:
    """Write what came of calls, one by one where not all can be; the targets of those that cannot."""
    try:
        if calls:
            _patiently(partial(recording.record, calls))
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        _log.exception(
            "an outcome cannot be written", extra={"delivery_ids": [one.parcel.delivery_id for one in calls]}
        )
        if len(calls) == 1:
            return {calls[0].parcel.target_id}
        return set().union(*(_recorded([one]) for one in calls))
    return set()


def _patiently(do: Callable[[], T]) -> T:
    """A database that is away is waited for: what came of a call must not be forgotten, or it is made again."""
    while True:
        try:
            return do()
        except (OperationalError, InterfaceError):
            if stopping.is_asked() or connection.in_atomic_block:
                raise
            _log.warning("database away, outcomes of calls wait", exc_info=True)
            connection.close()
            time.sleep(0.2)


_couriers: list[Courier] = []


def work() -> None:
    """One wake-up of this process."""
    if is_due():
        if not _couriers:
            _couriers.append(Courier())
        _couriers[0].work()


def is_due() -> bool:
    """Whether anything could be brought now."""
    now = timezone.now()
    due = Delivery.objects.due(now)
    return due.exists() and due.filter(target__in=Target.objects.free(now)).exists()


# The thread stayed in the parent.
os.register_at_fork(after_in_child=_couriers.clear)
