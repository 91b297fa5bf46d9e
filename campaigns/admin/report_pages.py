"""What a campaign would come to, what became of it, and whom it left out."""

from datetime import timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from campaigns import estimating, exporting, reporting
from campaigns.admin import facts, pages, wording
from campaigns.admin.campaign_page import CampaignPage
from campaigns.models import Campaign, Recipient
from gateway.console import audit, labels
from jobs.admin import wording as job_wording
from sending.admin.bars import number

_SHOWN = 100


class ReportPages(CampaignPage):
    """Figures are for whoever sees campaigns; names of recipients for who may see those, and then only."""

    def report_urls(self) -> list[URLPattern]:
        """Below the campaign's own address."""
        view, name = self.admin_site.admin_view, "campaigns_campaign"
        return [
            path("<int:pk>/estimate/", view(self.estimate), name=f"{name}_estimate"),
            path("<int:pk>/report/", view(self.report), name=f"{name}_report"),
            path("<int:pk>/left-out/", view(self.left_out), name=f"{name}_left_out"),
            path("<int:pk>/left-out/download/", view(self.left_out_download), name=f"{name}_left_out_download"),
        ]

    def _seen(self, request: HttpRequest, pk: int) -> Campaign:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return self.campaign_for(pk)

    def estimate(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Each leg as it would be if it were sent now."""
        campaign = self._seen(request, pk)
        estimates = estimating.estimate(campaign)
        context = self._context(
            request,
            campaign,
            _("Estimate"),
            rows=[
                {
                    "leg": facts.leg_name(one.part),
                    "group": one.part.group.name,
                    "counts": [
                        number(one.recipients),
                        number(one.without_address),
                        number(one.suppressed),
                        number(one.letters),
                    ],
                    "time": _time(one.seconds),
                    "begins_at": labels.moment(one.part.send_at) if one.part.send_at else "",
                }
                for one in estimates
            ],
            total=number(sum(one.letters for one in estimates)),
            time=_time(estimating.total_seconds(estimates)),
        )
        return TemplateResponse(request, "console/campaign_estimate.html", context)

    def report(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """What became of each leg, as a file."""
        campaign = self._seen(request, pk)
        audit.record(request, [campaign], "export: report")
        heads = wording.heads(exporting.REPORT_HEADS)
        return pages.saved(exporting.report_lines(campaign, heads), f"campaign-{campaign.pk}.csv")

    def left_out(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The first of those left out, with reasons."""
        campaign = self._seen(request, pk)
        skipped = reporting.left_out(campaign)
        rows = list(skipped.select_related("run__part").order_by("-id")[:_SHOWN])
        may_see = request.user.has_perm("campaigns.view_recipient")
        people = Recipient.objects.in_bulk([row.recipient_id for row in rows]) if may_see else {}
        download = pages.address("campaign", "left_out_download", campaign.pk)
        context = self._context(
            request,
            campaign,
            _("Left out"),
            rows=[
                {
                    "skipped": row,
                    "person": people.get(row.recipient_id),
                    "leg": facts.leg_name(row.run.part),
                    "job": row.run.job_id,
                }
                for row in rows
            ],
            total=skipped.count(),
            may_see=may_see,
            offered=[
                pages.button(_("Campaign"), facts.place(campaign), "campaign"),
                *([pages.button(_("Download"), download, "download")] if may_see else []),
            ],
        )
        return TemplateResponse(request, "console/left_out.html", context)

    def left_out_download(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """All of those left out, as a file."""
        campaign = self._seen(request, pk)
        if not request.user.has_perm("campaigns.view_recipient"):
            raise PermissionDenied
        audit.record(request, [campaign], "export: left out")
        heads = wording.heads(exporting.LEFT_OUT_HEADS)
        return pages.saved(exporting.left_out_lines(campaign, heads), f"campaign-{campaign.pk}-left-out.csv")

    def _context(self, request: HttpRequest, campaign: Campaign, title: Any, **more: Any) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "object": campaign,
            "title": f"{campaign.title} · {title}",
            "offered": [pages.button(_("Campaign"), facts.place(campaign), "campaign")],
            **more,
        }


def _time(seconds: float | None) -> str:
    return gettext("not known") if seconds is None else job_wording.duration(timedelta(seconds=seconds))
