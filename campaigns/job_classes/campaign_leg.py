"""Sends one leg of a campaign."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from campaigns import running
from campaigns.models import LegRun
from jobs.awaited import Tally
from jobs.context import Context
from jobs.models import Job
from jobs.params import JobParams
from jobs.registry import JobClass, JobFailed, Outcome, Waiting


class CampaignLegParams(JobParams):
    leg_id: Annotated[int, Field(alias=running.LEG_ID)]


class CampaignLeg(JobClass[CampaignLegParams]):
    """Has jobs below it that make a letter for each recipient, and waits for the letters. It has done what it can when
    none is open any more; only where not one went out, or nobody could be written to, has it failed: the
    report says what became of each."""

    name: ClassVar[str] = running.LEG_CLASS
    Params = CampaignLegParams
    is_resumable = True
    counts_jobs = False

    def verdict(self, job: Job, tallies: Sequence[Tally]) -> str:
        lost = [tally for tally in tallies if tally.failed and (tally.are_jobs or tally.failed == tally.count)]
        has_letters = any(not tally.are_jobs for tally in tallies)
        return super().verdict(job, lost) or ("" if has_letters else running.nobody_written_to(job.pk))

    def run(self, context: Context[CampaignLegParams]) -> Outcome:
        run = LegRun.objects.filter(job_id=context.job.pk).select_related("part__campaign__client").first()
        if run is None:
            raise JobFailed("it has no leg to send: only a campaign that is sent makes such a job")
        context.progress(0, run.recipients)
        if context.cursor is None:
            running.begin_shares(context, run)
        return Waiting(reason="its letters are on their way")
