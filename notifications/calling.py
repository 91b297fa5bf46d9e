"""Calling targets: many at once in one thread, a few at each, none waiting for another."""

import asyncio
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

import uvloop
from django.conf import settings
from django.utils import timezone

from gateway.outbound import Answer, Client
from jobs import stopping
from notifications import signing
from notifications.claiming import Parcel, Round
from notifications.ladder import is_of_target

_log = logging.getLogger(__name__)
CALL_SECONDS = 15.0
_LANES = 4
_MOST_CALLS = 2000
# As many as there are targets in hand.
_MOST_NAMES = 500
_BROKE = "internal failure"
_UNSIGNED = "its client has no secret that could sign it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """What came of one call."""

    parcel: Parcel
    began_at: datetime
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A round is over; what of it was not called is still to be."""

    round: Round


def _round_seconds() -> float:
    """No call begins at a target that was taken up so long ago: with the longest call that is well within its lease."""
    return (settings.HAMMY_DELIVERY_LEASE_SECONDS - CALL_SECONDS) / 2


@dataclass(slots=True)
class _State:
    """What the lanes of a round share."""

    groups: deque[list[Parcel]]
    until: float
    is_broken: bool = False

    def goes_on(self) -> bool:
        return not self.is_broken and time.monotonic() < self.until and not stopping.is_asked()


def own_headers(content_type: str) -> dict[str, str]:
    """What each call says of itself, beside its signature."""
    return {"Content-Type": content_type, "Accept": content_type, "User-Agent": "Hammy"}


class Caller:
    """The thread in which calls are made. ``results`` fills with what came of them, and with the ends of rounds."""

    def __init__(self) -> None:
        self.results: queue.SimpleQueue[Called | Ended] = queue.SimpleQueue()
        self._loop = uvloop.new_event_loop()
        # Names are asked for in threads, and one that nobody answers holds its own for long.
        self._loop.set_default_executor(ThreadPoolExecutor(_MOST_NAMES, thread_name_prefix="names"))
        self._client = Client(most=_MOST_CALLS, most_per_host=0)
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_ready = threading.Event()
        threading.Thread(target=self._run, name="calls", daemon=True).start()
        self._is_ready.wait()

    def begin(self, rounds: Sequence[Round]) -> None:
        """Go on these rounds; returns at once."""
        self._loop.call_soon_threadsafe(self._begin, rounds)

    def _run(self) -> None:
        self._loop.run_until_complete(self._client.__aenter__())
        self._is_ready.set()
        self._loop.run_forever()

    def _begin(self, rounds: Sequence[Round]) -> None:
        for one in rounds:
            task = self._loop.create_task(self._go(one))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _go(self, one: Round) -> None:
        groups: dict[object, list[Parcel]] = {}
        for parcel in one.parcels:
            groups.setdefault(parcel.group, []).append(parcel)
        # However long the rest of the claim took.
        state = _State(deque(groups.values()), until=one.claimed_at + _round_seconds())
        try:
            await asyncio.gather(*(self._lane(one, state) for _ in range(min(_LANES, len(groups)))))
        finally:
            self.results.put(Ended(round=one))

    async def _lane(self, one: Round, state: _State) -> None:
        while state.groups and state.goes_on():
            for parcel in state.groups.popleft():
                if not state.goes_on():
                    return
                called = await self._call(one, parcel)
                self.results.put(called)
                if not called.answer.is_success:
                    state.is_broken = state.is_broken or is_of_target(called.answer.status)
                    break

    async def _call(self, one: Round, parcel: Parcel) -> Called:
        began_at = timezone.now()
        if flaw := parcel.flaw or ("" if one.secrets else _UNSIGNED):
            return Called(parcel=parcel, began_at=began_at, answer=Answer(status=None, failure=flaw))
        try:
            signed = signing.headers(message_id=parcel.message_id, at=began_at, body=parcel.body, secrets=one.secrets)
            headers = {**own_headers(parcel.content_type), **signed}
            answer = await self._client.call(
                parcel.method, parcel.url, body=parcel.body, headers=headers, seconds=CALL_SECONDS
            )
        except Exception:
            # What nobody foresaw is a failed try like another: told, and not repeated without pause.
            _log.exception("a call broke", extra={"delivery_id": parcel.delivery_id})
            answer = Answer(status=None, failure=_BROKE)
        return Called(parcel=parcel, began_at=began_at, answer=answer)
