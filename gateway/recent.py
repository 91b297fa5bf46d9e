"""A small memory of a process for what was just looked up, so that hot paths ask the database nothing."""

from collections.abc import Callable, Hashable
from time import monotonic
from typing import Any, Generic, TypeVar

from django.conf import settings

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_every: list["Recent[Any, Any]"] = []


class Recent(Generic[K, V]):
    """Remembers at most ``size`` answers for HAMMY_CALLER_CACHE_SECONDS each; never remembers "not there",
    so that strangers cannot push out those who belong here and a new key works at once."""

    def __init__(self, *, size: int = 1024) -> None:
        self._size = size
        self._kept: dict[K, tuple[float, V]] = {}
        _every.append(self)

    def get(self, key: K, load: Callable[[], V | None]) -> V | None:
        """The remembered value, else what ``load`` finds."""
        now = monotonic()
        found = self._kept.get(key)
        if found is not None and found[0] > now:
            return found[1]
        value = load()
        seconds = settings.HAMMY_CALLER_CACHE_SECONDS
        if value is None or seconds <= 0:
            self._kept.pop(key, None)
        else:
            if len(self._kept) >= self._size:
                # Everything lives a second or so: starting afresh is cheaper than keeping an order of use.
                self._kept.clear()
            self._kept[key] = (now + seconds, value)
        return value

    def clear(self) -> None:
        self._kept.clear()


def forget_all() -> None:
    """Look everything up again: after a change made in this very process, and between tests."""
    for recent in _every:
        recent.clear()
