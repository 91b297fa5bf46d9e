"""Puts the items of an error queue back to work."""

from typing import Annotated, ClassVar

from django.db import transaction
from pydantic import AfterValidator, Field

from jobs import services as job_services
from jobs.context import Context
from jobs.params import JobParams, Moment
from jobs.registry import JobClass, Outcome
from jobs.states import Queue
from sending.error_queues import ERROR_QUEUES

_PORTION = 500


def _known(name: str) -> str:
    if name not in ERROR_QUEUES:
        raise ValueError(f"must be one of {', '.join(ERROR_QUEUES)}")
    return name


class SynchronizerParams(JobParams):
    queue_name: Annotated[str, AfterValidator(_known), Field(alias="QUEUE_NAME")]
    limit_date: Annotated[Moment, Field(alias="LIMIT_DATE")]


class QueueItemSynchronizer(JobClass[SynchronizerParams]):
    """The items that failed before LIMIT_DATE, each at most once, however often the run is interrupted.

    What fails after the job was asked for is another job's: it may well be what this one put back.
    """

    name: ClassVar[str] = "hu.dbx.chaingun.processor.queue.QueueItemSynchronizerJobRunner"
    Params = SynchronizerParams
    queue = Queue.LONG
    is_resumable = True
    time_limit = 4 * 3600.0

    def run(self, context: Context[SynchronizerParams]) -> Outcome:
        items = ERROR_QUEUES[context.params.queue_name]
        before = min(context.params.limit_date, context.job.created_at)
        caller = job_services.owner_of(context.job)
        reason = f"job {context.job.pk}: {context.params.queue_name}"
        after, done = context.cursor or (0, 0)
        if context.cursor is None:
            context.progress(0, items.count(caller=caller, before=before))
        while True:
            with transaction.atomic():
                last, count = items.put_back(caller=caller, before=before, after=after, size=_PORTION, reason=reason)
                context.checkpoint(cursor=[last, done + count])
            done += count
            context.progress(done)
            if last == after:
                context.log(f"put back: {done}")
                return None
            after = last
