"""The jobIdFs of jobs (contract dpf_url_callback): fourteen digits of its moment in the site's zone and four more."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from notifications.models import JobName

_DIGITS = 10_000


def names(jobs: Iterable[tuple[int, datetime]]) -> Mapping[int, str]:
    """The name of each of these jobs, given with their moment of creation: the one it has, or a new one. Inside the
    transaction that tells of them."""
    moments = dict(jobs)
    found = _known(moments)
    while missing := [job_id for job_id in moments if job_id not in found]:
        # Of two that take the same name at once one is put off to the next round.
        with transaction.atomic():
            JobName.objects.bulk_create(_fresh((job_id, moments[job_id]) for job_id in missing), ignore_conflicts=True)
        found = _known(moments)
    return found


def job_of(name: str) -> int | None:
    """The job of that name."""
    return JobName.objects.filter(name=name).values_list("job_id", flat=True).first() if name.isdigit() else None


def _known(job_ids: Iterable[int]) -> dict[int, str]:
    return dict(JobName.objects.filter(job_id__in=list(job_ids)).values_list("job_id", "name"))


def _fresh(jobs: Iterable[tuple[int, datetime]]) -> list[JobName]:
    """Ending as the job's number does, where that is free; of the next second where a second has no more."""
    moments = list(jobs)
    wanted = [(job_id, f"{timezone.localtime(at):%Y%m%d%H%M%S}") for job_id, at in moments]
    taken: dict[str, set[str]] = {}
    for stamp in {stamp for _, stamp in wanted}:
        within = JobName.objects.filter(name__gte=stamp, name__lt=stamp + ":")
        taken[stamp] = set(within.values_list("name", flat=True))
    fresh: list[JobName] = []
    full: list[int] = []
    for job_id, stamp in wanted:
        numbers = (f"{stamp}{(job_id + step) % _DIGITS:04}" for step in range(_DIGITS))
        name = next((name for name in numbers if name not in taken[stamp]), "")
        if name:
            taken[stamp].add(name)
            fresh.append(JobName(job_id=job_id, name=name))
        else:
            full.append(job_id)
    later = [(job_id, at + timedelta(seconds=1)) for job_id, at in moments if job_id in full]
    return fresh + (_fresh(later) if later else [])
