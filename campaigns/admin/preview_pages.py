"""A leg's letter as one recipient would get it: looked at, and tried on oneself."""

from datetime import timedelta
from typing import Any

from django.contrib import messages as notices
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from campaigns import making, previewing, services
from campaigns.admin import facts, finding, pages
from campaigns.admin.campaign_page import CampaignPage
from campaigns.admin.operations import OPERATE
from campaigns.models import CampaignPart, Recipient
from campaigns.previewing import Preview
from gateway.console import audit
from gateway.console.confirming import Question, ask
from gateway.console.filters import number_in
from sending.admin.frames import download, framed, picture, with_frame
from sending.letters import page_count, page_image

_FOUND = 10
_PAGES_SHOWN = 20
# A page's pictures are fetched as they come into sight.
_OF_ONE_LOOK = timedelta(hours=1)


class PreviewPages(CampaignPage):
    """Looking at a letter shows a recipient's data, and leaves an entry in the audit trail."""

    def may_preview(self, request: HttpRequest) -> bool:
        """Whether this person may see what a recipient would get."""
        return self.has_view_permission(request) and request.user.has_perm("campaigns.view_recipient")

    def may_try(self, request: HttpRequest) -> bool:
        """Whether this person may have such a letter sent to himself."""
        is_trusted = request.user.has_perm(OPERATE) or request.user.has_perm("campaigns.change_campaign")
        return self.may_preview(request) and is_trusted

    def preview_urls(self) -> list[URLPattern]:
        """Below the leg's own address."""
        view, name = self.admin_site.admin_view, "campaigns_campaign_leg"
        one = "legs/<int:pk>/preview/<int:recipient>/"
        return [
            path("legs/<int:pk>/preview/", view(self.preview), name=f"{name}_preview"),
            path(f"{one}html/", view(self.preview_html), name=f"{name}_html"),
            path(f"{one}pages/<int:page>/", view(self.preview_page), name=f"{name}_page"),
            path(f"{one}download/", view(self.preview_download), name=f"{name}_download"),
            path(f"{one}try/", view(self.try_letter), name=f"{name}_try"),
        ]

    def part_for(self, pk: int) -> CampaignPart:
        """The leg of an address."""
        part = CampaignPart.objects.select_related("campaign__client", "group").filter(pk=pk).first()
        if part is None:
            raise Http404
        return part

    def preview(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The letter that one recipient would get: the one asked for, else the group's first."""
        if not self.may_preview(request):
            raise PermissionDenied
        part = self.part_for(pk)
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
            "object": part.campaign,
            "title": f"{part.campaign.title} · {facts.leg_name(part)} · {_('Preview')}",
            "part": part,
            "facts": facts.leg_facts(part),
            "shown": shown,
            "words": shown.words if shown else None,
            "problems": making.in_words(shown.problems) if shown else [],
            "query": words,
            "found": found,
            "before": people.filter(pk__lt=chosen.pk).order_by("-id").first() if chosen else None,
            "after": people.filter(pk__gt=chosen.pk).order_by("id").first() if chosen else None,
            "frame": pages.address("campaign", "leg_html", pk, chosen.pk) if chosen else "",
            "printed": _sheets(shown) if shown else None,
            "offered": self._beside_a_preview(request, part, chosen),
        }
        return with_frame(TemplateResponse(request, "console/leg_preview.html", context))

    def _beside_a_preview(
        self, request: HttpRequest, part: CampaignPart, chosen: Recipient | None
    ) -> list[dict[str, Any]]:
        links = [pages.button(_("Campaign"), facts.place(part.campaign), "campaign")]
        if chosen is not None and self.may_try(request) and services.can_be_tried(part):
            where = pages.address("campaign", "leg_try", part.pk, chosen.pk)
            links.append(pages.button(_("Send it to me"), where, "forward_to_inbox", "primary"))
        return links

    def _looked_at(
        self, request: HttpRequest, part: CampaignPart, recipient_id: int, *, is_of_page: bool = False
    ) -> Preview:
        """``is_of_page``: a part of the page, whose entry stands for it; one that is fetched alone has its own."""
        words = f"read: leg {part.pk} for recipient {recipient_id}"
        if not (is_of_page and audit.is_recorded(request, part.campaign, words, within=_OF_ONE_LOOK)):
            audit.record(request, [part.campaign], words)
        return previewing.preview(caller=audit.caller(request), part_id=part.pk, recipient_id=recipient_id)

    def _to_read(self, request: HttpRequest, pk: int, recipient: int, *, is_of_page: bool = True) -> Preview:
        """The letter, for an answer that shows nothing else; its reading is recorded."""
        if not self.may_preview(request):
            raise PermissionDenied
        part = self.part_for(pk)
        if not Recipient.objects.filter(pk=recipient, group_id=part.group_id).exists():
            raise Http404
        return self._looked_at(request, part, recipient, is_of_page=is_of_page)

    def preview_html(self, request: HttpRequest, pk: int, recipient: int) -> HttpResponse:
        """The HTML body alone, for the frame."""
        words = self._to_read(request, pk, recipient).words
        return framed(words.html if words else "")

    def preview_page(self, request: HttpRequest, pk: int, recipient: int, page: int) -> HttpResponse:
        """One page of a printed letter, counted from 1, as a picture."""
        pdf, problem = previewing.printed(self._to_read(request, pk, recipient))
        try:
            return picture(page_image(pdf, page - 1))
        except ValueError as error:
            raise Http404(problem or str(error)) from error

    def preview_download(self, request: HttpRequest, pk: int, recipient: int) -> FileResponse:
        """A printed letter as a file."""
        pdf, problem = previewing.printed(self._to_read(request, pk, recipient, is_of_page=False))
        if not pdf:
            raise Http404(problem)
        return download(pdf, f"leg {pk} {recipient}.pdf")

    def try_letter(self, request: HttpRequest, pk: int, recipient: int) -> HttpResponse:
        """Ask for a reason, and send the letter that a recipient would get to who is logged in."""
        if not self.may_try(request):
            raise PermissionDenied
        part = self.part_for(pk)
        back = f"{pages.address('campaign', 'leg_preview', pk)}?recipient={recipient}"
        to = getattr(request.user, "email", "")
        if not to:
            notices.error(request, gettext("Your user has no e-mail address to send it to."))
            return HttpResponseRedirect(back)
        if not services.can_be_tried(part):
            notices.error(request, gettext("Only a letter by e-mail can be tried."))
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


def _sheets(shown: Preview) -> dict[str, Any] | None:
    """A printed letter as console/sheets.html shows it, or the problem; None for one that is not printed."""
    pdf, problem = previewing.printed(shown)
    if not pdf:
        return {"problem": problem} if problem else None
    count, key = page_count(pdf), (shown.part.pk, shown.recipient.pk)
    return {
        "count": count,
        "size": len(pdf),
        "pages": [pages.address("campaign", "leg_page", *key, page) for page in range(1, min(count, _PAGES_SHOWN) + 1)],
        "download": pages.address("campaign", "leg_download", *key),
    }
