"""Pictures of how messages fare: one bar of parts, which the server draws, and what its parts are."""

from collections.abc import Mapping
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from sending.admin import wording

_WIDTH = 1000


def bar(statuses: Mapping[str, int], *, skipped: int = 0, whole: int = 0) -> SafeString:
    """What became of messages, by their status; ``skipped`` got none, and ``whole`` is how many there are to be."""
    parts = [(colour, statuses.get(status, 0)) for status, colour in wording.BAR]
    whole = max(whole, sum(count for _colour, count in parts) + skipped)
    if not whole:
        return mark_safe("")
    shapes, at = [], 0.0
    for colour, count in [*parts, ("skipped", skipped)]:
        width = _WIDTH * count / whole
        if count:
            shapes.append((colour, f"{at:.2f}", f"{max(width, 2):.2f}"))
        at += width
    rectangles = format_html_join("", '<rect class="console-fill-{}" x="{}" width="{}" height="14"></rect>', shapes)
    words = ", ".join(f"{name}: {count}" for name, _colour, count in legend(statuses, skipped=skipped))
    return format_html(
        '<svg class="console-parts" viewBox="0 0 {} 14" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>',
        _WIDTH,
        words,
        rectangles,
    )


def legend(statuses: Mapping[str, int], *, skipped: int = 0) -> list[tuple[Any, str, str]]:
    """What each part of the bar is: its name, its colour, its count; empty parts left out."""
    rows: list[tuple[Any, str, int]] = [
        (wording.STATUSES[status], colour, statuses.get(status, 0))
        for status, colour in wording.BAR
        if statuses.get(status, 0)
    ]
    if skipped:
        rows.append((gettext("Left out"), "skipped", skipped))
    return [(name, colour, number(count)) for name, colour, count in rows]


def number(count: int) -> str:
    """A count, in groups of three."""
    return f"{count:,}".replace(",", " ")
