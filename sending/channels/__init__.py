"""Ways out. Each channel is one file here, found by its name; a new one needs no edit elsewhere."""

import os
from collections.abc import Mapping
from functools import cache

from gateway.registry import classes_in
from sending.channels.base import Channel

_kept: dict[str, Channel] = {}


@cache
def channels() -> Mapping[str, type[Channel]]:
    """Every channel class by its name: those of this package's public modules, looked for once."""
    return classes_in(__name__, __path__, Channel)


@cache
def letter_channels() -> tuple[str, ...]:
    """The names of those that doors which take letters offer, in order."""
    return tuple(sorted(name for name, kind in channels().items() if kind.takes_letters))


def channel(name: str) -> Channel:
    """This process's one instance, with whatever connection it keeps open. Raises KeyError for an unknown name."""
    if name not in _kept:
        _kept[name] = channels()[name]()
    return _kept[name]


def close_channels() -> None:
    """Let go of every kept instance and its connection; the next ``channel`` begins afresh."""
    while _kept:
        _kept.popitem()[1].close()


# A forked child must not speak on its parent's connections: it starts with no instances of its own.
os.register_at_fork(after_in_child=_kept.clear)
