"""Sends one leg of a campaign."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from campaigns import running
from campaigns.models import LegRun
from jobs.awaited import Tally
from jobs.context import Context
from jobs.params import JobParams
from jobs.registry import Again, JobClass, JobFailed, Outcome, Waiting


class CampaignLegParams(JobParams):
    leg_id: Annotated[int, Field(alias=running.LEG_ID)]


class CampaignLeg(JobClass[CampaignLegParams]):
    """Makes a letter for each recipient, or has jobs below it that do, and waits for the letters. It has done what it
    can when none is open any more; only where not one went out has it failed: the report says what became of each."""

    name: ClassVar[str] = running.LEG_CLASS
    Params = CampaignLegParams
    is_resumable = True
    counts_jobs = False

    def verdict(self, tallies: Sequence[Tally]) -> str:
        lost = [tally for tally in tallies if tally.failed and (tally.are_jobs or tally.failed == tally.count)]
        return super().verdict(lost)

    def run(self, context: Context[CampaignLegParams]) -> Outcome:
        run = LegRun.objects.filter(job_id=context.job.pk).select_related("part__campaign__client").first()
        if run is None:
            raise JobFailed("it has no leg to send: only a campaign that is sent makes such a job")
        context.progress(0, run.recipients)
        if running.is_large(run):
            if context.cursor is None:
                running.begin_shares(context, run)
            return Waiting(reason="its letters are being made")
        if not running.make_letters(context, run, running.whole(run)):
            return Again(seconds=0, reason="its group is large")
        if run.recipients and run.skipped_recipients.count() >= run.recipients:
            reason = run.skipped_recipients.order_by("recipient_id").values_list("reason", flat=True).first()
            raise JobFailed(f"none of {run.recipients} recipients can be written to; the first: {reason}")
        return Waiting(reason="its letters are on their way")
