"""Mails the statistics of messages."""

from typing import ClassVar

from django.conf import settings
from django.db import transaction

from gateway.caller import Caller
from gateway.errors import Refusal
from jobs.context import Context
from jobs.params import NoParams
from jobs.registry import JobClass, JobFailed, Outcome
from sending import services, statistics


class StatisticsSendingHandler(JobClass[NoParams]):
    """Gathers message statistics per day, type and status, and mails them to HAMMY_REPORT_RECIPIENTS, once.

    The letters and the cursor that says they are there are stored together: a run that is gone on with sends nothing.
    """

    name: ClassVar[str] = "hu.dbx.hammy.processor.statistics.StatisticsSendingHandlerJobRunner"
    is_resumable = True
    time_limit = 600.0

    def run(self, context: Context[NoParams]) -> Outcome:
        if context.cursor:
            return None
        if not settings.HAMMY_REPORT_RECIPIENTS:
            raise JobFailed("HAMMY_REPORT_RECIPIENTS is not set: nobody is there to get the statistics")
        report = statistics.gather()
        context.checkpoint()
        letters = statistics.letters(report, request_id=f"statistics-{context.job.uuid}")
        with transaction.atomic():
            results = services.submit_many(caller=Caller.house(), letters=letters, job_id=context.job.pk)
            for refusal in results:
                if isinstance(refusal, Refusal):
                    raise refusal
            context.sending()
            context.checkpoint(cursor=len(letters))
        context.progress(len(letters), len(letters))
        return None
