"""Campaigns over REST: decode, call, encode."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from campaigns import editing, estimating, previewing, reporting, services
from campaigns.campaign_v1 import answer, request, schema
from campaigns.doors import CampaignsView
from campaigns.reading import outward, uuid_of
from gateway.declared import read
from jobs.job_v1 import answer as job_answer
from jobs.models import Job
from sending.send_v2 import answer as send_answer


class CampaignListView(CampaignsView):
    """The caller's campaigns, the newest first; makes one."""

    @schema.operation("listCampaigns", "List campaigns", schema.CAMPAIGNS, parameters=schema.LIST_PARAMETERS)
    def get(self, http_request: Request) -> HttpResponse:
        asked = request.read_find(http_request.query_params)
        found = services.campaigns(caller=self.caller)
        if asked.title:
            found = found.filter(title__icontains=asked.title)
        if asked.statuses:
            found = found.filter(status__in=asked.statuses)
        page = asked.page
        rows = found.prefetch_related("parts__group").order_by(*page.order_by)
        return self.answer(answer.campaigns(rows[page.offset : page.offset + page.limit], found.count()))

    @schema.operation("createCampaign", "Make a campaign", schema.CAMPAIGN, request=schema.NEW_CAMPAIGN)
    def post(self, http_request: Request) -> HttpResponse:
        asked = request.read_new(self.given(http_request))
        with outward(request.NAMES):
            made = services.create(caller=self.caller, title=asked.title, legs=[leg.leg for leg in asked.legs])
        return self.answer(answer.campaign(made))


class CampaignView(CampaignsView):
    """One campaign with its legs."""

    @schema.operation("readCampaign", "Read a campaign", schema.CAMPAIGN)
    def get(self, http_request: Request, campaign_id: str) -> HttpResponse:
        return self.answer(answer.campaign(services.find(caller=self.caller, uuid=_uuid(campaign_id))))

    @schema.operation("changeCampaign", "Change a campaign", schema.CAMPAIGN, request=schema.CHANGED_CAMPAIGN)
    def patch(self, http_request: Request, campaign_id: str) -> HttpResponse:
        uuid = _uuid(campaign_id)
        asked = request.read_changed(self.given(http_request))
        with outward(request.NAMES):
            changed = editing.update(caller=self.caller, uuid=uuid, title=asked.wanted_title, legs=asked.wanted_legs)
        return self.answer(answer.campaign(changed))

    @schema.operation("deleteCampaign", "Delete a campaign that was never started", schema.DONE)
    def delete(self, http_request: Request, campaign_id: str) -> HttpResponse:
        editing.delete(caller=self.caller, uuid=_uuid(campaign_id))
        return self.answer(answer.done())


class StartView(CampaignsView):
    """Sends a campaign, or some of its legs."""

    @schema.operation("startCampaign", "Send a campaign", schema.JOB, request=schema.START)
    def post(self, http_request: Request, campaign_id: str) -> HttpResponse:
        uuid = _uuid(campaign_id)
        asked = read(request.Start, self.given(http_request, lists=frozenset({request.LEG_IDS})))
        with outward(request.NAMES):
            job = services.start(caller=self.caller, uuid=uuid, leg_ids=asked.leg_ids)
        return self.answer(_started(job))


class PauseView(CampaignsView):
    """Lets nothing more of a campaign go out."""

    @schema.operation("pauseCampaign", "Pause a campaign", schema.JOB, request=None)
    def post(self, http_request: Request, campaign_id: str) -> HttpResponse:
        read(request.Nothing, self.given(http_request))
        return self.answer(_started(services.pause(caller=self.caller, uuid=_uuid(campaign_id))))


class ResumeView(CampaignsView):
    """Lets a paused campaign go on."""

    @schema.operation("resumeCampaign", "Let a paused campaign go on", schema.JOB, request=None)
    def post(self, http_request: Request, campaign_id: str) -> HttpResponse:
        read(request.Nothing, self.given(http_request))
        return self.answer(_started(services.resume(caller=self.caller, uuid=_uuid(campaign_id))))


class CancelView(CampaignsView):
    """Ends what is being sent of a campaign, and says what was out."""

    @schema.operation("cancelCampaign", "Cancel a campaign", schema.REPORT, request=schema.CANCEL)
    def post(self, http_request: Request, campaign_id: str) -> HttpResponse:
        uuid = _uuid(campaign_id)
        asked = read(request.Cancel, self.given(http_request))
        reports = services.cancel(caller=self.caller, uuid=uuid, reason=asked.reason)
        return self.answer(answer.report(services.find(caller=self.caller, uuid=uuid), reports))


class ReportView(CampaignsView):
    """What became of a campaign's letters."""

    @schema.operation("readCampaignReport", "Read a campaign's report", schema.REPORT)
    def get(self, http_request: Request, campaign_id: str) -> HttpResponse:
        found = services.find(caller=self.caller, uuid=_uuid(campaign_id))
        return self.answer(answer.report(found, reporting.reports(found)))


class EstimateView(CampaignsView):
    """How much a campaign is to send, and how long that takes."""

    @schema.operation(
        "estimateCampaign", "Estimate a campaign", schema.ESTIMATE, parameters=schema.ESTIMATE_PARAMETERS
    )  # fmt: skip
    def get(self, http_request: Request, campaign_id: str) -> HttpResponse:
        uuid = _uuid(campaign_id)
        leg_ids = request.read_leg_ids(http_request.query_params)
        with outward(request.NAMES, in_query=True):
            found = estimating.estimates(caller=self.caller, uuid=uuid, leg_ids=leg_ids)
        return self.answer(answer.estimate(uuid, found))


class PreviewView(CampaignsView):
    """What one recipient would get."""

    @schema.operation(
        "previewCampaign", "Look at one recipient's letter", schema.PREVIEW, parameters=schema.PREVIEW_PARAMETERS
    )  # fmt: skip
    def get(self, http_request: Request, campaign_id: str) -> HttpResponse:
        uuid = _uuid(campaign_id)
        leg_id, recipient_id = request.read_preview(http_request.query_params)
        found = previewing.preview(caller=self.caller, campaign=uuid, part_id=leg_id, recipient_id=recipient_id)
        return self.answer(answer.preview(found))


class TestView(CampaignsView):
    """Sends one recipient's letter to somebody who looks at it."""

    @schema.operation("testCampaign", "Send a letter to oneself", schema.SENT, request=schema.TEST)
    def post(self, http_request: Request, campaign_id: str) -> HttpResponse:
        uuid = _uuid(campaign_id)
        asked = read(request.Test, self.given(http_request))
        with outward(request.TEST_NAMES):
            accepted = services.send_test(
                caller=self.caller, campaign=uuid, part_id=asked.leg_id, recipient_id=asked.recipient_id, to=asked.to
            )
        return self.answer(send_answer.accepted_json_api(accepted.message_id, has_total=False))


def _uuid(text: str) -> UUID:
    return uuid_of(text, "campaign")


def _started(job: Job) -> dict[str, Any]:
    return job_answer.done(job_answer.triggered(job))
