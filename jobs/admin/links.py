"""Where else a job's page leads: whatever upper floors know of a job, registered here."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest

from jobs.models import Job

# A button as console/offered.html shows it: title, icon, variant, path.
Button = dict[str, Any]
Maker = Callable[[HttpRequest, Job], Button | None]
_makers: list[Maker] = []


def register(maker: Maker) -> None:
    """Have ``maker`` asked for each job's page; None where it knows nothing, or nothing for this person."""
    if maker not in _makers:
        _makers.append(maker)


def of_job(request: HttpRequest, job: Job) -> list[Button]:
    """What leads away from the page of a job, for this person."""
    return [button for maker in _makers if (button := maker(request, job)) is not None]
