"""Targets: how they fare, and what may be done to them. A registration's has its page there."""

from typing import Any

from django.contrib import admin
from django.contrib import messages as notices
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from gateway.console import audit
from gateway.console.confirming import Question, ask
from gateway.console.filters import ClientFilter, OlderFilter
from gateway.console.read_only import ReadOnlyAdmin
from notifications import services
from notifications.admin import cells, facts
from notifications.admin.filters import HealthFilter
from notifications.admin.forms import ReplayForm
from notifications.admin.operations import OPERATIONS, may_operate
from notifications.models import Target
from notifications.models.delivery import next_due
from notifications.states import Health, TargetKind


def offered(target: Target) -> list[dict[str, Any]]:
    """What may be done to a target now, each with its address."""
    links = [
        {
            "title": operation.title,
            "icon": operation.icon,
            "variant": operation.variant,
            "path": reverse("admin:notifications_target_operate", args=[target.pk, operation.verb]),
        }
        for operation in OPERATIONS.values()
        if operation.fits(target)
    ]
    if target.health is not Health.DISABLED:
        address = reverse("admin:notifications_target_replay", args=[target.pk])
        links.append({"title": _("Deliver again"), "icon": "replay", "variant": "default", "path": address})
    return links


@admin.register(Target)
class TargetAdmin(cells.HealthColumns, ReadOnlyAdmin):
    """The list is of places called back; the page of a registration's target is the registration's."""

    list_display = ("shown_address", "client_name", "state", "failures_since", "last_success", "next_try")
    list_display_links = ("shown_address",)
    list_filter = (HealthFilter, ClientFilter, OlderFilter)
    list_filter_submit = True
    list_per_page = 50
    list_fullwidth = True
    ordering = ("-id",)
    sortable_by = ()
    search_fields = ("address",)
    search_help_text = _("A part of the address")
    change_form_template = "console/target.html"
    # The page shows more than a form would; this keeps Django from building one of every column.
    fields = ("uuid",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Target]:
        rows: QuerySet[Target] = super().get_queryset(request)
        return rows.select_related("client", "registration")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Target], search_term: str
    ) -> tuple[QuerySet[Target], bool]:
        words = search_term.strip().replace("\x00", "")
        found = queryset.filter(kind=TargetKind.CALLBACK).annotate(next_due=next_due("pk"))
        return found.filter(address__icontains=words) if words else found, False

    @admin.display(description=_("Address"))
    def shown_address(self, target: Target) -> str:
        return cells.shortened(target.address)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/operate/<slug:verb>/", view(self.operate), name="notifications_target_operate"),
            path("<int:pk>/replay/", view(self.replay), name="notifications_target_replay"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One target: how it fares, and what was told there last."""
        target = self.get_object(request, object_id)
        if target is not None and self.has_view_permission(request, target):
            if getattr(target, "registration", None) is not None:
                return HttpResponseRedirect(cells.place(target))
            extra_context = {
                **(extra_context or {}),
                "title": target.address,
                "subtitle": None,
                "offered": offered(target) if may_operate(request) else [],
                **facts.of_target(request, target),
            }
        return super().change_view(request, object_id, form_url, extra_context)

    def operate(self, request: HttpRequest, pk: int, verb: str) -> HttpResponse:
        """Ask for a reason (GET) and then do it (POST)."""
        operation = OPERATIONS.get(verb)
        if operation is None:
            raise Http404
        target = self._operated(request, pk)
        question = Question(
            verb=operation.verb,
            title=operation.title,
            text=operation.question,
            variant=operation.variant,
            subjects=list[Model]([target]),
            total=1,
            target=reverse("admin:notifications_target_operate", args=[pk, verb]),
            back=cells.place(target),
        )

        def act(reason: str) -> str:
            return operation.run(target, audit.caller(request).actor)

        return ask(self, request, question, act if request.method == "POST" else None)

    def replay(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask since when, and which; then bring them again."""
        target = self._operated(request, pk)
        form = ReplayForm(request.POST if request.method == "POST" else None)
        if form.is_bound and target.health is Health.DISABLED:
            form.add_error(None, _("It is disabled: nothing goes there."))
        if form.is_bound and form.is_valid():
            with transaction.atomic():
                count = services.replay_since(
                    since=form.cleaned_data["since"], target=target, only_failed=form.cleaned_data["which"] == "failed"
                )
                audit.record(request, [target], f"replay {count}: {form.cleaned_data['reason']}")
            words = ngettext("%(count)d delivery is brought again.", "%(count)d deliveries are brought again.", count)
            notices.success(request, words % {"count": count})
            return HttpResponseRedirect(cells.place(target))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Deliver again"),
            "text": target.address,
            "form": form,
            "back": cells.place(target),
        }
        return TemplateResponse(request, "console/suppress.html", context, status=409 if form.is_bound else 200)

    def _operated(self, request: HttpRequest, pk: int) -> Target:
        if not (self.has_view_permission(request) and may_operate(request)):
            raise PermissionDenied
        target = self.get_queryset(request).filter(pk=pk).first()
        if target is None:
            raise Http404
        return target
