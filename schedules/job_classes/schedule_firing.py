"""The job that one firing of a schedule is."""

from typing import Annotated, ClassVar

from pydantic import Field

from jobs import services
from jobs.context import Context
from jobs.params import JobParams, Moment
from jobs.registry import JobClass, JobFailed, Outcome
from schedules import orders
from schedules.firing import DUE_AT, JOB_CLASS, SCHEDULE_ID
from schedules.models import Firing


class ScheduleFiringParams(JobParams):
    schedule_id: Annotated[str, Field(alias=SCHEDULE_ID)]
    due_at: Annotated[Moment, Field(alias=DUE_AT)]


class ScheduleFiring(JobClass[ScheduleFiringParams]):
    """Makes what its firing orders, and waits for it. Run again it makes what could not be made; a letter that failed
    is tried anew."""

    name: ClassVar[str] = JOB_CLASS
    Params = ScheduleFiringParams
    is_resumable = True

    def run(self, context: Context[ScheduleFiringParams]) -> Outcome:
        firing = Firing.objects.filter(job_id=context.job.pk).first()
        if firing is None:
            raise JobFailed("it fires nothing: only a schedule's time makes such a job")
        return orders.order_of(firing.order).begin(context, firing, services.owner_of(context.job))
