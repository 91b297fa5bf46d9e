"""Where the link of a callback leads (contract dpf_url_callback, "dpfTrackerUrl"): to its job in the console."""

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from jobs.models import Job
from notifications import tracking


@require_safe
@login_required(login_url="admin:login")
def track(request: HttpRequest) -> HttpResponse:
    """``/track?job=<jobIdFs>``, after login: the job's page. 403 for who may see no jobs, and then nothing is looked
    up; 404 for a name that is no job's, or not any more."""
    if not (request.user.is_staff and request.user.has_perm("jobs.view_job")):
        raise PermissionDenied
    job_id = tracking.job_of(request.GET.get("job", ""))
    if job_id is None or not Job.objects.filter(pk=job_id).exists():
        raise Http404
    return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[job_id]))
