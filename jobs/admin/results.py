"""What a job came to so far, in figures: whatever upper floors know of it, registered here."""

from collections.abc import Callable
from typing import Any

from jobs.models import Job

# Names and values, in order.
Figures = list[tuple[Any, str]]
Maker = Callable[[Job], Figures]
_makers: list[Maker] = []


def register(maker: Maker) -> None:
    """Have ``maker`` asked for each job's page; [] where it knows nothing."""
    if maker not in _makers:
        _makers.append(maker)


def of_job(job: Job) -> Figures:
    """All that is known of what it came to."""
    return [figure for maker in _makers for figure in maker(job)]
