"""The job that a push is (contract schedules_v4, ``POST /v4/push``)."""

from typing import ClassVar

from jobs.context import Context
from jobs.params import NoParams
from jobs.registry import Again, JobClass, JobFailed, Outcome, Waiting
from sending import pushing
from sending.models import Push


class PushRequest(JobClass[NoParams]):
    """Makes a message for each browser that a push reaches, and waits for them. Run again it tells those that came
    since."""

    name: ClassVar[str] = pushing.JOB_CLASS
    is_resumable = True

    def run(self, context: Context[NoParams]) -> Outcome:
        push = Push.objects.filter(job_id=context.job.pk).first()
        if push is None:
            raise JobFailed("it has no push: only a push that is sent makes such a job")
        if not pushing.expand(context, push):
            return Again(seconds=0, reason="its audience is large")
        return Waiting(reason="its messages are on their way")
