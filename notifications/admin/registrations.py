"""Registrations: how each fares, made for a client, deleted, and sent a test."""

from dataclasses import replace
from typing import Any

from django.contrib import admin
from django.contrib import messages as notices
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from gateway.console import audit
from gateway.console.confirming import Question, ask
from gateway.console.filters import ClientFilter, OlderFilter
from gateway.console.read_only import ReadOnlyAdmin
from gateway.errors import Refusal
from gateway.lookup import caller_of
from notifications import services
from notifications.admin import cells, facts
from notifications.admin.filters import HealthFilter
from notifications.admin.forms import RegistrationForm
from notifications.admin.operations import may_operate
from notifications.admin.targets import offered
from notifications.models import Delivery, Registration
from notifications.models.delivery import next_due
from notifications.states import Health


@admin.register(Registration)
class RegistrationAdmin(cells.HealthColumns, ReadOnlyAdmin):
    """Made and deleted through the services; what is registered is never changed."""

    list_display = (
        "shown_end_point", "client_name", "about", "how", "state", "failures_since", "last_success", "next_try",
    )  # fmt: skip
    list_display_links = ("shown_end_point",)
    list_filter = (HealthFilter, ClientFilter, OlderFilter)
    list_filter_submit = True
    list_per_page = 50
    list_fullwidth = True
    ordering = ("-id",)
    sortable_by = ()
    search_fields = ("end_point",)
    search_help_text = _("A part of the end point")
    change_form_template = "console/target.html"
    # The page shows more than a form would; this keeps Django from building one of every column.
    fields = ("uuid",)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.has_perm("notifications.add_registration"))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.has_perm("notifications.delete_registration"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Registration]:
        rows: QuerySet[Registration] = super().get_queryset(request)
        return rows.select_related("client", "target")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Registration], search_term: str
    ) -> tuple[QuerySet[Registration], bool]:
        words = search_term.strip().replace("\x00", "")
        found = queryset.annotate(next_due=next_due("target"))
        return found.filter(end_point__icontains=words) if words else found, False

    @admin.display(description=_("End point"))
    def shown_end_point(self, registration: Registration) -> str:
        return cells.shortened(registration.end_point)

    @admin.display(description=_("Job"))
    def about(self, registration: Registration) -> str:
        return str(registration.job_id) if registration.job_id else gettext("every job")

    @admin.display(description=_("Format"))
    def how(self, registration: Registration) -> str:
        return registration.format

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.test)
        return [path("<int:pk>/test/", view, name="notifications_registration_test"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One registration: how it fares, and what was told there last."""
        registration = self.get_object(request, object_id)
        if registration is not None and self.has_view_permission(request, registration):
            extra_context = {
                **(extra_context or {}),
                "title": registration.end_point,
                "subtitle": None,
                "offered": self._offered(request, registration),
                **facts.of_target(request, registration.target, registration),
            }
        return super().change_view(request, object_id, form_url, extra_context)

    def _offered(self, request: HttpRequest, registration: Registration) -> list[dict[str, Any]]:
        links = []
        if may_operate(request) and request.user.has_perm("notifications.view_target"):
            links = offered(registration.target)
            if registration.target.health is not Health.DISABLED:
                links.insert(0, _link(_("Send a test"), "test", registration, "send", "default"))
        if self.has_delete_permission(request):
            links.append(_link(pgettext_lazy("a registration", "Delete"), "delete", registration, "delete", "danger"))
        return links

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask for whom and where, and register it as that client would."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = RegistrationForm(request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid() and (registration := self._register(request, form)) is not None:
            notices.success(request, gettext("It is told from now on."))
            return HttpResponseRedirect(cells.place(registration.target))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Register an end point"),
            "text": _("It is called when jobs are done."),
            "form": form,
            "back": reverse("admin:notifications_registration_changelist"),
        }
        return TemplateResponse(request, "console/suppress.html", context, status=409 if form.is_bound else 200)

    @staticmethod
    def _register(request: HttpRequest, form: RegistrationForm) -> Registration | None:
        caller = replace(caller_of(form.cleaned_data["client"]), user_name=request.user.get_username())
        try:
            with transaction.atomic():
                registration = services.register(caller=caller, wish=form.wish())
                audit.record(request, [registration], f"register: {form.cleaned_data['reason']}")
        except Refusal as refusal:
            form.tell(refusal)
            return None
        return registration

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask for a reason (GET) and then delete it (POST)."""
        if not self.has_delete_permission(request):
            raise PermissionDenied
        registration = self._found(request, object_id)
        question = Question(
            verb="delete",
            title=_("Delete the registration"),
            text=_("What it was still to be told is dropped; what it was told stays known. This cannot be undone."),
            variant="danger",
            subjects=list[Model]([registration]),
            total=1,
            target=reverse("admin:notifications_registration_delete", args=[registration.pk]),
            back=(
                reverse("admin:notifications_registration_changelist")
                if request.method == "POST"
                else cells.place(registration.target)
            ),
        )

        def act(reason: str) -> str:
            services.delete(caller=audit.caller(request), uuid=registration.uuid)
            return gettext("It is told no more.")

        return ask(self, request, question, act if request.method == "POST" else None)

    def test(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for a reason, send a test, and lead to its delivery."""
        may_see = self.has_view_permission(request) and request.user.has_perm("notifications.view_target")
        if not (may_see and may_operate(request)):
            raise PermissionDenied
        registration = self._found(request, str(pk))
        question = Question(
            verb="test",
            title=_("Send a test"),
            text=_("It is told of a job that never was, signed like any other."),
            subjects=list[Model]([registration]),
            total=1,
            target=reverse("admin:notifications_registration_test", args=[pk]),
            back=cells.place(registration.target),
        )
        made: list[Delivery] = []

        def act(reason: str) -> str:
            made.append(services.test(registration=registration))
            return gettext("The test is on its way: look here again for the answer.")

        response = ask(self, request, question, act if request.method == "POST" else None)
        if made and request.user.has_perm("notifications.view_delivery"):
            return HttpResponseRedirect(reverse("admin:notifications_delivery_change", args=[made[0].pk]))
        return response

    def _found(self, request: HttpRequest, object_id: str) -> Registration:
        registration: Registration | None = self.get_object(request, object_id)
        if registration is None:
            raise Http404
        return registration


def _link(title: Any, name: str, registration: Registration, icon: str, variant: str) -> dict[str, Any]:
    address = reverse(f"admin:notifications_registration_{name}", args=[registration.pk])
    return {"title": title, "path": address, "icon": icon, "variant": variant}
