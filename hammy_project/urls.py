"""Every address of a site: doors, console, documents, health."""

from typing import Any

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerView

from gateway.failures import tell_below
from hammy_project import health
from jobs.job_v1 import soap as job_v1_soap
from notifications import track
from notifications.ds3 import answer as ds3_answer
from sending.devices_v4 import answer as v4_answer
from sending.send_v2 import soap as send_v2_soap

_PUBLIC: dict[str, Any] = {"authentication_classes": [], "permission_classes": []}
tell_below("/_rest_/", ds3_answer.refused)
tell_below("/v4/", v4_answer.refused)

admin.autodiscover()

handler400 = "gateway.failures.bad_request_page"
handler403 = "gateway.failures.forbidden_page"
handler404 = "gateway.failures.not_found_page"
handler500 = "gateway.failures.server_error_page"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("hammy/json/auth/v1/", include("gateway.urls")),
    path("hammy/json/send/", include("sending.send_v2.urls")),
    path("hammy/json/dms/", include("sending.dms_v1.urls")),
    path("hammy/json/portal/v1/", include("sending.portal_v1.urls")),
    path("hammy/json/recipient/v1/", include("campaigns.recipient_v1.urls")),
    path("hammy/json/campaign/v1/", include("campaigns.campaign_v1.urls")),
    path("hammy/json/job/", include("jobs.job_v1.urls")),
    re_path(r"^hammy/ws/send/v2/?$", send_v2_soap.door, name="send-v2-soap"),
    re_path(r"^hammy/ws/job/v1/?$", job_v1_soap.door, name="job-v1-soap"),
    path("_rest_/", include("notifications.ds3.urls")),
    path("v4/", include("schedules.v4.urls")),
    path("v4/", include("sending.devices_v4.urls")),
    path("push/", include("sending.push_pages.urls")),
    path("hammy/openapi", SpectacularJSONAPIView.as_view(**_PUBLIC), name="openapi"),
    path("hammy/docs", SpectacularSwaggerView.as_view(url_name="openapi", **_PUBLIC), name="docs"),
    path("admin/", admin.site.urls),
    path("track", track.track, name="track"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
]
