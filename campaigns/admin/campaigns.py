"""Campaigns: made, watched while they are sent, paused, resumed, cancelled, and reported of."""

from typing import Any

from django.contrib import admin
from django.contrib import messages as notices
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.cache import add_never_cache_headers
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from campaigns import editing, services
from campaigns.admin import facts, pages, progress, wording
from campaigns.admin.forms import CampaignChangeForm, CampaignForm, owner
from campaigns.admin.leg_pages import LegPages
from campaigns.admin.operations import OPERATE, OPERATIONS
from campaigns.admin.report_pages import ReportPages
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from gateway.console import audit, labels
from gateway.console.confirming import Question, ask
from gateway.console.filters import ClientFilter, OlderFilter, WordFilter, number_in
from gateway.console.paging import CappedList


class StatusFilter(WordFilter):
    """By where they stand."""

    title = _("status")
    parameter_name = "status"
    words = wording.STATUSES


class CampaignList(CappedList):
    """A page of campaigns, with how far each is."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows: list[Any] = list(self.result_list)  # type: ignore[has-type]
        found = progress.of_campaigns([campaign.pk for campaign in rows])
        for campaign in rows:
            campaign.how_far = found.get(campaign.pk)
        self.result_list = rows


@admin.register(Campaign)
class CampaignAdmin(LegPages, ReportPages):
    """Each change goes through the services."""

    list_display = ("title", "state", "how_much", "client_name", "made", "started")
    list_filter = (StatusFilter, ClientFilter, OlderFilter)
    list_filter_submit = True
    list_per_page = 50
    list_fullwidth = True
    ordering = ("-id",)
    sortable_by = ()
    search_fields = ("title",)
    search_help_text = _("A part of the title")
    change_form_template = "console/campaign.html"
    # The page shows more than a form would; this keeps Django from building one of every column.
    fields = ("uuid",)

    class Media:
        js = ("console/live.js",)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CappedList]:
        return CampaignList

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.has_perm("campaigns.add_campaign"))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.has_perm("campaigns.delete_campaign"))

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Whether this person may start, pause, resume and cancel campaigns."""
        return self.has_view_permission(request) and request.user.has_perm(OPERATE)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Campaign]:
        rows: QuerySet[Campaign] = super().get_queryset(request)
        return rows.select_related("client")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Campaign], search_term: str
    ) -> tuple[QuerySet[Campaign], bool]:
        words = search_term.strip().replace("\x00", "")
        return queryset.filter(title__icontains=words) if words else queryset, False

    @admin.display(description=_("Status"))
    def state(self, campaign: Campaign) -> SafeString:
        return facts.state(campaign)

    @admin.display(description=_("Progress"))
    def how_much(self, campaign: Any) -> SafeString:
        return progress.shown(campaign.how_far, wording.STATUS_COLOURS[CampaignStatus(campaign.status)])

    @admin.display(description=_("Client"), empty_value="–")
    def client_name(self, campaign: Campaign) -> str | None:
        return campaign.client.name if campaign.client else None

    @admin.display(description=_("Created at"))
    def made(self, campaign: Campaign) -> str:
        return labels.moment(campaign.created_at)

    @admin.display(description=pgettext_lazy("a campaign", "Started at"), empty_value="–")
    def started(self, campaign: Campaign) -> str | None:
        return labels.moment(campaign.started_at) if campaign.started_at else None

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/live/", view(self.live), name="campaigns_campaign_live"),
            path("<int:pk>/rename/", view(self.rename), name="campaigns_campaign_rename"),
            path("<int:pk>/operate/<str:verb>/", view(self.operate), name="campaigns_campaign_operate"),
            *self.leg_urls(),
            *self.report_urls(),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One campaign: its legs with what became of them, its runs."""
        campaign = self.get_object(request, object_id)
        if campaign is not None and self.has_view_permission(request, campaign):
            extra_context = {
                **(extra_context or {}),
                "title": campaign.title,
                "subtitle": None,
                **self._shown(request, campaign),
            }
        return super().change_view(request, object_id, form_url, extra_context)

    def live(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What changes on its page while it is sent, as it is now."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = self._shown(request, self.campaign_for(pk))
        response = TemplateResponse(request, "console/campaign_live.html", context)
        add_never_cache_headers(response)
        return response

    def _shown(self, request: HttpRequest, campaign: Campaign) -> dict[str, Any]:
        shown = facts.page(campaign)
        return {
            **shown,
            "offered": self._offered(request, campaign, shown["is_on_its_way"]),
            # All legs are started above.
            "may_start_legs": self.has_operate_permission(request) and len(shown["legs"]) > 1,
            "may_edit": self.may_edit(request),
            "may_preview": self.may_preview(request),
            "may_see_jobs": request.user.has_perm("jobs.view_job"),
            "ways_on": self._ways_on(request, campaign),
            "left_out_url": pages.address("campaign", "left_out", campaign.pk),
        }

    def _offered(self, request: HttpRequest, campaign: Campaign, is_open: bool) -> list[dict[str, Any]]:
        links, pk = [], campaign.pk
        if self.has_operate_permission(request):
            links += [
                pages.button(
                    operation.title, pages.address("campaign", "operate", pk, operation.verb), operation.icon,
                    operation.variant,
                )
                for operation in OPERATIONS.values()
                if operation.fits(campaign, is_open)
            ]  # fmt: skip
        if self.may_edit(request):
            links.append(pages.button(_("Add a leg"), pages.address("campaign", "add_leg", pk), "add"))
        return links

    def _ways_on(self, request: HttpRequest, campaign: Campaign) -> list[dict[str, Any]]:
        """What else leads away from its page, beside its facts: the bar above has no room for it."""
        pk, links = campaign.pk, []
        links.append(pages.button(_("Estimate"), pages.address("campaign", "estimate", pk), "calculate"))
        links.append(pages.button(_("Report (CSV)"), pages.address("campaign", "report", pk), "download"))
        if request.user.has_perm("sending.view_message"):
            links.append(pages.button(_("Its messages"), facts.messages_of(campaign), "mail"))
        if self.may_edit(request):
            links.append(pages.button(_("Rename"), pages.address("campaign", "rename", pk), "edit"))
        if self.has_delete_permission(request) and campaign.status == CampaignStatus.DRAFT:
            title = pgettext_lazy("a campaign", "Delete")
            links.append(pages.button(title, pages.address("campaign", "delete", pk), "delete"))
        return links

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask for a title, and lead to the page where legs are added."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = CampaignForm(request.POST if request.method == "POST" else None)

        def act() -> Model:
            caller = owner(request, form.cleaned_data["client"])
            return services.create(caller=caller, title=form.cleaned_data["title"], legs=[])

        return pages.fill_in(
            self, request, form, act, verb="create", title=_("New campaign"),
            text=_("Its legs are added on its page: which template goes to which group, and how."),
            done=gettext("The campaign is there: add its legs."),
            back=pages.address("campaign", "changelist"), place=facts.place,
        )  # fmt: skip

    def rename(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for another title."""
        if not self.may_edit(request):
            raise PermissionDenied
        campaign = self.campaign_for(pk)
        form = CampaignChangeForm(request.POST if request.method == "POST" else None, initial={"title": campaign.title})

        def act() -> Model:
            return editing.update(caller=audit.caller(request), uuid=campaign.uuid, **form.cleaned_data)

        return pages.fill_in(
            self, request, form, act, verb="rename", title=_("Rename"), text=campaign.title, done=gettext("Saved."),
            back=facts.place(campaign), place=facts.place, of=campaign,
        )  # fmt: skip

    def operate(self, request: HttpRequest, pk: int, verb: str) -> HttpResponse:
        """Tell what it is about and ask for a reason (GET), and then do it (POST)."""
        operation = OPERATIONS.get(verb)
        if operation is None:
            raise Http404
        if not self.has_operate_permission(request):
            raise PermissionDenied
        campaign = self.campaign_for(pk)
        data = request.POST if request.method == "POST" else request.GET
        leg = number_in(data.get("leg"))
        legs = () if leg is None else (leg,)
        part = campaign.parts.filter(pk__in=legs).first()
        if legs and part is None:
            raise Http404
        about = gettext("Leg %(leg)s") % {"leg": facts.leg_name(part)} + ". " if part else ""
        if request.method != "POST" and not operation.fits(campaign, facts.is_on_its_way(campaign, legs)):
            notices.error(request, operation.unfit)
            return HttpResponseRedirect(facts.place(campaign))
        question = Question(
            verb=f"{verb} leg {leg}" if legs else verb,
            title=operation.title,
            text=f"{about}{operation.question} {operation.counted(campaign, legs)}",
            variant=operation.variant,
            subjects=list[Model]([campaign]),
            total=1,
            target=pages.address("campaign", "operate", pk, verb),
            back=facts.place(campaign),
            hidden=[("leg", leg) for leg in legs],
        )

        def act(reason: str) -> str:
            return operation.run(audit.caller(request), campaign, legs, reason)

        return ask(self, request, question, act if request.method == "POST" else None)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask for a reason, and forget a campaign that was never started, with its legs."""
        if not self.has_delete_permission(request):
            raise PermissionDenied
        campaign = self.campaign_for(object_id)
        question = Question(
            verb="delete",
            title=_("Delete the campaign"),
            text=_("The campaign and its legs are forgotten. This cannot be undone."),
            variant="danger",
            subjects=list[Model]([campaign]),
            total=1,
            target=pages.address("campaign", "delete", campaign.pk),
            back=pages.address("campaign", "changelist") if request.method == "POST" else facts.place(campaign),
        )

        def act(reason: str) -> str:
            editing.delete(caller=audit.caller(request), uuid=campaign.uuid)
            return gettext("The campaign is gone.")

        return ask(self, request, question, act if request.method == "POST" else None)
