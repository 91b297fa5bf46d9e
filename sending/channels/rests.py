"""Push services that are left in peace for a while: by one client where they asked that client for it, by all where
they answer nobody.

Processes share this in Django's cache: whoever begins a rest writes its end there, and the others look about once a
second for each client and push service, so that what is fast stays so. A cache that is away stops no push: each
process then knows of its own rests alone.
"""

import logging
from hashlib import sha256
from time import monotonic, time

from django.core.cache import cache

# The longest that one answer keeps other pushes back. What asks for hours means one push: others are tried before.
LONGEST = 300.0
_LOOK_SECONDS = 1.0
# How long a cache that is away is not asked again, for the pushes of a whole process wait for its answer.
_AWAY_SECONDS = 10.0
_QUIET_SECONDS = 60.0
_MOST_PLACES = 10_000
_outage: dict[str, float] = {}
_log = logging.getLogger(__name__)


class Rests:
    """Those that a process knows of, by the push service's origin and the client's key."""

    def __init__(self) -> None:
        # By the clock of this machine's uptime, until when.
        self._ends: dict[tuple[str, str], float] = {}
        self._next_looks: dict[tuple[str, str], float] = {}

    def left(self, origin: str, key: str) -> float:
        """How many seconds a push service is left in peace, by this client or by all; 0 when it is not."""
        now = monotonic()
        if rest := self._known(origin, key, now):
            return rest
        if self._next_looks.get((origin, key), 0.0) > now:
            return 0.0
        if len(self._next_looks) >= _MOST_PLACES:
            self._next_looks.clear()
        self._next_looks[origin, key] = now + _LOOK_SECONDS
        self._look(origin, key, now)
        return self._known(origin, key, now)

    def begin(self, origin: str, key: str, seconds: float) -> None:
        """Leave a push service in peace, for the client of this key or, with "", for all; of two rests the longer one
        holds."""
        now, seconds = monotonic(), min(seconds, LONGEST)
        # Fifty calls under way may be answered alike within a moment.
        if now + seconds <= self._ends.get((origin, key), 0.0) + _LOOK_SECONDS:
            return
        self._note(origin, key, now + seconds, now)
        if now < _outage.get("asked_again_at", 0.0):
            return
        try:
            cache.set(_name(origin, key), time() + seconds, timeout=int(seconds) + 1)
        except Exception as error:
            _is_away(error)

    def _known(self, origin: str, key: str, now: float) -> float:
        ends = self._ends
        return max(0.0, ends.get((origin, key), 0.0) - now, ends.get((origin, ""), 0.0) - now) if ends else 0.0

    def _look(self, origin: str, key: str, now: float) -> None:
        if now < _outage.get("asked_again_at", 0.0):
            return
        names = {_name(origin, whose): whose for whose in (key, "")}
        try:
            found = cache.get_many(list(names))
        except Exception as error:
            _is_away(error)
            return
        for name, end in found.items():
            # Another host's clock may differ from ours.
            if isinstance(end, float) and (left := min(end - time(), LONGEST)) > 0:
                self._note(origin, names[name], now + left, now)

    def _note(self, origin: str, key: str, end: float, now: float) -> None:
        self._ends = {place: until for place, until in self._ends.items() if until > now}
        self._ends[origin, key] = end


def _name(origin: str, key: str) -> str:
    """What nobody can read a key from."""
    return f"sending.rest.{sha256(f'{origin} {key}'.encode()).hexdigest()}"


def _is_away(error: Exception) -> None:
    now = monotonic()
    _outage["asked_again_at"] = now + _AWAY_SECONDS
    if now >= _outage.get("quiet_until", 0.0):
        _outage["quiet_until"] = now + _QUIET_SECONDS
        _log.warning("the cache is away, push services' rests are known to one process each: %s", error)
