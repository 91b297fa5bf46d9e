"""Schedules: found, looked at, and paused, enabled, fired or deleted with a reason. Their clients make them."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from gateway.console import audit, labels
from gateway.console.filters import ClientFilter, OlderByMomentFilter
from gateway.console.operating import OperatingAdmin
from schedules.admin import cells, facts, finding, month, wording
from schedules.admin.filters import CreatedFilter, KindFilter, StatusFilter
from schedules.admin.operations import OPERATE, OPERATIONS
from schedules.models import Schedule
from schedules.models.schedule import ScheduleQuerySet


@admin.register(Schedule)
class ScheduleAdmin(month.MonthPage, OperatingAdmin):
    """Nothing here adds or edits a schedule: services act on them."""

    operate_permission = OPERATE
    operations = OPERATIONS
    # Each is a service's own few statements, all in one transaction.
    most_at_once = 100
    long_columns = ("push", "trigger")

    list_display = ("name", "kind_name", "client_name", "times_in_words", "next_firing", "state", "created")
    list_display_links = ("name",)
    list_filter = (StatusFilter, KindFilter, ClientFilter, CreatedFilter, OlderByMomentFilter)
    list_filter_submit = True
    list_per_page = 50
    list_fullwidth = True
    list_before_template = "console/schedules_head.html"
    ordering = ("-created_at", "-id")
    sortable_by = ()
    # Django asks only whether there are any; finding.find decides what they are.
    search_fields = ("uuid",)
    search_help_text = _("Start of a schedule's name, or its UUID")
    change_form_template = "console/schedule.html"
    # The page shows more than a form would; this keeps Django from building one of every column.
    fields = ("uuid",)

    def get_queryset(self, request: HttpRequest) -> ScheduleQuerySet:
        rows: ScheduleQuerySet = super().get_queryset(request)
        return rows.select_related("client")

    def get_search_results(
        self, request: HttpRequest, queryset: ScheduleQuerySet, search_term: str
    ) -> tuple[ScheduleQuerySet, bool]:
        return finding.find(queryset.defer(*self.long_columns), search_term), False

    @admin.display(description=_("Kind"))
    def kind_name(self, schedule: Schedule) -> Any:
        return wording.kind(schedule.kind)

    @admin.display(description=_("Client"))
    def client_name(self, schedule: Schedule) -> str:
        return schedule.client.name

    @admin.display(description=_("Times"))
    def times_in_words(self, schedule: Schedule) -> str:
        return wording.times(schedule)

    @admin.display(description=_("Next firing"), empty_value="–")
    def next_firing(self, schedule: Schedule) -> str | None:
        return labels.moment(schedule.due_at) if schedule.due_at else None

    @admin.display(description=_("Status"))
    def state(self, schedule: Schedule) -> SafeString:
        return cells.status(schedule)

    @admin.display(description=pgettext_lazy("a schedule", "Created at"))
    def created(self, schedule: Schedule) -> str:
        return labels.moment(schedule.created_at)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/written/", view(self.written), name="schedules_schedule_written"),
            *self.month_urls(),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One schedule: its facts and last firings, and beside them its next times."""
        schedule = self.get_object(request, object_id)
        if schedule is not None and self.has_view_permission(request, schedule):
            extra_context = {
                **(extra_context or {}),
                "title": schedule.name,
                "subtitle": None,
                "offered": self._offered(request, schedule),
                **facts.page(request, schedule),
            }
        return super().change_view(request, object_id, form_url, extra_context)

    def _offered(self, request: HttpRequest, schedule: Schedule) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        if facts.may_read(request, schedule):
            address = reverse("admin:schedules_schedule_written", args=[schedule.pk])
            found.append({"title": _("As written"), "icon": "data_object", "variant": "default", "path": address})
        return found + self.operations_on(request, schedule)

    def written(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What it does, as its client wrote it; a reading of what letters say is recorded."""
        schedule = self.get_queryset(request).filter(pk=pk).first() if self.has_view_permission(request) else None
        if schedule is None and self.has_view_permission(request):
            raise Http404
        if schedule is None or not facts.may_read(request, schedule):
            raise PermissionDenied
        audit.record(request, [schedule], "read: as written")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": schedule,
            "title": schedule.name,
            "written": facts.written(schedule),
            "back": reverse("admin:schedules_schedule_change", args=[pk]),
        }
        return TemplateResponse(request, "console/schedule_written.html", context)
