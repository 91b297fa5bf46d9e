"""Below ``/v4/``; the roof mounts it. Each path with a trailing slash or without, for a redirect loses a body."""

from django.urls import path

from schedules.v4.rest import MessageIdsView, PushView, SchedulesView, ScheduleView

_ONE = "schedules/<str:schedule_id>"

urlpatterns = [
    path("schedules", SchedulesView.as_view(), name="v4-schedules"),
    path("schedules/", SchedulesView.as_view(schema=None)),
    path(_ONE, ScheduleView.as_view(), name="v4-schedule"),
    path(f"{_ONE}/", ScheduleView.as_view(schema=None)),
    path(f"{_ONE}/msg-ids", MessageIdsView.as_view(), name="v4-message-ids"),
    path(f"{_ONE}/msg-ids/", MessageIdsView.as_view(schema=None)),
    path(f"{_ONE}/msg_ids", MessageIdsView.as_view(schema=None)),
    path(f"{_ONE}/msg_ids/", MessageIdsView.as_view(schema=None)),
    path("push", PushView.as_view(), name="v4-push"),
    path("push/", PushView.as_view(schema=None)),
]
