"""Below ``/hammy/json/send/``; the roof mounts it. Each path with a trailing slash or without, and no redirect."""

from typing import Any

from django.urls import URLPattern, path

from gateway.rest import ApiView
from sending.send_v2.batches import BatchesView
from sending.send_v2.bulk import BulkCsvView, BulkResultsView, BulkView
from sending.send_v2.resends import ResendView
from sending.send_v2.resources import CancelView, EventsView, MessagesView, MessageView
from sending.send_v2.rest import SendView


def _both(route: str, view: type[ApiView], name: str, **options: Any) -> list[URLPattern]:
    # The published document names each path once.
    return [path(route, view.as_view(**options), name=name), path(f"{route}/", view.as_view(schema=None))]


urlpatterns = [
    *_both("v2/send", SendView, "send"),
    *_both("v1/send", SendView, "send-v1", schema=None),
    *_both("v2/resend", ResendView, "resend"),
    *_both("v2/batches", BatchesView, "batches"),
    *_both("v2/messages", MessagesView, "messages"),
    *_both("v2/messages/bulk", BulkView, "messages-bulk"),
    *_both("v2/messages/bulk/<str:job_uuid>/results", BulkResultsView, "bulk-results"),
    *_both("v2/messages/bulk/<str:job_uuid>/results.csv", BulkCsvView, "bulk-results-csv"),
    *_both("v2/messages/<str:message_id>", MessageView, "message"),
    *_both("v2/messages/<str:message_id>/events", EventsView, "message-events"),
    *_both("v2/messages/<str:message_id>/cancel", CancelView, "message-cancel"),
]
