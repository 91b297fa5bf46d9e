"""How far campaigns are, and pictures of it."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from campaigns import reporting, running
from campaigns.models import LegRun
from jobs.models import Job
from jobs.states import FINAL
from sending.admin.bars import number
from sending.models import Message

_NOTHING = mark_safe('<span class="console-quiet">–</span>')


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Of what is being sent of a campaign, or was last: its recipients, and for how many of them all is over."""

    done: int
    total: int


def of_campaigns(ids: Collection[int]) -> dict[int, Progress]:
    """The progress of these campaigns, in as many looks however many they are; of one that has not begun for the first
    time nothing is known."""
    current = running.current_jobs(ids)
    run_jobs = {job_id for job_ids in current.values() for job_id in job_ids}
    runs = LegRun.objects.filter(run_job_id__in=run_jobs, part__campaign__in=current.keys())
    found = list(runs.select_related("part").annotate(skipped=Count("skipped_recipients")))
    done: Counter[int] = Counter()
    total: Counter[int] = Counter()
    for run, count in _done(found, run_jobs).items():
        done[run.part.campaign_id] += count
        total[run.part.campaign_id] += run.recipients
    return {pk: Progress(done=done[pk], total=total[pk]) for pk in total}


def _done(runs: Sequence[Any], run_jobs: Collection[int]) -> dict[LegRun, int]:
    """For how many of the recipients of those of these runs that count all is over."""
    counting: list[Any] = reporting.counting(runs)
    jobs = Job.objects.only("status", "completed").in_bulk([run.job_id for run in counting])
    to_begin = set(Job.objects.open().filter(pk__in=run_jobs, cursor__isnull=True).values_list("id", flat=True))
    found: dict[LegRun, int] = {}
    # Letters that were made before the campaign's job was run again, by the run that goes on for them.
    before: dict[int, LegRun] = {}
    for run in counting:
        job = jobs.get(run.job_id)
        is_open = job is not None and job.status not in FINAL
        if not is_open and run.run_job_id not in to_begin:
            # At its end a job counts those that ended well alone.
            found[run] = run.recipients
            continue
        found[run] = run.skipped + (job.completed or 0 if job is not None and is_open else 0)
        alike = (one for one in runs if (one.part_id, one.run_job_id) == (run.part_id, run.run_job_id))
        before |= {one.job_id: run for one in alike if one is not run or not is_open}
    if before:
        closed = Message.objects.filter(job_id__in=before.keys(), job_id__isnull=False, closed_at__isnull=False)
        for job_id, count in closed.order_by().values_list("job_id").annotate(count=Count("id")):
            found[before[job_id]] += count
    return {run: min(run.recipients, count) for run, count in found.items()}


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
