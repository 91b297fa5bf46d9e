"""How far campaigns are, and pictures of it: bars that the server draws."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from campaigns.admin import wording
from campaigns.models import LegRun
from campaigns.reporting import Report
from jobs.models import Job
from jobs.states import FINAL
from sending.admin import wording as sending_wording

_WIDTH = 1000
_NOTHING = mark_safe('<span class="console-quiet">–</span>')


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Of a campaign's last run: its recipients, and for how many of them all is over."""

    done: int
    total: int


def of_campaigns(ids: Iterable[int]) -> dict[int, Progress]:
    """The progress of these campaigns' last runs, in three looks however many they are."""
    newest = LegRun.objects.filter(part__campaign_id__in=list(ids)).order_by().values("part__campaign_id")
    last = {row["part__campaign_id"]: row["run"] for row in newest.annotate(run=Max("run_job_id"))}
    legs = list(
        LegRun.objects.filter(run_job_id__in=last.values())
        .annotate(skipped=Count("skipped_recipients"))
        .values_list("run_job_id", "job_id", "recipients", "skipped")
    )
    jobs = Job.objects.filter(pk__in=[leg[1] for leg in legs]).values_list("id", "status", "completed")
    # At its end a job counts those that ended well alone.
    closed = {pk: None if status in FINAL else completed or 0 for pk, status, completed in jobs}
    found = {}
    for campaign_id, run in last.items():
        mine = [leg for leg in legs if leg[0] == run]
        done = sum(
            recipients if (count := closed.get(job)) is None else min(recipients, count + skipped)
            for _run, job, recipients, skipped in mine
        )
        found[campaign_id] = Progress(done=done, total=sum(leg[2] for leg in mine))
    return found


def shown(progress: Progress | None, colour: str) -> SafeString:
    """As a bar with its figures."""
    if progress is None:
        return _NOTHING
    return format_html(
        '<span class="console-progress"><progress class="console-bar console-bar-{}" max="{}" value="{}"></progress>'
        "<span>{}/{}</span></span>",
        colour,
        progress.total or 1,
        progress.done,
        number(progress.done),
        number(progress.total),
    )


def bar(report: Report) -> SafeString:
    """What became of a leg's recipients, as one bar of parts."""
    parts = [(status, colour, report.statuses.get(status, 0)) for status, colour in wording.BAR]
    whole = max(report.recipients, report.made + report.skipped)
    if not whole:
        return mark_safe("")
    shapes, at = [], 0.0
    for colour, count in [*((colour, count) for _status, colour, count in parts), ("skipped", report.skipped)]:
        width = _WIDTH * count / whole
        if count:
            shapes.append((colour, f"{at:.2f}", f"{max(width, 2):.2f}"))
        at += width
    rectangles = format_html_join("", '<rect class="console-fill-{}" x="{}" width="{}" height="14"></rect>', shapes)
    words = ", ".join(f"{name}: {count}" for name, _colour, count in legend(report))
    return format_html(
        '<svg class="console-parts" viewBox="0 0 {} 14" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>',
        _WIDTH,
        words,
        rectangles,
    )


def legend(report: Report) -> list[tuple[Any, str, str]]:
    """What each part of the bar is: its name, its colour, its count; empty parts left out."""
    counts: Mapping[str, int] = report.statuses
    rows: list[tuple[Any, str, int]] = [
        (sending_wording.STATUSES[status], colour, counts.get(status, 0))
        for status, colour in wording.BAR
        if counts.get(status, 0)
    ]
    if report.skipped:
        rows.append((gettext("Left out"), "skipped", report.skipped))
    return [(name, colour, number(count)) for name, colour, count in rows]


def number(count: int) -> str:
    """A count, in groups of three."""
    return f"{count:,}".replace(",", " ")
