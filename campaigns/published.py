"""What the published OpenAPI document says alike of the doors of campaigns."""

from collections.abc import Mapping

from drf_spectacular.utils import OpenApiParameter

from gateway.openapi import NUMBER, TEXT, Schema, list_of, object_of
from gateway.rest import JSON, JSON_API

UUID: Schema = {"type": "string", "format": "uuid"}
MAYBE: Schema = {"type": "string", "nullable": True}
META = object_of(
    ("params", "responseStatus"),
    total=NUMBER,
    params=list_of(object_of(key=TEXT, value=TEXT)),
    responseStatus=object_of(("code", "messages"), code=NUMBER, messages=list_of(TEXT)),
)


def answer(data: Schema) -> dict[str, Schema]:
    """A JSON:API answer with such data."""
    return {JSON_API: object_of(("data", "meta"), data=data, meta=META)}


def resource(kind: str, attributes: Schema, identity: Schema = UUID) -> Schema:
    """A resource of this type."""
    known: Schema = {"type": "string", "enum": [kind]}
    return object_of(("type", "id", "attributes"), type=known, id=identity, attributes=attributes)


def either(attributes: Schema) -> dict[str, Schema]:
    """A body as plain JSON or as JSON:API."""
    data = object_of(("type",), type=TEXT, id=TEXT, attributes=attributes)
    return {JSON: attributes, JSON_API: object_of(("data",), data=data)}


def list_parameters(default: str, sortable: Mapping[str, str], *names: str) -> list[OpenApiParameter]:
    """What a list takes."""
    sort = f"Fields separated by commas, a minus for descending: {', '.join(sortable)}"
    return [
        *(OpenApiParameter(name, str) for name in names),
        OpenApiParameter("sort", str, default=default, description=sort),
        OpenApiParameter("limit", int, default=20),
        OpenApiParameter("offset", int, default=0),
    ]
