"""How the things that grow are found: each is one file in its package, with no list to edit."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from inspect import isabstract
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Any


def classes_in(package: str, path: Sequence[str], base: type) -> Mapping[str, type[Any]]:
    """The concrete classes under ``base`` in a package's public modules, by their ``name``, in its order."""
    found: dict[str, type[Any]] = {}
    for module in iter_modules(path):
        if module.name == "base" or module.name.startswith("_"):
            continue
        for member in vars(import_module(f"{package}.{module.name}")).values():
            if isinstance(member, type) and issubclass(member, base) and not isabstract(member):
                found[getattr(member, "name")] = member  # noqa: B009 (each base declares it)
    return MappingProxyType(dict(sorted(found.items())))
