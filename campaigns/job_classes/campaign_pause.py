"""Holds or lets go the letters of a campaign that was paused or goes on."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from campaigns import holding
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from jobs import services as job_services
from jobs.context import Context
from jobs.params import JobParams
from jobs.registry import JobClass, JobFailed, Outcome


class CampaignPauseParams(JobParams):
    campaign: Annotated[UUID, Field(alias=holding.CAMPAIGN)]
    action: Annotated[Literal["PAUSE", "RESUME"], Field(alias=holding.ACTION)]


class CampaignPause(JobClass[CampaignPauseParams]):
    """Works in portions. A campaign that was paused or resumed anew since is left to the job of that."""

    name: ClassVar[str] = holding.HOLD_CLASS
    Params = CampaignPauseParams
    is_resumable = True
    time_limit = 1800.0

    def concurrency_key(self, params: CampaignPauseParams) -> str:
        return f"campaign {params.campaign}"

    def run(self, context: Context[CampaignPauseParams]) -> Outcome:
        params = context.params
        visible = Campaign.objects.visible_to(job_services.owner_of(context.job))
        campaign = visible.filter(uuid=params.campaign).first()
        if campaign is None:
            raise JobFailed(f"there is no campaign {params.campaign}")
        is_paused = campaign.status == CampaignStatus.PAUSED
        if params.action == holding.PAUSE and is_paused:
            count = holding.hold_all(context, campaign)
            context.log(f"{count} letters wait")
        elif params.action == holding.RESUME and not is_paused:
            count = holding.let_go_all(context, campaign)
            context.log(f"{count} letters go on")
        else:
            context.log(f"the campaign is {campaign.status} by now")
        return None
