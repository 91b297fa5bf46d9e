"""What the published OpenAPI document says of this door."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiParameter

from gateway import openapi
from gateway.openapi import MOMENT, NUMBER, TEXT, Schema, View, list_of, object_of

JSON_API = "application/vnd.api+json"

_META = object_of(
    ("params", "responseStatus"),
    total={"type": "integer", "nullable": True},
    params=list_of(object_of(key=TEXT, value=TEXT)),
    responseStatus=object_of(("code", "messages"), code=NUMBER, messages=list_of(TEXT)),
)
_ATTRIBUTES: Schema = {
    "type": "object",
    "properties": dict.fromkeys(
        ("fileName", "mediaType", "sha256", "documentType", "objectType", "objectRef", "userName"), TEXT
    )
    | dict.fromkeys(("size", "version", "messageId"), NUMBER)
    | {"properties": list_of(object_of(key=TEXT, value=TEXT)), "createdAt": MOMENT},
}
_DOCUMENT = object_of(
    ("type", "id", "attributes"),
    type={"type": "string", "enum": ["documents"]},
    id={"type": "string", "format": "uuid"},
    attributes=_ATTRIBUTES,
)
DOCUMENT = {JSON_API: object_of(("data", "meta"), data=_DOCUMENT, meta=_META)}
DOCUMENTS = {JSON_API: object_of(("data", "meta"), data=list_of(_DOCUMENT), meta=_META)}
CONTENT: dict[str, Schema] = {"application/octet-stream": {"type": "string", "format": "binary"}}

LIST_PARAMETERS = [
    *(
        OpenApiParameter(name, str)
        for name in (
            "objectType",
            "objectRef",
            "documentType",
            "fileName",
            "messageId",
            "createdAtFrom",
            "createdAtTo",
            "sort",
        )
    ),
    OpenApiParameter("property", str, many=True, description="KEY=VALUE; a document must have all that are given."),
    OpenApiParameter("limit", int, default=20),
    OpenApiParameter("offset", int, default=0),
]


def operation(name: str, summary: str, success: dict[str, Schema], **more: Any) -> Callable[[View], View]:
    """Describes one operation of this door."""
    return openapi.operation(name, summary, success, tag="dms", meta=_META, **more)
