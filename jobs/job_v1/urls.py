"""Below ``/hammy/json/job/``; the roof mounts it. Each path with a trailing slash or without, and no redirect."""

from typing import Any

from django.urls import URLPattern, path

from gateway.rest import ApiView
from jobs.job_v1.rest import EventsView, JobInfoView, JobsView, JobView, RelativesView


def _both(route: str, view: type[ApiView], name: str, **options: Any) -> list[URLPattern]:
    # The published document names each path once.
    return [path(route, view.as_view(**options), name=name), path(f"{route}/", view.as_view(schema=None))]


urlpatterns = [
    *_both("v1/jobs", JobsView, "jobs"),
    *_both("v1/jobs/<str:uuid>", JobView, "job"),
    *_both("v1/jobs/<str:uuid>/events", EventsView, "job-events"),
    *_both("v1/jobs/<str:uuid>/relatives", RelativesView, "job-relatives"),
    *_both("v1/jobInfos/<str:uuid>", JobInfoView, "job-info"),
]
