"""Figures: samples of ours and of a peer taken in turn, their medians, and the bar that is hoped for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What a figure should reach: the ratio to its peer (``is_ratio``) or the value itself, at least or at most."""

    value: float
    stretch: float | None = None
    is_ratio: bool = False
    is_ceiling: bool = False

    def is_met(self, reached: float, *, stretch: bool = False) -> bool:
        """Whether ``reached`` is on the right side of the bar, or of its stretch."""
        limit = self.stretch if stretch and self.stretch is not None else self.value
        return reached <= limit if self.is_ceiling else reached >= limit

    def __str__(self) -> str:
        sign = "≤" if self.is_ceiling else "≥"
        times = " ×" if self.is_ratio else ""
        stretch = f" ({self.stretch:g}{times})" if self.stretch is not None else ""
        return f"{sign} {self.value:g}{times}{stretch}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured thing: the samples of each round, in ``unit``, and what spoils them (``flaws``)."""

    name: str
    unit: str
    ours: Sequence[float]
    peer: Sequence[float] = ()
    peer_name: str = ""
    bar: Bar | None = None
    flaws: Sequence[str] = field(default_factory=tuple)

    @property
    def value(self) -> float:
        return median(self.ours)

    @property
    def peer_value(self) -> float | None:
        return median(self.peer) if self.peer else None

    @property
    def ratio(self) -> float | None:
        """Ours over the peer's."""
        return self.value / self.peer_value if self.peer_value else None

    @property
    def verdict(self) -> str:
        """``stretch``, ``met``, ``missed`` or, without a bar, nothing; ``spoilt`` when it cannot be trusted."""
        if self.flaws:
            return "spoilt"
        if self.bar is None:
            return ""
        reached = self.ratio if self.bar.is_ratio else self.value
        if reached is None or not self.bar.is_met(reached):
            return "missed"
        return "stretch" if self.bar.stretch is not None and self.bar.is_met(reached, stretch=True) else "met"


def alternate(rounds: int, ours: Callable[[int], T], peer: Callable[[int], U]) -> tuple[list[T], list[U]]:
    """Run both in turn, so that what else the machine does touches both."""
    our_samples, peer_samples = [], []
    for number in range(rounds):
        our_samples.append(ours(number))
        peer_samples.append(peer(number))
    return our_samples, peer_samples


def percentile(samples: Sequence[float], share: float) -> float:
    """The smallest sample that ``share`` (0…1) of all do not exceed."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]
