"""What the tests of the jobs' pages share."""

from typing import Any

from django.test import Client

from gateway.caller import Caller
from jobs import services
from jobs.models import Job, Trigger

JOBS = "/admin/jobs/job/"
TRIGGERS = "/admin/jobs/trigger/"
FIRINGS = "/admin/jobs/triggerfiring/"
CLERK = Caller.house("clerk")


def submitted(job_class: str = "tests.Nothing", *, caller: Caller = CLERK, **options: Any) -> Job:
    """A job that waits."""
    return services.submit(caller=caller, job_class=job_class, **options)


def make_trigger(name: str = "nightly", **columns: Any) -> Trigger:
    """A trigger of a class that takes nothing."""
    return Trigger.objects.create(**({"name": name, "job_class": "tests.Nothing"} | columns))


def operate(client: Client, verb: str, *jobs: Job, reason: str = "because", back: str = "") -> Any:
    """The confirmed operation on these jobs."""
    return client.post(f"{JOBS}operate/{verb}/", {"ids": [job.pk for job in jobs], "reason": reason, "back": back})


def ids(response: Any) -> list[int]:
    """The rows of a list, in its order."""
    return [row.pk for row in response.context["cl"].result_list]
