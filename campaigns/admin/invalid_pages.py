"""The lines of a file that an import could not take, with their reasons."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from campaigns import importing
from campaigns.admin import pages
from campaigns.models import InvalidLine, RecipientGroup
from gateway.console import audit
from gateway.console.read_only import ReadOnlyAdmin
from jobs.models import Job

_SHOWN = 100


class InvalidPages(ReadOnlyAdmin):
    """What stands in such lines is about people: it is for who may see recipients."""

    def invalid_urls(self) -> list[URLPattern]:
        """By the import's job."""
        view, name = self.admin_site.admin_view, "campaigns_recipientgroup"
        return [
            path("invalid/<int:job>/", view(self.invalid), name=f"{name}_invalid"),
            path("invalid/<int:job>/download/", view(self.invalid_download), name=f"{name}_invalid_download"),
        ]

    def _job_for(self, request: HttpRequest, pk: int) -> Job:
        if not may_see_lines(request):
            raise PermissionDenied
        job = Job.objects.filter(pk=pk, job_class=importing.JOB_CLASS).first()
        if job is None:
            raise Http404
        return job

    def invalid(self, request: HttpRequest, job: int) -> HttpResponse:
        """The first of them."""
        found = self._job_for(request, job)
        lines = InvalidLine.objects.filter(job_id=found.pk)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "object": group_of(found),
            "title": gettext("Invalid lines of job %(job)d") % {"job": found.pk},
            "file_name": dict(found.params).get(importing.FILE_NAME, ""),
            "total": lines.count(),
            "lines": lines.order_by("line")[:_SHOWN],
            "offered": [
                pages.button(_("Download"), pages.address("recipientgroup", "invalid_download", found.pk), "download"),
                *(
                    [pages.button(_("The job"), reverse("admin:jobs_job_change", args=[found.pk]), "work_history")]
                    if request.user.has_perm("jobs.view_job")
                    else []
                ),
            ],
        }
        return TemplateResponse(request, "console/invalid_lines.html", context)

    def invalid_download(self, request: HttpRequest, job: int) -> HttpResponseBase:
        """All of them as a file."""
        found = self._job_for(request, job)
        audit.record(request, [found], "export: invalid lines")
        return pages.saved(importing.result_lines(found.pk, found.cursor), f"{found.pk}-invalid-lines.csv")


def group_of(job: Job) -> RecipientGroup | None:
    """The group that an import's job fills."""
    named = pages.uuids(dict(job.params).get(importing.GROUP, ""))
    return RecipientGroup.objects.filter(uuid__in=named).first()


def may_see_lines(request: HttpRequest) -> bool:
    """Whether this person may see what stands in files of recipients."""
    return bool(request.user.has_perms(("campaigns.view_recipientgroup", "campaigns.view_recipient")))
