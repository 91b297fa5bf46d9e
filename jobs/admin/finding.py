"""Finding jobs by what people have at hand, over indexes only."""

from uuid import UUID

from django.db.models import Q

from gateway.console.filters import number_in
from jobs.models.job import JobQuerySet


def find(jobs: JobQuerySet, words: str) -> JobQuerySet:
    """The job with this number or UUID; all of them when there are no words."""
    words = words.strip().replace("\x00", "")
    if not words:
        return jobs
    wanted = Q(pk__in=[])
    if (number := number_in(words)) is not None:
        wanted |= Q(pk=number)
    try:
        wanted |= Q(uuid=UUID(words))
    except ValueError:
        return jobs.filter(wanted)
    return jobs.filter(wanted)
