"""What was made of each of the triggers' times."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from gateway.console import labels
from gateway.console.filters import OlderFilter
from gateway.console.read_only import ReadOnlyAdmin
from jobs.admin import wording
from jobs.admin.filters import DecisionFilter, TriggerFilter
from jobs.models import TriggerFiring
from jobs.states import Decision


@admin.register(TriggerFiring)
class TriggerFiringAdmin(ReadOnlyAdmin):
    """The newest first, with the job that came of it."""

    list_display = ("due", "trigger_name", "state", "why", "started_job", "decided")
    list_display_links = None
    list_filter = (TriggerFilter, DecisionFilter, OlderFilter)
    list_filter_submit = True
    list_per_page = 50
    ordering = ("-id",)
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[TriggerFiring]:
        rows: QuerySet[TriggerFiring] = super().get_queryset(request)
        return rows.select_related("trigger")

    @admin.display(description=_("Time"))
    def due(self, firing: TriggerFiring) -> str:
        return labels.moment(firing.slot)

    @admin.display(description=_("Trigger"))
    def trigger_name(self, firing: TriggerFiring) -> SafeString:
        address = reverse("admin:jobs_trigger_change", args=[firing.trigger_id])
        return format_html('<a href="{}" class="console-link">{}</a>', address, firing.trigger.name)

    @admin.display(description=_("Decision"))
    def state(self, firing: TriggerFiring) -> SafeString:
        return decision(firing.decision)

    @admin.display(description=_("Reason"))
    def why(self, firing: TriggerFiring) -> str:
        return firing.reason

    @admin.display(description=pgettext_lazy("of a firing", "Job"), empty_value="–")
    def started_job(self, firing: TriggerFiring) -> SafeString | None:
        return job_link(firing)

    @admin.display(description=_("Decided at"))
    def decided(self, firing: TriggerFiring) -> str:
        return labels.moment(firing.created_at)


def decision(code: str) -> SafeString:
    """What was decided, coloured."""
    known = Decision(code)
    return labels.label(wording.DECISIONS[known], wording.DECISION_COLOURS[known])


def job_link(firing: TriggerFiring) -> SafeString | None:
    """To the job that a firing started, if it is still there."""
    if firing.job_id is None:
        return None
    address = reverse("admin:jobs_job_change", args=[firing.job_id])
    return format_html('<a href="{}" class="console-link">{}</a>', address, firing.job_id)
