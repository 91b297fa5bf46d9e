"""What the tests of jobs share."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.caller import Caller
from jobs import runner, services
from jobs.models import Job, Trigger

Submit = Callable[..., Job]


@pytest.fixture
def house() -> Caller:
    """Somebody of the organisation."""
    return Caller.house("anna")


@pytest.fixture
def submit(house: Caller) -> Submit:
    """``submit("Count", STEPS="3")``: a job of the tests' own classes."""

    def submit_(name: str, *, caller: Caller = house, **params: str) -> Job:
        return services.submit(caller=caller, job_class=f"tests.{name}", params=list(params.items()))

    return submit_


@pytest.fixture
def trigger() -> Callable[..., Trigger]:
    """``trigger("Count", STEPS="3")``: a trigger named as its class."""

    def make(name: str, *, params: dict[str, str] | None = None, **fields: Any) -> Trigger:
        pairs = [[key, value] for key, value in (params or {}).items()]
        return Trigger.objects.create(**{"name": name, "job_class": f"tests.{name}", "params": pairs} | fields)

    return make


@pytest.fixture(autouse=True)
def fresh_runners() -> None:
    """A runner's pace is measured; each test begins with the first one."""
    runner._runners.clear()


def work(queue: str = "quick") -> None:
    """Run all that is due."""
    while runner.work(queue):
        continue


def story(job: Job) -> list[str]:
    """What happened to a job, in order."""
    return [event.name for event in job.events.order_by("id")]


def reread(job: Job) -> Job:
    """The job as the table has it now."""
    return Job.objects.get(pk=job.pk)
