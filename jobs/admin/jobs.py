"""Jobs: found, watched while they run, and cancelled, repeated or closed with a reason."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.cache import add_never_cache_headers
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from gateway.console import labels
from gateway.console.filters import ClientFilter, OlderByMomentFilter, number_in
from gateway.console.operating import OperatingAdmin
from jobs.admin import cells, facts, finding, links, wording
from jobs.admin.filters import (
    ClassFilter,
    CreatedFilter,
    RootsFilter,
    StatusFilter,
    TreeFilter,
    TriggerFilter,
)
from jobs.admin.operations import OPERATIONS
from jobs.models import Job
from jobs.models.job import JobQuerySet

OPERATE = "jobs.operate_job"
# What a list looks after at once.
_MOST_LIVE = 200


@admin.register(Job)
class JobAdmin(OperatingAdmin):
    """Nothing here adds, edits or deletes a job: services move them."""

    operate_permission = OPERATE
    operations = OPERATIONS
    long_columns = ("params", "cursor", "reason")

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
        OlderByMomentFilter,
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

    def get_queryset(self, request: HttpRequest) -> JobQuerySet:
        rows: JobQuerySet = super().get_queryset(request)
        return rows.select_related("client", "trigger")

    def get_search_results(
        self, request: HttpRequest, queryset: JobQuerySet, search_term: str
    ) -> tuple[JobQuerySet, bool]:
        return finding.find(queryset.defer(*self.long_columns), search_term), False

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
            *super().get_urls(),
        ]

    def live_rows(self, request: HttpRequest) -> HttpResponse:
        """What changes in the rows of the jobs named, as it is now."""
        self._must_see(request)
        names = request.GET.get("ids", "").split(",")[:_MOST_LIVE]
        ids = [number for name in names if (number := number_in(name)) is not None]
        jobs = list(Job.objects.filter(pk__in=ids).defer(*self.long_columns))
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
        return [*links.of_job(request, job), *self.operations_on(request, job)]
