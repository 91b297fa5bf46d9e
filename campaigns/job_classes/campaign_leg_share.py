"""Makes the letters for some of a leg's recipients."""

from typing import Annotated, ClassVar

from pydantic import Field

from campaigns import making, running
from campaigns.models import LegRun
from campaigns.running import Share
from jobs.context import Context
from jobs.params import JobParams
from jobs.registry import Again, JobClass, JobFailed, Outcome


class CampaignLegShareParams(JobParams):
    run_id: Annotated[int, Field(alias=running.RUN_ID)]
    after: Annotated[int, Field(alias=running.AFTER, ge=0)]
    upto: Annotated[int, Field(alias=running.UPTO, ge=0)]
    before: Annotated[int, Field(alias=running.BEFORE, ge=0)]


class CampaignLegShare(JobClass[CampaignLegShareParams]):
    """Its letters are the leg's: it is done when they are made."""

    name: ClassVar[str] = running.SHARE_CLASS
    Params = CampaignLegShareParams
    is_resumable = True

    def concurrency_key(self, params: CampaignLegShareParams) -> str:
        # Claimed alone: one that waits behind another would be counted as dead with each worker that dies of that.
        return f"share {params.run_id} {params.after}"

    def run(self, context: Context[CampaignLegShareParams]) -> Outcome:
        params = context.params
        run = LegRun.objects.filter(pk=params.run_id).select_related("part__campaign").first()
        if run is None or run.job_id != context.job.parent_id:
            raise JobFailed("it has no share: only a leg that is sent makes such a job")
        share = Share(after=params.after, upto=params.upto, before=params.before)
        if not making.make_letters(context, run, share):
            return Again(seconds=0, reason="its share is large")
        return None
