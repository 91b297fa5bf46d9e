"""Deliveries: found, looked at with every request and answer, and brought again."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib import messages as notices
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from gateway.console.confirming import Question, ask
from gateway.console.filters import OlderFilter, number_in
from gateway.console.read_only import ReadOnlyAdmin
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

# What one action takes at once: a transaction of its own size, and a page that can be sent.
_MOST = 900
_LIST = "notifications_delivery_changelist"
_REPLAYABLE = sources(Status.PENDING) | {Status.PENDING}


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Nothing here adds, edits or deletes a delivery: services bring it again."""

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

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Whether this person may bring deliveries again."""
        return self.has_view_permission(request) and request.user.has_perm(OPERATE)

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

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.replay)
        return [path("replay/", view, name="notifications_delivery_replay"), *super().get_urls()]

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
        is_open = delivery.target.health is not Health.DISABLED and delivery.status in _REPLAYABLE
        if not (is_open and self.has_operate_permission(request)):
            return []
        address = f"{reverse('admin:notifications_delivery_replay')}?ids={delivery.pk}"
        return [{"title": _("Deliver again"), "icon": "replay", "variant": "primary", "path": address}]

    @admin.action(description=_("Deliver again"), permissions=["operate"])
    def again(self, request: HttpRequest, queryset: DeliveryQuerySet) -> HttpResponse | None:
        """An action of the list: the question, with the way back to the list as it was."""
        ids = list(queryset.order_by().values_list("id", flat=True)[: _MOST + 1])
        if len(ids) > _MOST:
            notices.error(request, gettext("At most %(most)d deliveries at once: narrow the list.") % {"most": _MOST})
            return None
        return self._confirm(request, ids, back=f"{_LIST}?{request.GET.urlencode()}", is_answer=False)

    actions = ("again",)

    def replay(self, request: HttpRequest) -> HttpResponse:
        """Ask for a reason (GET) and then bring them again, all of them or none (POST)."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        data = request.POST if request.method == "POST" else request.GET
        ids = [number for value in data.getlist("ids") if (number := number_in(value)) is not None]
        if not ids or len(ids) > _MOST:
            raise Http404
        return self._confirm(request, ids, back=data.get("back", ""), is_answer=request.method == "POST")

    def _confirm(self, request: HttpRequest, ids: Sequence[int], *, back: str, is_answer: bool) -> HttpResponse:
        found = list(Delivery.objects.filter(pk__in=ids).order_by("id"))
        if not found:
            raise Http404
        question = Question(
            verb="replay",
            title=_("Deliver again"),
            text=_("These are brought once more, now, whatever came of them: whoever heard them hears them twice."),
            subjects=list[Model](found),
            total=len(found),
            target=reverse("admin:notifications_delivery_replay"),
            back=_way_back(found, back),
            hidden=[("back", back), *(("ids", delivery.pk) for delivery in found)],
        )

        def act(reason: str) -> str:
            for delivery in found:
                _replay(delivery)
            words = ngettext(
                "%(count)d delivery is brought again.", "%(count)d deliveries are brought again.", len(found)
            )
            return words % {"count": len(found)}

        return ask(self, request, question, act if is_answer else None)


def _replay(delivery: Delivery) -> None:
    try:
        services.replay(delivery=delivery)
    except Refusal as refusal:
        raise refuse(Code.STATE_CONFLICT, f"{delivery.pk}: {refusal}") from refusal


def _way_back(found: Sequence[Delivery], back: str) -> str:
    """To the list as it was narrowed, or to the delivery; the addresses are ours, only the query is carried."""
    name, _sep, query = back.partition("?")
    if name == _LIST:
        return f"{reverse(f'admin:{name}')}?{QueryDict(query).urlencode()}"
    return reverse("admin:notifications_delivery_change", args=[found[0].pk])


def _told_of(request: HttpRequest, job: Job) -> links.Button | None:
    """From a job to who was told of it."""
    may_see = request.user.has_perm("notifications.view_delivery")
    if not (may_see and Event.objects.filter(job_id=job.pk).exists()):
        return None
    address = f"{reverse(f'admin:{_LIST}')}?job={job.pk}"
    return {"title": _("Who was told"), "icon": "notifications", "variant": "default", "path": address}


links.register(_told_of)
