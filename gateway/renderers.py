"""What Django REST framework's settings name; apart from ``gateway.rest``, whose views need those settings first."""

from collections.abc import Mapping
from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from gateway.answers import JSON, JSON_API, json_bytes


class JsonApiRenderer(BaseRenderer):
    """``application/vnd.api+json``, as the view built it."""

    media_type = JSON_API
    format = "vnd.api+json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        return b"" if data is None else json_bytes(data)


class PlainJsonRenderer(JsonApiRenderer):
    """``application/json``, as the view built it."""

    media_type = JSON
    format = "json"


class AcceptIgnored(BaseContentNegotiation):
    """Every caller gets the view's own format, whatever its Accept says."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0] if parsers else None

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type
