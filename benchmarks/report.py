"""The result of a run: a table for people, JSON for machines."""

import os
import platform
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.measuring import Figure

_HEAD = ("figure", "ours", "peer", "ratio", "bar (stretch)", "")


def table(figures: Sequence[Figure]) -> str:
    """Aligned columns, a line for each figure and one for each flaw."""
    rows = [_HEAD, *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    flaws = [f"! {figure.name}: {flaw}" for figure in figures for flaw in figure.flaws]
    return "\n".join([*lines, *flaws])


def as_json(figures: Mapping[str, Sequence[Figure]], *, broken: Mapping[str, str], is_quick: bool) -> dict[str, Any]:
    """Everything measured, by benchmark."""
    return {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()},
        "isQuick": is_quick,
        "benchmarks": {name: [_figure(figure) for figure in found] for name, found in figures.items()},
        "broken": dict(broken),
    }


def _row(figure: Figure) -> tuple[str, ...]:
    peer = f"{_number(figure.peer_value)} {figure.peer_name}" if figure.peer_value is not None else ""
    ratio = f"{figure.ratio:.2f}" if figure.ratio is not None else ""
    bar = str(figure.bar) if figure.bar else ""
    return (figure.name, f"{_number(figure.value)} {figure.unit}", peer, ratio, bar, figure.verdict)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"


def _figure(figure: Figure) -> dict[str, Any]:
    return {
        "name": figure.name,
        "unit": figure.unit,
        "ours": list(figure.ours),
        "median": figure.value,
        "peer": list(figure.peer),
        "peerMedian": figure.peer_value,
        "peerName": figure.peer_name,
        "ratio": figure.ratio,
        "bar": str(figure.bar) if figure.bar else None,
        "verdict": figure.verdict,
        "flaws": list(figure.flaws),
    }
