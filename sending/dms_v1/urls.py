"""Below ``/hammy/json/dms/``; the roof mounts it. Each path with a trailing slash or without, and no redirect."""

from django.urls import URLPattern, path

from gateway.rest import ApiView
from sending.dms_v1.documents import ContentView, DocumentsView, DocumentView


def _both(route: str, view: type[ApiView], name: str) -> list[URLPattern]:
    # The published document names each path once.
    return [path(route, view.as_view(), name=name), path(f"{route}/", view.as_view(schema=None))]


urlpatterns = [
    *_both("v1/documents", DocumentsView, "dms-documents"),
    *_both("v1/documents/<str:document_id>", DocumentView, "dms-document"),
    *_both("v1/documents/<str:document_id>/content", ContentView, "dms-content"),
]
