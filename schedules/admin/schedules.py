"""Schedules: found, looked at, and paused, enabled, fired or deleted with a reason. Their clients make them."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.contrib import admin
from django.contrib import messages as notices
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from gateway.console import audit, labels
from gateway.console.confirming import Question, ask
from gateway.console.filters import ClientFilter, number_in
from gateway.console.read_only import ReadOnlyAdmin
from gateway.errors import Code, refuse
from schedules.admin import cells, facts, finding, month, wording
from schedules.admin.filters import CreatedFilter, KindFilter, OlderFilter, StatusFilter
from schedules.admin.operations import OPERATIONS, Operation, may_operate
from schedules.models import Schedule
from schedules.models.schedule import ScheduleQuerySet

# What one action takes at once: each of them is a service's own few statements, all in one transaction.
_MOST = 100
_LIST = "schedules_schedule_changelist"


@admin.register(Schedule)
class ScheduleAdmin(month.MonthPage, ReadOnlyAdmin):
    """Nothing here adds or edits a schedule: services act on them."""

    list_display = ("name", "kind_name", "client_name", "times_in_words", "next_firing", "state", "created")
    list_display_links = ("name",)
    list_filter = (StatusFilter, KindFilter, ClientFilter, CreatedFilter, OlderFilter)
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

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Whether this person may pause, enable, fire and delete schedules."""
        return self.has_view_permission(request) and may_operate(request)

    def get_queryset(self, request: HttpRequest) -> ScheduleQuerySet:
        rows: ScheduleQuerySet = super().get_queryset(request)
        return rows.select_related("client")

    def get_search_results(
        self, request: HttpRequest, queryset: ScheduleQuerySet, search_term: str
    ) -> tuple[ScheduleQuerySet, bool]:
        return finding.find(queryset.defer("push", "trigger"), search_term), False

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
            path("operate/<slug:verb>/", view(self.operate), name="schedules_schedule_operate"),
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
        if not self.has_operate_permission(request):
            return found
        return found + [
            {
                "title": operation.title,
                "icon": operation.icon,
                "variant": operation.variant,
                "path": f"{reverse('admin:schedules_schedule_operate', args=[operation.verb])}?ids={schedule.pk}",
            }
            for operation in OPERATIONS.values()
            if schedule.status in operation.statuses
        ]

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

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        if self.has_operate_permission(request):
            for operation in OPERATIONS.values():
                actions[operation.verb] = (partial(_ask_for, operation), operation.verb, operation.title)
        return actions

    def operate(self, request: HttpRequest, verb: str) -> HttpResponse:
        """Ask for a reason (GET, or POST from the list) and then do it (POST with a reason)."""
        if verb not in OPERATIONS:
            raise Http404
        if not self.has_operate_permission(request):
            raise PermissionDenied
        data = request.POST if request.method == "POST" else request.GET
        ids = [number for value in data.getlist("ids") if (number := number_in(value)) is not None]
        if not ids or len(ids) > _MOST:
            raise Http404
        return self.confirm(
            request, OPERATIONS[verb], ids, back=data.get("back", ""), is_answer=request.method == "POST"
        )

    def confirm(
        self, request: HttpRequest, operation: Operation, ids: Sequence[int], *, back: str, is_answer: bool
    ) -> HttpResponse:
        """The question for these schedules, or with ``is_answer`` its answer."""
        found = list(Schedule.objects.filter(pk__in=ids).defer("push", "trigger").order_by("id"))
        if not found:
            raise Http404
        question = Question(
            verb=operation.verb,
            title=operation.title,
            text=operation.question,
            variant=operation.variant,
            subjects=list[Model](found),
            total=len(found),
            target=reverse("admin:schedules_schedule_operate", args=[operation.verb]),
            back=_way_back(found, back),
            hidden=[("back", back), *(("ids", schedule.pk) for schedule in found)],
        )

        def act(reason: str) -> str:
            for schedule in found:
                if schedule.status not in operation.statuses:
                    raise refuse(Code.STATE_CONFLICT, f"{schedule.name} is {schedule.status}")
                operation.run(audit.caller(request), schedule)
            return str(operation.done % {"count": len(found)})

        return ask(self, request, question, act if is_answer else None)


def _way_back(found: Sequence[Schedule], back: str) -> str:
    """To the list as it was narrowed, or to the schedule; the addresses are ours, only the query is carried."""
    name, _sep, query = back.partition("?")
    if name == _LIST:
        return f"{reverse(f'admin:{name}')}?{QueryDict(query).urlencode()}"
    return reverse("admin:schedules_schedule_change", args=[found[0].pk])


def _ask_for(
    operation: Operation, page: ScheduleAdmin, request: HttpRequest, queryset: ScheduleQuerySet
) -> HttpResponse | None:
    """An action of the list: the question, with the way back to the list as it was."""
    ids = list(queryset.order_by().values_list("id", flat=True)[: _MOST + 1])
    if len(ids) > _MOST:
        notices.error(request, _("At most %(most)d schedules at once: narrow the list.") % {"most": _MOST})
        return None
    return page.confirm(request, operation, ids, back=f"{_LIST}?{request.GET.urlencode()}", is_answer=False)
