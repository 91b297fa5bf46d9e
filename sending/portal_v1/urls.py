"""Below ``/hammy/json/portal/v1/``; the roof mounts it. Each path with a trailing slash or without, no redirect."""

from typing import Any

from django.urls import URLPattern, path

from gateway.rest import ApiView
from sending.portal_v1.rest import AttachmentsView, AttachmentView, MessagesView, MessageView, OpenView


def _both(route: str, view: type[ApiView], name: str, **options: Any) -> list[URLPattern]:
    # The published document names each path once.
    return [path(route, view.as_view(**options), name=name), path(f"{route}/", view.as_view(schema=None))]


urlpatterns = [
    *_both("messages", MessagesView, "portal-messages"),
    *_both("messages/<str:message_id>", MessageView, "portal-message"),
    *_both("messages/<str:message_id>/attachments", AttachmentsView, "portal-attachments"),
    *_both("messages/<str:message_id>/attachments/<str:number>", AttachmentView, "portal-attachment"),
    *_both("messages/<str:message_id>/open", OpenView, "portal-open"),
]
