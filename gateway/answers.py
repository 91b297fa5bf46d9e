"""JSON answers over HTTP, the same bytes from views, renderers and Django's own error pages."""

import json
from collections.abc import Callable
from typing import Any

from django.http import HttpResponse

from gateway import envelope
from gateway.errors import Problem, Refusal

JSON = "application/json"
JSON_API = "application/vnd.api+json"

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def json_bytes(data: Any) -> bytes:
    """Compact UTF-8; half of a surrogate pair that a caller sent comes back as the escape it was."""
    return _ENCODER.encode(data).encode("utf-8", "backslashreplace")


def answer(data: Any, *, status: int = 200, media_type: str = JSON_API) -> HttpResponse:
    """A JSON answer; never kept by caches on the way, for it belongs to one caller."""
    response = HttpResponse(json_bytes(data), status=status, content_type=media_type)
    response.headers["Cache-Control"] = "no-store"
    return response


def refusal_answer(
    refusal: Refusal,
    *,
    media_type: str = JSON_API,
    pointer_of: Callable[[Problem], str] = envelope.pointer,
) -> HttpResponse:
    """A refusal with the HTTP status of its first problem."""
    status = refusal.problems[0].http_status
    response = answer(envelope.failure(refusal, pointer_of), status=status, media_type=media_type)
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    if status == 401:
        response.headers["WWW-Authenticate"] = 'JWT realm="hammy"'
    return response
