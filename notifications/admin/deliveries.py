"""Deliveries: found, looked at with every request and answer, and brought again."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy, pgettext_lazy

from gateway.caller import Caller
from gateway.console.filters import OlderFilter
from gateway.console.operating import OperatingAdmin, Operation
from gateway.errors import Code, Refusal, refuse
from jobs.admin import links
from jobs.models import Job
from notifications import services
from notifications.admin import cells, exchange, facts, finding, wording
from notifications.admin.filters import EventFilter, JobFilter, StatusFilter, TargetFilter, ToldClientFilter
from notifications.admin.operations import OPERATE
from notifications.models import Delivery, Event
from notifications.models.delivery import DeliveryQuerySet
from notifications.states import Health, Status, sources

_LIST = "notifications_delivery_changelist"


def _replay(caller: Caller, deliveries: Sequence[Delivery], reason: str) -> int:
    for delivery in deliveries:
        try:
            services.replay(delivery=delivery)
        except Refusal as refusal:
            raise refuse(Code.STATE_CONFLICT, f"{delivery.pk}: {refusal}") from refusal
    return len(deliveries)


_AGAIN = Operation(
    verb="replay",
    title=_("Deliver again"),
    question=_("These are brought once more, now, whatever came of them: whoever heard them hears them twice."),
    done=ngettext_lazy("%(count)d delivery is brought again.", "%(count)d deliveries are brought again.", "count"),
    icon="replay",
    variant="primary",
    statuses=sources(Status.PENDING) | {Status.PENDING},
    run=_replay,
)


@admin.register(Delivery)
class DeliveryAdmin(OperatingAdmin):
    """Nothing here adds, edits or deletes a delivery: services bring it again."""

    operate_permission = OPERATE
    operations = {_AGAIN.verb: _AGAIN}

    list_display = (
        "id", "created", "event_name", "job", "target_address", "state", "attempts", "next_try",
    )  # fmt: skip
    list_display_links = ("id", "event_name")
    list_filter = (StatusFilter, EventFilter, ToldClientFilter, TargetFilter, JobFilter, OlderFilter)
    list_filter_submit = True
    list_per_page = 50
    list_fullwidth = True
    ordering = ("-id",)
    sortable_by = ()
    # Django asks only whether there are any; finding.find decides what they are.
    search_fields = ("uuid",)
    search_help_text = _("A delivery's number or webhook-id, or its job's number or UUID")
    change_form_template = "console/delivery.html"
    # The page shows more than a form would; this keeps Django from building one of every column.
    fields = ("uuid",)

    def get_queryset(self, request: HttpRequest) -> DeliveryQuerySet:
        rows: DeliveryQuerySet = super().get_queryset(request)
        return rows.select_related("event", "target__client", "target__registration").defer("event__undone")

    def get_search_results(
        self, request: HttpRequest, queryset: DeliveryQuerySet, search_term: str
    ) -> tuple[DeliveryQuerySet, bool]:
        return finding.find(queryset, search_term), False

    @admin.display(description=pgettext_lazy("a delivery", "Created at"))
    def created(self, delivery: Delivery) -> SafeString | None:
        return cells.when(delivery.created_at)

    @admin.display(description=_("Event"))
    def event_name(self, delivery: Delivery) -> str:
        return wording.event(delivery.event.kind)

    @admin.display(description=_("Job"), empty_value="–")
    def job(self, delivery: Delivery) -> SafeString | None:
        job_id = delivery.event.job_id
        return cells.link(reverse("admin:jobs_job_change", args=[job_id]), job_id) if job_id else None

    @admin.display(description=_("Target"))
    def target_address(self, delivery: Delivery) -> SafeString:
        return cells.link(cells.place(delivery.target), cells.shortened(delivery.target.address))

    @admin.display(description=_("Status"))
    def state(self, delivery: Delivery) -> SafeString:
        return cells.status(delivery)

    @admin.display(description=_("Next try"), empty_value="–")
    def next_try(self, delivery: Delivery) -> SafeString | None:
        is_waiting = delivery.status == Status.PENDING
        return cells.when(delivery.target.next_call(delivery.due_at)) if is_waiting else None

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One delivery: its facts, the request, and each attempt with its answer."""
        delivery = self.get_object(request, object_id)
        if delivery is not None and self.has_view_permission(request, delivery):
            tried, is_cut = exchange.attempts(delivery)
            extra_context = {
                **(extra_context or {}),
                "title": exchange.title_of(delivery),
                "subtitle": None,
                "delivery": delivery,
                "state": cells.status(delivery),
                "offered": self._offered(request, delivery),
                "groups": facts.of_delivery(request, delivery),
                "sent": exchange.request_of(delivery, tried[0]["attempt"] if tried else None),
                "attempts": tried,
                "are_attempts_cut": is_cut,
            }
        return super().change_view(request, object_id, form_url, extra_context)

    def _offered(self, request: HttpRequest, delivery: Delivery) -> list[dict[str, Any]]:
        is_disabled = delivery.target.health is Health.DISABLED
        return [] if is_disabled else self.operations_on(request, delivery)


def _told_of(request: HttpRequest, job: Job) -> links.Button | None:
    """From a job to who was told of it."""
    may_see = request.user.has_perm("notifications.view_delivery")
    if not (may_see and Event.objects.filter(job_id=job.pk).exists()):
        return None
    address = f"{reverse(f'admin:{_LIST}')}?job={job.pk}"
    return {"title": _("Who was told"), "icon": "notifications", "variant": "default", "path": address}


links.register(_told_of)
