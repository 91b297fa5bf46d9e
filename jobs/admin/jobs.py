"""Jobs: found, watched while they run, and cancelled, repeated or closed with a reason."""

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
from django.utils.cache import add_never_cache_headers
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from gateway.console import audit, labels
from gateway.console.confirming import Question, ask
from gateway.console.filters import ClientFilter, number_in
from gateway.console.read_only import ReadOnlyAdmin
from jobs import services
from jobs.admin import cells, facts, finding, links, wording
from jobs.admin.filters import (
    ClassFilter,
    CreatedFilter,
    OlderFilter,
    RootsFilter,
    StatusFilter,
    TreeFilter,
    TriggerFilter,
)
from jobs.admin.operations import OPERATIONS, Operation
from jobs.models import Job
from jobs.models.job import JobQuerySet

OPERATE = "jobs.operate_job"
# What one action takes at once: a transaction of its own size, and a page that can be sent.
_MOST = 900
# What a list looks after at once.
_MOST_LIVE = 200
_LIST = "jobs_job_changelist"


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Nothing here adds, edits or deletes a job: services move them."""

    list_display = ("id", "kind", "state", "progress", "lasted", "started_by", "owner", "created")
    list_display_links = ("id", "kind")
    list_filter = (
        StatusFilter,
        ClassFilter,
        TriggerFilter,
        ClientFilter,
        CreatedFilter,
        RootsFilter,
        TreeFilter,
        OlderFilter,
    )
    list_filter_submit = True
    list_per_page = 50
    list_fullwidth = True
    list_before_template = "console/jobs_live.html"
    ordering = ("-created_at", "-id")
    sortable_by = ()
    # Django asks only whether there are any; finding.find decides what they are.
    search_fields = ("uuid",)
    search_help_text = _("A job's number or UUID")
    change_form_template = "console/job.html"
    # The page shows more than a form would; this keeps Django from building one of every column.
    fields = ("uuid",)

    class Media:
        js = ("console/live.js",)

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Whether this person may start, cancel, repeat and close jobs."""
        return self.has_view_permission(request) and request.user.has_perm(OPERATE)

    def get_queryset(self, request: HttpRequest) -> JobQuerySet:
        rows: JobQuerySet = super().get_queryset(request)
        return rows.select_related("client", "trigger")

    def get_search_results(
        self, request: HttpRequest, queryset: JobQuerySet, search_term: str
    ) -> tuple[JobQuerySet, bool]:
        return finding.find(queryset.defer("params", "cursor", "reason"), search_term), False

    @admin.display(description=_("Job class"))
    def kind(self, job: Job) -> SafeString:
        return format_html('<span title="{}">{}</span>', job.job_class, wording.short(job.job_class))

    @admin.display(description=_("Status"))
    def state(self, job: Job) -> SafeString:
        return cells.cell(job, "state", cells.state(job))

    @admin.display(description=_("Progress"))
    def progress(self, job: Job) -> SafeString:
        return cells.cell(job, "progress", cells.progress(job))

    @admin.display(description=_("Duration"))
    def lasted(self, job: Job) -> SafeString:
        return cells.cell(job, "lasted", cells.lasted(job) or "–")

    @admin.display(description=_("Trigger"), empty_value="–")
    def started_by(self, job: Job) -> str | None:
        return job.trigger.name if job.trigger else None

    @admin.display(description=_("Client or user"), empty_value="–")
    def owner(self, job: Job) -> str | None:
        return " / ".join(filter(None, (job.client.name if job.client else "", job.user_name))) or None

    @admin.display(description=pgettext_lazy("a job", "Created at"))
    def created(self, job: Job) -> str:
        return labels.moment(job.created_at)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("live/", view(self.live_rows), name="jobs_job_live"),
            path("<int:pk>/live/", view(self.live_page), name="jobs_job_live_page"),
            path("operate/<str:verb>/", view(self.operate), name="jobs_job_operate"),
            *super().get_urls(),
        ]

    def live_rows(self, request: HttpRequest) -> HttpResponse:
        """What changes in the rows of the jobs named, as it is now."""
        self._must_see(request)
        names = request.GET.get("ids", "").split(",")[:_MOST_LIVE]
        ids = [number for name in names if (number := number_in(name)) is not None]
        jobs = list(Job.objects.filter(pk__in=ids).defer("params", "cursor", "reason"))
        response = HttpResponse("".join(cells.rows(jobs)))
        add_never_cache_headers(response)
        return response

    def live_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What changes on the page of a job, as it is now."""
        self._must_see(request)
        job = self.get_queryset(request).filter(pk=pk).first()
        if job is None:
            raise Http404
        context = {**facts.page(job), "offered": self._offered(request, job)}
        response = TemplateResponse(request, "console/job_live.html", context)
        add_never_cache_headers(response)
        return response

    def _must_see(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One job: its facts, its tree and its log, and beside them what happened to it."""
        job = self.get_object(request, object_id)
        if job is not None and self.has_view_permission(request, job):
            extra_context = {
                **(extra_context or {}),
                "title": f"{job.pk} · {wording.short(job.job_class)}",
                "subtitle": None,
                "offered": self._offered(request, job),
                **facts.page(job),
            }
        return super().change_view(request, object_id, form_url, extra_context)

    def _offered(self, request: HttpRequest, job: Job) -> list[dict[str, Any]]:
        leading_away = links.of_job(request, job)
        if not self.has_operate_permission(request):
            return leading_away
        return [
            *leading_away,
            *(
                {
                    "title": operation.title,
                    "icon": operation.icon,
                    "variant": operation.variant,
                    "path": f"{reverse('admin:jobs_job_operate', args=[operation.verb])}?ids={job.pk}",
                }
                for operation in OPERATIONS.values()
                if job.status in operation.statuses
            ),
        ]

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
        """The question for these jobs, or with ``is_answer`` its answer."""
        found = list(Job.objects.filter(pk__in=ids).defer("params", "cursor", "reason").order_by("id"))
        if not found:
            raise Http404
        question = Question(
            verb=operation.verb,
            title=operation.title,
            text=operation.question,
            variant=operation.variant,
            subjects=list[Model](found),
            total=len(found),
            target=reverse("admin:jobs_job_operate", args=[operation.verb]),
            back=self._way_back(found, back),
            hidden=[("back", back), *(("ids", job.pk) for job in found)],
        )

        def act(reason: str) -> str:
            jobs = services.set_status(
                caller=audit.caller(request), ids=[job.pk for job in found], status=operation.target, reason=reason
            )
            return str(operation.done % {"count": len(jobs)})

        return ask(self, request, question, act if is_answer else None)

    @staticmethod
    def _way_back(found: Sequence[Job], back: str) -> str:
        """To the list as it was narrowed, or to the job; the addresses are ours, only the query is carried."""
        name, _sep, query = back.partition("?")
        if name == _LIST:
            return f"{reverse(f'admin:{name}')}?{QueryDict(query).urlencode()}"
        return reverse("admin:jobs_job_change", args=[found[0].pk])


def _ask_for(operation: Operation, page: JobAdmin, request: HttpRequest, queryset: JobQuerySet) -> HttpResponse | None:
    """An action of the list: the question, with the way back to the list as it was."""
    ids = list(queryset.order_by().values_list("id", flat=True)[: _MOST + 1])
    if len(ids) > _MOST:
        notices.error(request, _("At most %(most)d jobs at once: narrow the list.") % {"most": _MOST})
        return None
    return page.confirm(request, operation, ids, back=f"{_LIST}?{request.GET.urlencode()}", is_answer=False)
