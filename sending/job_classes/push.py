"""The job that a push is (contract schedules_v4, ``POST /v4/push``)."""

from collections.abc import Sequence
from typing import ClassVar

from jobs.awaited import Tally
from jobs.context import Context
from jobs.models import Job
from jobs.params import NoParams
from jobs.registry import Again, JobClass, JobFailed, Outcome, Waiting
from sending import pushing
from sending.models import Push


class PushRequest(JobClass[NoParams]):
    """Makes a message for each browser that a push reaches, and waits for them. Run again it tells those that came
    since."""

    name: ClassVar[str] = pushing.JOB_CLASS
    is_resumable = True

    def verdict(self, job: Job, tallies: Sequence[Tally]) -> str:
        """Browsers go away all the time: only where not one was told has it failed."""
        return super().verdict(job, [tally for tally in tallies if tally.failed == tally.count])

    def run(self, context: Context[NoParams]) -> Outcome:
        push = Push.objects.filter(job_id=context.job.pk).first()
        if push is None:
            raise JobFailed("it has no push: only a push that is sent makes such a job")
        if not pushing.expand(context, push):
            return Again(seconds=0, reason="its audience is large")
        return Waiting(reason="its messages are on their way")
