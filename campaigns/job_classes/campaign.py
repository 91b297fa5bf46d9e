"""Sends legs of campaigns (contract job_v1, "Job classes": campaignJob)."""

from typing import Annotated, ClassVar

from django.db import transaction
from pydantic import BeforeValidator, Field

from campaigns import running
from gateway.caller import Caller
from jobs import services as job_services
from jobs.context import Context
from jobs.params import LEGS, JobParams
from jobs.registry import JobClass, Outcome, Waiting


def _leg_ids(text: object) -> object:
    return [part.strip() for part in text.split(",") if part.strip()] if isinstance(text, str) else text


class CampaignParams(JobParams):
    leg_ids: Annotated[list[str], BeforeValidator(_leg_ids), Field(alias=LEGS, max_length=1000)] = []


class CampaignJob(JobClass[CampaignParams]):
    """Has a job of its own for each leg, all or none, and waits for them."""

    name: ClassVar[str] = running.JOB_CLASS
    Params = CampaignParams
    is_resumable = True
    has_open_legs = True

    def check(self, caller: Caller, params: CampaignParams) -> None:
        running.parts_of(caller, params.leg_ids)

    def run(self, context: Context[CampaignParams]) -> Outcome:
        if context.cursor is None:
            parts = running.parts_of(job_services.owner_of(context.job), context.params.leg_ids)
            with transaction.atomic():
                runs = running.begin_legs(context, [part.pk for part in parts])
                context.progress(0, len(runs))
                context.checkpoint(cursor=[run.pk for run in runs])
        return Waiting(reason="its legs are being sent")
