"""Where else a job's page leads: whatever upper floors know of a job, registered here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from jobs.models import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A button above the page; ``path`` is an address of ours."""

    title: Any
    icon: str
    path: str
    variant: str = "default"


Maker = Callable[[HttpRequest, Job], Link | None]
_makers: list[Maker] = []


def register(maker: Maker) -> None:
    """Have ``maker`` asked for each job's page; None where it knows nothing, or nothing for this person."""
    if maker not in _makers:
        _makers.append(maker)


def of_job(request: HttpRequest, job: Job) -> list[Link]:
    """What leads away from the page of a job, for this person."""
    return [link for maker in _makers if (link := maker(request, job)) is not None]
