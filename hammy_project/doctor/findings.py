"""What a probe says."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

Probe = Callable[[], Iterable["Finding"]]


class Level(StrEnum):
    """OK needs nothing, WARNING a look, FAILURE a hand."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at and what was seen."""

    subject: str
    level: Level
    words: str


def ok(subject: str, words: str) -> Finding:
    return Finding(subject=subject, level=Level.OK, words=words)


def warning(subject: str, words: str) -> Finding:
    return Finding(subject=subject, level=Level.WARNING, words=words)


def failure(subject: str, words: str) -> Finding:
    return Finding(subject=subject, level=Level.FAILURE, words=words)


def examine(probes: Iterable[Probe]) -> Iterator[Finding]:
    """Every probe's findings as they come; one that breaks is a failure of its own and stops no other."""
    for probe in probes:
        try:
            yield from probe()
        except Exception as error:
            # Whatever is wrong with the site, the doctor finishes the round.
            words = " ".join(str(error).split())
            yield failure(f"{probe.__module__.rpartition('.')[2]}.{probe.__name__}", f"{type(error).__name__}: {words}")
