"""All messages that match the list's filters: what that would come to, and only then the job that does it."""

from typing import Any

from django import forms
from django.contrib import messages as notices
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from unfold.admin import ModelAdmin

from gateway.console import audit
from gateway.console.confirming import reason_field
from gateway.errors import Refusal
from sending import choosing, in_bulk
from sending.admin import bulk_filters, cells, wording
from sending.admin.operations import MOVING, OPERATIONS
from sending.choosing import Filter
from sending.states import Operation, Status

OPERATE = "sending.operate_message"
_SHOWN = 20
_LIST = "admin:sending_message_changelist"


class BulkForm(forms.Form):
    """Why; and, carried along, what was asked about and how many messages that were."""

    reason = reason_field(autofocus=True)
    filter = forms.CharField(widget=forms.HiddenInput)
    expected = forms.IntegerField(min_value=0, widget=forms.HiddenInput)


class BulkPages(ModelAdmin):
    """One page for each operation: with the list's filters in its address it counts and shows, posted it begins."""

    # Beside the list; what it links to holds its query.
    list_before_template = "console/messages_in_bulk.html"

    def bulk_urls(self) -> list[URLPattern]:
        """Beside the messages' own addresses."""
        view = self.admin_site.admin_view(self.in_bulk)
        return [path("bulk/<str:verb>/", view, name="sending_message_bulk")]

    @property
    def bulk_operations(self) -> list[dict[str, Any]]:
        """What the list offers for all that match."""
        return [
            {
                "title": operation.title,
                "icon": operation.icon,
                "path": reverse("admin:sending_message_bulk", args=[operation.verb]),
            }
            for operation in MOVING
        ]

    def in_bulk(self, request: HttpRequest, verb: str) -> HttpResponse:
        """Count, ask, begin."""
        if verb.upper() not in set(Operation):
            raise Http404
        if not request.user.has_perm(OPERATE):
            raise PermissionDenied
        operation = Operation(verb.upper())
        form = BulkForm(request.POST) if request.method == "POST" else None
        try:
            wanted = bulk_filters.of_form(request.POST.get("filter", "")) if form else bulk_filters.of_list(request.GET)
            if form and form.is_valid():
                return self._begin_in_bulk(request, operation, wanted, form)
            return self._ask_in_bulk(request, operation, wanted, form)
        except Refusal as refusal:
            return self._refuse_in_bulk(request, operation, refusal)

    def _ask_in_bulk(
        self, request: HttpRequest, operation: Operation, wanted: Filter, form: BulkForm | None
    ) -> HttpResponse:
        caller = audit.caller(request)
        found = in_bulk.count(caller=caller, operation=operation, wanted=wanted)
        given = {"filter": wanted.as_json(), "expected": found.count}
        sample = choosing.chosen(caller, wanted).order_by("-id").defer("content", "digest")[:_SHOWN]
        context = {
            "form": form or BulkForm(initial=given),
            "errors": form.non_field_errors() if form else [],
            "found": found,
            "conditions": bulk_filters.in_words(wanted),
            "statuses": [(wording.STATUSES[Status(name)], count) for name, count in found.statuses.items()],
            "left": found.count - found.eligible,
            "sample": [(message, cells.state(message)) for message in sample],
            "rest": max(0, found.count - _SHOWN),
        }
        return self._bulk_page(request, operation, context, status=409 if form else 200)

    def _refuse_in_bulk(self, request: HttpRequest, operation: Operation, refusal: Refusal) -> HttpResponse:
        return self._bulk_page(request, operation, {"errors": [str(refusal)]}, status=409)

    def _bulk_page(
        self, request: HttpRequest, operation: Operation, context: dict[str, Any], *, status: int
    ) -> HttpResponse:
        shown = OPERATIONS[operation.lower()]
        context |= {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": shown.title,
            "operation": shown,
            "back": f"{reverse(_LIST)}?{request.GET.urlencode()}",
        }
        return TemplateResponse(request, "console/in_bulk.html", context, status=status)

    @staticmethod
    def _begin_in_bulk(request: HttpRequest, operation: Operation, wanted: Filter, form: BulkForm) -> HttpResponse:
        reason = form.cleaned_data["reason"]
        with transaction.atomic():
            job = in_bulk.begin(
                caller=audit.caller(request),
                operation=operation,
                wanted=wanted,
                reason=reason,
                expected=form.cleaned_data["expected"],
            )
            audit.record(request, [job], f"{operation.lower()} in bulk: {reason}")
        notices.success(request, gettext("Job %(job)d was started.") % {"job": job.pk})
        may_see = request.user.has_perm("jobs.view_job")
        return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[job.pk]) if may_see else reverse(_LIST))
