"""The job that a letter runs as, when its sender asked for one."""

from typing import Annotated, ClassVar

from django.db import transaction
from django.utils import timezone
from pydantic import Field

from jobs import services as job_services
from jobs.context import Context
from jobs.params import JobParams, Moment
from jobs.registry import JobClass, JobFailed, Outcome, Waiting
from sending import queue, running_as_job, services
from sending.models import Message
from sending.states import Status


class SendRequestParams(JobParams):
    run_as_job: Annotated[bool, Field(alias=running_as_job.RUN_AS_JOB)] = False
    send_at: Moment | None = Field(None, alias="SEND_AT")
    expires_at: Moment | None = Field(None, alias="EXPIRES_AT")


class SendRequest(JobClass[SendRequestParams]):
    """Waits for its message, which a worker hands over like any other. Begun with the message itself, it is only run
    when somebody runs it again: then what FAILED is tried anew. What was withdrawn or is in doubt stays as it is."""

    name: ClassVar[str] = running_as_job.JOB_CLASS
    Params = SendRequestParams
    is_resumable = True

    def run(self, context: Context[SendRequestParams]) -> Outcome:
        mine = Message.objects.filter(job_id=context.job.pk)
        if not mine.exists():
            raise JobFailed("it has no message: only a letter that is sent makes such a job")
        if context.cursor is None:
            caller = job_services.owner_of(context.job)
            reason = f"its job {context.job.pk} runs again"
            with transaction.atomic():
                failed = mine.filter(status=Status.FAILED)
                queue.move(
                    failed, Status.ACCEPTED, reason=reason, actor=caller.actor, due_at=timezone.now(), attempts=0
                )
                services.wake_channels(mine)
                context.checkpoint(cursor="requeued")
        return Waiting(reason="its message is on its way")
