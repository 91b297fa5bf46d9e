"""The legs of a campaign: added, changed, taken out."""

from django.contrib import messages as notices
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from campaigns import editing, services
from campaigns.admin import facts, pages
from campaigns.admin.forms import LegForm
from campaigns.admin.preview_pages import PreviewPages
from gateway.console import audit
from gateway.console.confirming import Question, ask


class LegPages(PreviewPages):
    """The pages below a leg's address."""

    def may_edit(self, request: HttpRequest) -> bool:
        """Whether this person may change campaigns and their legs."""
        return self.has_view_permission(request) and request.user.has_perm("campaigns.change_campaign")

    def leg_urls(self) -> list[URLPattern]:
        """Below the campaign's and the leg's own addresses."""
        view, name = self.admin_site.admin_view, "campaigns_campaign"
        return [
            path("<int:pk>/add-leg/", view(self.add_leg), name=f"{name}_add_leg"),
            path("legs/<int:pk>/", view(self.change_leg), name=f"{name}_leg"),
            path("legs/<int:pk>/remove/", view(self.remove_leg), name=f"{name}_leg_remove"),
            *self.preview_urls(),
        ]

    def add_leg(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for a leg, and put it to the campaign."""
        if not self.may_edit(request):
            raise PermissionDenied
        campaign = self.campaign_for(pk)
        data = request.POST if request.method == "POST" else None
        form = LegForm(data, caller=audit.caller(request), campaign=campaign)

        def act() -> Model:
            return services.add_legs(caller=audit.caller(request), uuid=campaign.uuid, legs=[form.leg()])

        return pages.fill_in(
            self, request, form, act, verb="add leg", title=_("Add a leg"), text=campaign.title,
            done=gettext("The leg is there."), back=facts.place(campaign), place=facts.place, of=campaign,
        )  # fmt: skip

    def change_leg(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask what it is to be."""
        if not self.may_edit(request):
            raise PermissionDenied
        part = self.part_for(pk)
        if request.method != "POST" and facts.is_on_its_way(part.campaign, [pk]):
            notices.error(request, gettext("The leg is being sent: it can be changed when that is over."))
            return HttpResponseRedirect(facts.place(part.campaign))
        title = gettext("Leg %(leg)s") % {"leg": facts.leg_name(part)}
        data = request.POST if request.method == "POST" else None
        form = LegForm(data, caller=audit.caller(request), campaign=part.campaign, part=part)

        def act() -> Model:
            return editing.change_leg(caller=audit.caller(request), part_id=pk, leg=form.leg()).campaign

        return pages.fill_in(
            self, request, form, act, verb=f"change leg {pk}", title=title, text=part.campaign.title,
            done=gettext("Saved."), back=facts.place(part.campaign), place=facts.place, of=part.campaign,
            submit=_("Save the leg"),
        )  # fmt: skip

    def remove_leg(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for a reason, and take it out."""
        if not self.may_edit(request):
            raise PermissionDenied
        part = self.part_for(pk)
        question = Question(
            verb=f"remove leg {pk}",
            title=pgettext_lazy("a leg", "Remove"),
            text=gettext("The leg %(leg)s is taken out of its campaign.") % {"leg": facts.leg_name(part)},
            variant="danger",
            subjects=list[Model]([part.campaign]),
            total=1,
            target=pages.address("campaign", "leg_remove", pk),
            back=facts.place(part.campaign),
        )

        def act(reason: str) -> str:
            editing.remove_leg(caller=audit.caller(request), part_id=pk)
            return gettext("The leg is gone.")

        return ask(self, request, question, act if request.method == "POST" else None)
