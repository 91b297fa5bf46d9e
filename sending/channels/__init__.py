"""Ways out. Each channel is one file here, found by its name; a new one needs no edit elsewhere."""

import os
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from inspect import isabstract
from pkgutil import iter_modules
from types import MappingProxyType

from sending.channels.base import Channel

_kept: dict[str, Channel] = {}


@cache
def channels() -> Mapping[str, type[Channel]]:
    """Every channel class by its name: those of this package's public modules, looked for once."""
    found = {}
    for module in iter_modules(__path__):
        if module.name == "base" or module.name.startswith("_"):
            continue
        for member in vars(import_module(f"{__name__}.{module.name}")).values():
            if isinstance(member, type) and issubclass(member, Channel) and not isabstract(member):
                found[member.name] = member
    return MappingProxyType(found)


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
