"""What became of each message of an operation in bulk; a job's page leads here."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from gateway import downloads
from gateway.console import labels
from gateway.console.filters import CarriedFilter, OlderFilter, WordFilter, number_in
from gateway.console.read_only import ReadOnlyAdmin
from jobs.admin import links
from jobs.models import Job
from sending import in_bulk
from sending.admin import wording
from sending.models import BulkResult
from sending.states import BulkOutcome

_LIST = "sending_bulkresult_changelist"


class JobFilter(CarriedFilter):
    """Of one job."""

    title = _("job")
    parameter_name = "job"

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        job = number_in(self.value())
        return queryset if job is None else queryset.filter(job_id=job)


class OutcomeFilter(WordFilter):
    """By whether it was done."""

    title = _("outcome")
    parameter_name = "outcome"
    words = wording.BULK_OUTCOMES


@admin.register(BulkResult)
class BulkResultAdmin(ReadOnlyAdmin):
    """The list, and the same as a table to save."""

    list_display = ("message", "state", "reason", "new_message")
    list_display_links = None
    list_filter = (OutcomeFilter, JobFilter, OlderFilter)
    list_filter_submit = True
    list_per_page = 50
    list_before_template = "console/bulk_results.html"
    ordering = ("-id",)
    sortable_by = ()

    def has_view_permission(self, request: HttpRequest, obj: BulkResult | None = None) -> bool:
        return request.user.has_perm("sending.view_message")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description=_("Message"))
    def message(self, result: BulkResult) -> SafeString:
        return _link(result.message_id)

    @admin.display(description=_("Outcome"))
    def state(self, result: BulkResult) -> SafeString:
        outcome = BulkOutcome(result.outcome)
        return labels.label(wording.BULK_OUTCOMES[outcome], wording.BULK_OUTCOME_COLOURS[outcome])

    @admin.display(description=_("New message"), empty_value="–")
    def new_message(self, result: BulkResult) -> SafeString | None:
        return _link(result.new_message_id) if result.new_message_id else None

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.save_table)
        return [path("<int:pk>/table/", view, name="sending_bulkresult_table"), *super().get_urls()]

    def save_table(self, request: HttpRequest, pk: int) -> StreamingHttpResponse:
        """All results of a job, by its number."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        job = Job.objects.filter(pk=pk, job_class=in_bulk.JOB_CLASS).first()
        if job is None:
            raise Http404
        return downloads.table_to_be_saved(in_bulk.results_as_csv(job), file_name=f"{job.pk}.csv")


def _link(message_id: int) -> SafeString:
    address = reverse("admin:sending_message_change", args=[message_id])
    return format_html('<a class="console-link" href="{}">{}</a>', address, message_id)


def _results_of(request: HttpRequest, job: Job) -> links.Button | None:
    """From a job to what became of each message."""
    if job.job_class != in_bulk.JOB_CLASS or not request.user.has_perm("sending.view_message"):
        return None
    address = f"{reverse(f'admin:{_LIST}')}?job={job.pk}"
    return {"title": _("Results"), "icon": "fact_check", "variant": "default", "path": address}


links.register(_results_of)
