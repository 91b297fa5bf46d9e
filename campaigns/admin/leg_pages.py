"""The legs of a campaign: added, changed, taken out; each looked at as one recipient would get it, and tried."""

from typing import Any

from django.contrib import messages as notices
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from campaigns import editing, previewing, services
from campaigns.admin import facts, finding, pages
from campaigns.admin.campaign_page import CampaignPage
from campaigns.admin.forms import LegForm
from campaigns.admin.operations import OPERATE
from campaigns.models import CampaignPart, Recipient
from campaigns.previewing import Preview
from gateway.console import audit
from gateway.console.confirming import Question, ask
from gateway.console.filters import number_in
from sending.admin.frames import framed, with_frame

_FOUND = 10


class LegPages(CampaignPage):
    """The pages below a leg's address. Looking at a letter shows a recipient's data, and leaves an entry in the audit
    trail."""

    def may_edit(self, request: HttpRequest) -> bool:
        """Whether this person may change campaigns and their legs."""
        return self.has_view_permission(request) and request.user.has_perm("campaigns.change_campaign")

    def may_preview(self, request: HttpRequest) -> bool:
        """Whether this person may see what a recipient would get."""
        return self.has_view_permission(request) and request.user.has_perm("campaigns.view_recipient")

    def may_try(self, request: HttpRequest) -> bool:
        """Whether this person may have such a letter sent to himself."""
        is_trusted = request.user.has_perm(OPERATE) or request.user.has_perm("campaigns.change_campaign")
        return self.may_preview(request) and is_trusted

    def leg_urls(self) -> list[URLPattern]:
        """Below the campaign's and the leg's own addresses."""
        view, name = self.admin_site.admin_view, "campaigns_campaign"
        return [
            path("<int:pk>/add-leg/", view(self.add_leg), name=f"{name}_add_leg"),
            path("legs/<int:pk>/", view(self.change_leg), name=f"{name}_leg"),
            path("legs/<int:pk>/remove/", view(self.remove_leg), name=f"{name}_leg_remove"),
            path("legs/<int:pk>/preview/", view(self.preview), name=f"{name}_leg_preview"),
            path("legs/<int:pk>/preview/<int:recipient>/html/", view(self.preview_html), name=f"{name}_leg_html"),
            path("legs/<int:pk>/preview/<int:recipient>/try/", view(self.try_letter), name=f"{name}_leg_try"),
        ]

    def _part_for(self, pk: int) -> CampaignPart:
        part = CampaignPart.objects.select_related("campaign__client", "group").filter(pk=pk).first()
        if part is None:
            raise Http404
        return part

    def add_leg(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for a leg, and put it to the campaign."""
        if not self.may_edit(request):
            raise PermissionDenied
        campaign = self.campaign_for(pk)
        form = LegForm(request.POST if request.method == "POST" else None)

        def act() -> Model:
            return services.add_legs(caller=audit.caller(request), uuid=campaign.uuid, legs=[form.leg()])

        return pages.fill_in(
            self, request, form, act, verb="add leg", title=_("Add a leg"), text=campaign.title,
            done=gettext("The leg is there."), back=facts.place(campaign), place=facts.place,
        )  # fmt: skip

    def change_leg(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask what it is to be."""
        if not self.may_edit(request):
            raise PermissionDenied
        part = self._part_for(pk)
        form = LegForm(request.POST if request.method == "POST" else None, part=part)

        def act() -> Model:
            return editing.change_leg(caller=audit.caller(request), part_id=pk, leg=form.leg()).campaign

        return pages.fill_in(
            self, request, form, act, verb=f"change leg {pk}", title=_("Save the leg"), text=part.campaign.title,
            done=gettext("Saved."), back=facts.place(part.campaign), place=facts.place,
        )  # fmt: skip

    def remove_leg(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for a reason, and take it out."""
        if not self.may_edit(request):
            raise PermissionDenied
        part = self._part_for(pk)
        question = Question(
            verb=f"remove leg {pk}",
            title=pgettext_lazy("a leg", "Remove"),
            text=_("The leg is taken out of its campaign."),
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

    def preview(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The letter that one recipient would get: the one asked for, else the group's first."""
        if not self.may_preview(request):
            raise PermissionDenied
        part = self._part_for(pk)
        people = Recipient.objects.filter(group_id=part.group_id)
        wanted = number_in(request.GET.get("recipient"))
        words = request.GET.get("q", "").strip()
        found = list(finding.find(people, words).order_by("id")[:_FOUND]) if words else []
        chosen = people.filter(pk=wanted).first() if wanted is not None else None
        chosen = chosen or (found[0] if found else people.order_by("id").first())
        shown = self._looked_at(request, part, chosen.pk) if chosen is not None else None
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"{part.campaign.title} · {_('Preview')}",
            "part": part,
            "facts": facts.leg_facts(part),
            "shown": shown,
            "words": shown.words if shown else None,
            "query": words,
            "found": found,
            "before": people.filter(pk__lt=chosen.pk).order_by("-id").first() if chosen else None,
            "after": people.filter(pk__gt=chosen.pk).order_by("id").first() if chosen else None,
            "frame": pages.address("campaign", "leg_html", pk, chosen.pk) if chosen else "",
            "offered": self._beside_a_preview(request, part, chosen),
        }
        return with_frame(TemplateResponse(request, "console/leg_preview.html", context))

    def _beside_a_preview(
        self, request: HttpRequest, part: CampaignPart, chosen: Recipient | None
    ) -> list[dict[str, Any]]:
        links = [pages.button(_("Campaign"), facts.place(part.campaign), "campaign")]
        if chosen is not None and self.may_try(request):
            where = pages.address("campaign", "leg_try", part.pk, chosen.pk)
            links.append(pages.button(_("Send it to me"), where, "forward_to_inbox", "primary"))
        return links

    def _looked_at(self, request: HttpRequest, part: CampaignPart, recipient_id: int) -> Preview:
        audit.record(request, [part.campaign], f"read: leg {part.pk} for recipient {recipient_id}")
        return previewing.preview(caller=audit.caller(request), part_id=part.pk, recipient_id=recipient_id)

    def preview_html(self, request: HttpRequest, pk: int, recipient: int) -> HttpResponse:
        """The HTML body alone, for the frame."""
        if not self.may_preview(request):
            raise PermissionDenied
        part = self._part_for(pk)
        if not Recipient.objects.filter(pk=recipient, group_id=part.group_id).exists():
            raise Http404
        words = self._looked_at(request, part, recipient).words
        return framed(words.html if words else "")

    def try_letter(self, request: HttpRequest, pk: int, recipient: int) -> HttpResponse:
        """Ask for a reason, and send the letter that a recipient would get to who is logged in."""
        if not self.may_try(request):
            raise PermissionDenied
        part = self._part_for(pk)
        back = f"{pages.address('campaign', 'leg_preview', pk)}?recipient={recipient}"
        to = getattr(request.user, "email", "")
        if not to:
            notices.error(request, gettext("Your user has no e-mail address to send it to."))
            return HttpResponseRedirect(back)
        question = Question(
            verb=f"try leg {pk} with recipient {recipient}",
            title=_("Send it to me"),
            text=gettext("The letter with this recipient's data goes to %(address)s, and to nobody else.")
            % {"address": to},
            subjects=list[Model]([part.campaign]),
            total=1,
            target=pages.address("campaign", "leg_try", pk, recipient),
            back=back,
        )

        def act(reason: str) -> str:
            caller = audit.caller(request)
            made = services.send_test(caller=caller, part_id=pk, recipient_id=recipient, to=to)
            return gettext("Message %(message)d is on its way to %(address)s.") % {
                "message": made.message_id,
                "address": to,
            }

        return ask(self, request, question, act if request.method == "POST" else None)
