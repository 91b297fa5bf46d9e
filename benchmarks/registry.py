"""The measured paths by name: each is a function in a file of benchmarks/paths, found here."""

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from benchmarks import paths
from benchmarks.bench import Bench
from benchmarks.measuring import Figure

Measure = Callable[[Bench], Iterable[Figure]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """A path by its name; ``title`` says in a line what is measured."""

    name: str
    title: str
    measure: Measure


def benchmarks() -> dict[str, Benchmark]:
    """Every path, in the order of the files' names."""
    found: dict[str, Benchmark] = {}
    for module_info in pkgutil.iter_modules(paths.__path__):
        module = importlib.import_module(f"{paths.__name__}.{module_info.name}")
        name = module_info.name.replace("_", "-")
        found[name] = Benchmark(name=name, title=(module.__doc__ or "").strip().splitlines()[0], measure=module.measure)
    return found
