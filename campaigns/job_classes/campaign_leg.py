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
    """Makes a letter for each recipient and waits for them. It has done what it can when none is open any more; only
    where not one went out has it failed: the report says what became of each."""

    name: ClassVar[str] = running.LEG_CLASS
    Params = CampaignLegParams
    is_resumable = True

    def verdict(self, tallies: Sequence[Tally]) -> str:
        is_all_lost = any(tally.count and tally.failed == tally.count for tally in tallies)
        return super().verdict(tallies) if is_all_lost else ""

    def run(self, context: Context[CampaignLegParams]) -> Outcome:
        run = LegRun.objects.filter(job_id=context.job.pk).select_related("part__campaign__client").first()
        if run is None:
            raise JobFailed("it has no leg to send: only a campaign that is sent makes such a job")
        if not running.make_letters(context, run):
            return Again(seconds=0, reason="its group is large")
        run.refresh_from_db(fields=["skipped"])
        if run.skipped and run.skipped >= run.recipients:
            first = run.skipped_recipients.order_by("recipient_id").first()
            raise JobFailed(
                f"none of {run.recipients} recipients can be written to; the first: {first and first.reason}"
            )
        return Waiting(reason="its letters are on their way")
