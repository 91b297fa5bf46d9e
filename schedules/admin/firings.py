"""What was made of each of the schedules' times."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from gateway.console import labels
from gateway.console.filters import OlderFilter
from gateway.console.read_only import ReadOnlyAdmin
from schedules.admin import cells, wording
from schedules.admin.filters import DecisionFilter, ScheduleFilter
from schedules.models import Firing


@admin.register(Firing)
class FiringAdmin(ReadOnlyAdmin):
    """The newest first, with the job that each is and what came of it."""

    list_display = (
        "slot", "due", "schedule_name", "kind_name", "state", "why", "clocks", "own_job", "came_of_it", "messages",
    )  # fmt: skip
    list_display_links = None
    list_filter = (DecisionFilter, ScheduleFilter, OlderFilter)
    list_filter_submit = True
    list_per_page = 50
    list_fullwidth = True
    ordering = ("-id",)
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Firing]:
        rows: QuerySet[Firing] = super().get_queryset(request)
        return rows.select_related("schedule").defer("push", "schedule__push", "schedule__trigger", "schedule__times")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A firing has no page of its own: its schedule's tells of it."""
        firing = self.get_object(request, object_id)
        if firing is not None and self.has_view_permission(request, firing):
            return HttpResponseRedirect(reverse("admin:schedules_schedule_change", args=[firing.schedule_id]))
        return super().change_view(request, object_id, form_url, extra_context)

    @admin.display(description=_("Due at"))
    def due(self, firing: Firing) -> str:
        return labels.moment(firing.due_at)

    @admin.display(description=_("Schedule"))
    def schedule_name(self, firing: Firing) -> SafeString:
        return cells.link(reverse("admin:schedules_schedule_change", args=[firing.schedule_id]), firing.schedule.name)

    @admin.display(description=_("Kind"), empty_value="–")
    def kind_name(self, firing: Firing) -> Any:
        return wording.kind(firing.kind) or None

    @admin.display(description=_("Decision"))
    def state(self, firing: Firing) -> SafeString:
        return cells.decision(firing)

    @admin.display(description=_("Reason"))
    def why(self, firing: Firing) -> str:
        return firing.reason

    @admin.display(description=_("On whose clock"), empty_value="–")
    def clocks(self, firing: Firing) -> str | None:
        return cells.clocks(firing)

    @admin.display(description=pgettext_lazy("of a firing", "Job"), empty_value="–")
    def own_job(self, firing: Firing) -> SafeString | None:
        return cells.job(firing)

    @admin.display(description=_("Made"), empty_value="–")
    def came_of_it(self, firing: Firing) -> SafeString | str:
        return cells.made(firing)

    @admin.display(description=_("Messages"), empty_value="–")
    def messages(self, firing: Firing) -> SafeString | None:
        return cells.messages(firing)
