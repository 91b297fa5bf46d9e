"""What the published OpenAPI document says of this door."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from gateway.answers import JSON
from gateway.openapi import MOMENT, NUMBER, TEXT, Schema, View, list_of, object_of

_AUTH: list[Any] = [{"basic": []}]
OF_PAGES: list[Any] = [*_AUTH, {"applicationKey": []}]
_FAILURES = (400, 401, 403, 404, 405, 413, 429, 500, 503)
_ERROR = object_of(error=object_of(code=NUMBER, message=TEXT))
_TAGS = list_of(TEXT)
_NAMES = {
    "alias": TEXT,
    "time_zone": TEXT | {"example": "Europe/Budapest"},
    "language": TEXT | {"example": "hu"},
}
DEVICE = object_of(
    ("endpoint", "keys"),
    endpoint=TEXT | {"format": "uri"},
    expirationTime={"type": "number", "nullable": True},
    keys=object_of(("p256dh", "auth"), p256dh=TEXT, auth=TEXT),
    public_key=TEXT | {"description": "The client's key it subscribed with; the present one when absent."},
    registration_id=TEXT | {"description": "Its own of before, when it renews."},
    tags=_TAGS,
    **_NAMES,
)
REGISTERED = object_of(registration_id=TEXT)
KEY = object_of(public_key=TEXT)
DETAIL = object_of(
    (), registration_id=TEXT, **_NAMES, tags=_TAGS, push_service=TEXT, created_at=MOMENT, last_seen_at=MOMENT
)  # fmt: skip
LIST = object_of(total_count=NUMBER, total_pages=NUMBER, page=NUMBER, devices=list_of(DETAIL))
CHANGE = object_of((), tags={"oneOf": [_TAGS, object_of(add=_TAGS, remove=_TAGS), TEXT | {"enum": [""]}]}, **_NAMES)
NOTHING = None
LIST_PARAMETERS = [
    OpenApiParameter("page", int, default=1, description="50 devices a page."),
    OpenApiParameter("tag", str),
    OpenApiParameter("alias", str),
]
hidden = extend_schema(exclude=True)


def operation(
    name: str,
    summary: str,
    success: Schema | None,
    *,
    tag: str = "devices",
    request: Schema | None = None,
    auth: list[Any] = _AUTH,
    **more: Any,
) -> Callable[[View], View]:
    """Describes one operation below ``/v4/``."""
    responses: dict[Any, Any] = {(failure, JSON): _ERROR for failure in _FAILURES}
    if success is None:
        responses[200] = OpenApiResponse(description="Done.")
    else:
        responses[200, JSON] = success
    return extend_schema(
        operation_id=name,
        summary=summary,
        responses=responses,
        request=None if request is None else {JSON: request},
        auth=auth,
        tags=[tag],
        **more,
    )
