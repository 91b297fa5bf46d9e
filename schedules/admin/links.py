"""From a job's page to the schedule that fired it."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from jobs.admin import links
from jobs.models import Job
from schedules.models import Firing


def _fired_by(request: HttpRequest, job: Job) -> links.Button | None:
    if not request.user.has_perm("schedules.view_schedule"):
        return None
    # A firing's job stands alone, or is the root of what it made.
    of_schedule = Firing.objects.filter(job_id__in={job.pk, job.root_id or job.pk})
    schedule_id = of_schedule.values_list("schedule_id", flat=True).first()
    if schedule_id is None:
        return None
    address = reverse("admin:schedules_schedule_change", args=[schedule_id])
    return {"title": _("Its schedule"), "icon": "calendar_clock", "variant": "default", "path": address}


links.register(_fired_by)
