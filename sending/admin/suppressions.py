"""Addresses that no letter goes to: looked at, added and taken off the list, each with a reason."""

from django import forms
from django.contrib import admin
from django.contrib import messages as notices
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from gateway.console import audit, labels
from gateway.console.confirming import Question, ask, reason_field
from gateway.console.filters import ClientFilter
from gateway.console.read_only import ReadOnlyAdmin
from gateway.errors import Refusal
from gateway.models import ApiClient
from sending import queue, suppressing
from sending.models import Suppression
from sending.models.suppression import digest_of_address

_MOST = 900
_DAY_SECONDS = 86400


class SuppressForm(forms.Form):
    """Whom not to write to, for which client, how long, and why."""

    address = forms.CharField(label=_("Address"), max_length=254, widget=UnfoldAdminTextInputWidget())
    client = forms.ModelChoiceField(
        label=_("Client"),
        queryset=ApiClient.objects.order_by("name"),
        required=False,
        empty_label=_("All clients"),
        widget=UnfoldAdminSelectWidget(),
    )
    days = forms.IntegerField(
        label=_("Days"),
        required=False,
        min_value=1,
        max_value=36500,
        help_text=_("Empty means for ever."),
        widget=UnfoldAdminIntegerFieldWidget(),
    )
    reason = reason_field()


@admin.register(Suppression)
class SuppressionAdmin(ReadOnlyAdmin):
    """The list, found by the whole address alone: its digest is what is kept of those that were erased."""

    list_display = ("shown_address", "whose", "since", "until", "reason", "source_message_id", "created_by")
    list_display_links = None
    list_filter = (ClientFilter,)
    list_per_page = 50
    ordering = ("-id",)
    sortable_by = ()
    search_fields = ("address",)
    search_help_text = _("A whole address")
    actions = ("unsuppress",)
    actions_list = ("suppress",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Suppression]:
        rows: QuerySet[Suppression] = super().get_queryset(request)
        return rows.select_related("client")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Suppression], search_term: str
    ) -> tuple[QuerySet[Suppression], bool]:
        words = search_term.strip()
        try:
            return queryset.filter(digest=digest_of_address(words)) if words else queryset, False
        except ValueError:
            return queryset.none(), False

    @admin.display(description=_("Address"))
    def shown_address(self, entry: Suppression) -> str:
        return entry.address or gettext("(erased)")

    @admin.display(description=_("Client"))
    def whose(self, entry: Suppression) -> str:
        return entry.client.name if entry.client else gettext("All clients")

    @admin.display(description=_("Since"))
    def since(self, entry: Suppression) -> str:
        return labels.moment(entry.created_at)

    @admin.display(description=_("Until"), empty_value="–")
    def until(self, entry: Suppression) -> str | None:
        return labels.moment(entry.expires_at) if entry.expires_at else None

    def has_suppress_permission(self, request: HttpRequest) -> bool:
        """Whether this person may add addresses."""
        return request.user.has_perm("sending.add_suppression")

    def has_unsuppress_permission(self, request: HttpRequest) -> bool:
        """Whether this person may take addresses off the list."""
        return request.user.has_perm("sending.delete_suppression")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.unsuppress_view)
        return [path("unsuppress/", view, name="sending_suppression_unsuppress"), *super().get_urls()]

    @action(description=_("Suppress an address"), url_path="suppress", permissions=["suppress"], icon="block")
    def suppress(self, request: HttpRequest) -> HttpResponse:
        """Ask for an address, and then put it on the list."""
        form = SuppressForm(request.POST if request.method == "POST" else None)
        back = reverse("admin:sending_suppression_changelist")
        if form.is_bound and form.is_valid():
            days, client = form.cleaned_data["days"], form.cleaned_data["client"]
            try:
                entry = suppressing.suppress(
                    caller=audit.caller(request),
                    address=form.cleaned_data["address"],
                    reason=form.cleaned_data["reason"],
                    client_id=client.pk if client else None,
                    expires_at=queue.later(days * _DAY_SECONDS) if days else None,
                )
            except Refusal as refusal:
                for problem in refusal.problems:
                    form.add_error(str(problem.field[0]), problem.sentence)
            else:
                audit.record(request, [entry], f"suppress: {form.cleaned_data['reason']}")
                notices.success(request, gettext("No letter goes to this address any more."))
                return HttpResponseRedirect(back)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Suppress an address"),
            "text": _("Letters to it are cancelled when they are accepted, and copies to it are left out."),
            "form": form,
            "back": back,
        }
        return TemplateResponse(request, "console/suppress.html", context, status=409 if form.is_bound else 200)

    @admin.action(description=_("Let letters go there again"), permissions=["unsuppress"])
    def unsuppress(self, request: HttpRequest, queryset: QuerySet[Suppression]) -> HttpResponse:
        """The question for the addresses ticked."""
        return self._confirm(request, list(queryset.order_by("id")[:_MOST]), is_answer=False)

    def unsuppress_view(self, request: HttpRequest) -> HttpResponse:
        """Its answer."""
        if not self.has_unsuppress_permission(request):
            raise PermissionDenied
        ids = [int(value) for value in request.POST.getlist("ids") if value.isdecimal() and len(value) < 19]
        found = list(Suppression.objects.filter(pk__in=ids[:_MOST]).order_by("id"))
        if not found:
            raise Http404
        return self._confirm(request, found, is_answer=True)

    def _confirm(self, request: HttpRequest, found: list[Suppression], *, is_answer: bool) -> HttpResponse:
        question = Question(
            verb="unsuppress",
            title=_("Let letters go there again"),
            text=_("These addresses are taken off the list. Letters that were cancelled stay so."),
            subjects=list(found),
            total=len(found),
            target=reverse("admin:sending_suppression_unsuppress"),
            back=reverse("admin:sending_suppression_changelist"),
            hidden=[("ids", entry.pk) for entry in found],
        )

        def act(reason: str) -> str:
            count = suppressing.unsuppress(
                caller=audit.caller(request), ids=[entry.pk for entry in found], reason=reason
            )
            return ngettext("%(count)d address is free again.", "%(count)d addresses are free again.", count) % {
                "count": count
            }

        return ask(self, request, question, act if is_answer else None)
