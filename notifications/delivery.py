"""The courier: takes up what is due, has it called, and writes what came of it. It waits for no target."""

import gc
import logging
import math
import os
import queue
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

from gateway import wakeups
from jobs import stopping
from notifications import claiming, clock, recording
from notifications.calling import Called, Caller, Ended
from notifications.claiming import Round
from notifications.listening import DELIVER_TASK
from notifications.models import Delivery, Target

_log = logging.getLogger(__name__)
# Targets in hand at once. Those that fail may fill their share and no more, and those that leave a call unanswered fill
# none, so that however many are dead, the others are called.
_MOST_TARGETS, _MOST_HEALTHY, _MOST_FAILING = 500, 200, 200
_UNANSWERED_SECONDS = 0.25
# What one process takes of deliveries, that others may have their part; with a good deal less it looks for more.
_MOST_PARCELS = 800
# Outcomes are gathered so long, for they are written together.
_GATHER_SECONDS = 0.05
_LOOK_SECONDS = 0.25
_MOST_WRITTEN = 500
T = TypeVar("T")


@dataclass(slots=True)
class _InHand:
    """A round that is under way: how many parcels are left of it, and when the last call was answered."""

    round: Round
    left: int
    answered_at: float


class Courier:
    """One process's work."""

    def __init__(self) -> None:
        # What was loaded until now stays as long as we do, and what calls leave behind frees itself: looking for
        # garbage at the usual rate took a tenth of the time.
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        self._caller = Caller()
        self._in_hand: dict[int, _InHand] = {}
        self._unwritten: set[int] = set()
        self._woke_at = 0.0
        # How many parcels a target had of late.
        self._usual = 50.0

    def work(self) -> None:
        """Bring what is due until nothing is and every call has ended; once asked to stop, no new call begins."""
        looked_at, may_be_more = 0.0, True
        while True:
            is_time = not self._in_hand or time.monotonic() - looked_at > _LOOK_SECONDS
            if is_time or (may_be_more and self._room()[0] > 0):
                looked_at = time.monotonic()
                may_be_more = self._take_up() > 0
            if not self._in_hand:
                return
            found = self._gathered()
            may_be_more = self._write(found) > 0 or may_be_more

    def _room(self) -> tuple[int, int]:
        """For how many more targets that are well, and how many that fail."""
        late = time.monotonic() - _UNANSWERED_SECONDS
        rounds = self._in_hand.values()
        moving = [one.left for one in rounds if not one.round.is_failing and one.answered_at > late]
        room = _MOST_PARCELS - sum(moving)
        if room < _MOST_PARCELS / 2:
            return 0, 0
        all_room = _MOST_TARGETS - len(rounds)
        healthy = min(all_room, _MOST_HEALTHY - len(moving), math.ceil(room / self._usual))
        failing = min(all_room - healthy, _MOST_FAILING - sum(one.round.is_failing for one in rounds))
        return max(0, healthy), max(0, failing)

    def _take_up(self) -> int:
        if stopping.is_asked():
            return 0
        healthy, failing = self._room()
        if not healthy and not failing:
            return 0
        rounds = _patiently(partial(claiming.claim, healthy=healthy, failing=failing))
        now = time.monotonic()
        for one in rounds:
            self._in_hand[one.target_id] = _InHand(one, len(one.parcels), now)
        if sizes := [len(one.parcels) for one in rounds if not one.is_failing]:
            self._usual = max(1.0, sum(sizes) / len(sizes))
        self._caller.begin(rounds)
        if healthy and len(rounds) >= healthy and now - self._woke_at > _LOOK_SECONDS:
            # There is more than one process takes: another may have its part before beat finds it.
            self._woke_at = now
            wakeups.wake(DELIVER_TASK)
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

    def _write(self, found: Sequence[Called | Ended]) -> int:
        """How many rounds are over."""
        calls = [one for one in found if isinstance(one, Called)]
        rounds = [one.round for one in found if isinstance(one, Ended)]
        now = time.monotonic()
        for called in calls:
            one = self._in_hand[called.parcel.target_id]
            one.left, one.answered_at = one.left - 1, now
        try:
            self._unwritten |= _recorded(calls)
            _patiently(partial(recording.release, [one for one in rounds if one.target_id not in self._unwritten]))
        finally:
            for round_ in rounds:
                del self._in_hand[round_.target_id]
                self._unwritten.discard(round_.target_id)
        return len(rounds)


def _recorded(calls: list[Called]) -> set[int]:
    """Write what came of calls, one by one where not all can be; the targets of those that cannot, which are left to
    their leases."""
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
    now = clock.now()
    return Delivery.objects.due(now).exists() and Target.objects.waiting(now).free(now).exists()


# The thread stayed in the parent.
os.register_at_fork(after_in_child=_couriers.clear)
