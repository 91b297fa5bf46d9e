"""Taking words out of what is kept of jobs."""

from collections.abc import Callable, Sequence
from typing import Any

from jobs.models import Job, JobEvent, JobLogLine


def rewrite(job_ids: Sequence[int], cleaned: Callable[[str], str]) -> None:
    """Put what ``cleaned`` makes of them in the place of these jobs' reasons, those of their events, and their log."""
    for rows, name in (
        (Job.objects.filter(id__in=job_ids), "reason"),
        (JobEvent.objects.filter(job_id__in=job_ids), "reason"),
        (JobLogLine.objects.filter(job_id__in=job_ids), "text"),
    ):
        written: Any = rows.exclude(**{name: ""}).values_list("id", name)
        for pk, text in written:
            if (better := cleaned(text)) != text:
                rows.filter(pk=pk).update(**{name: better})
