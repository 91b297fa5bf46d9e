"""What the published OpenAPI document says alike of every door."""

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.utils import extend_schema

Schema = dict[str, Any]
View = TypeVar("View", bound=Callable[..., Any])

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
_FAILURES = (400, 401, 403, 404, 409, 413, 415, 429, 500, 503)
# The client's key always, a user's token unless the client needs none.
_AUTH: list[Any] = [{"clientHashKey": [], "userToken": []}, {"clientHashKey": []}]


def object_of(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    """An object with these members."""
    return {"type": "object", "properties": properties, **({"required": list(required)} if required else {})}


def list_of(items: Schema, **limits: int) -> Schema:
    """A list of such items."""
    return {"type": "array", "items": items, **limits}


def failure(meta: Schema) -> Schema:
    """A refusal in both dialects (contract hammy_common, "Envelope and errors"), with a door's own ``meta``."""
    source = object_of(pointer=TEXT, parameter=TEXT)
    error = object_of(status=TEXT, code=TEXT, title=TEXT, detail=TEXT, source=source)
    return object_of(("errors", "meta"), errors=list_of(error), meta=meta)


def operation(
    name: str,
    summary: str,
    success: dict[str, Schema],
    *,
    tag: str,
    meta: Schema,
    refused_as: tuple[str, ...] = (),
    **more: Any,
) -> Callable[[View], View]:
    """Describes one operation: its answers by status and media type, success and every failure of the catalogue.
    ``refused_as`` are the media types of failures, where they are not those of success."""
    failures = {(status, media_type): failure(meta) for status in _FAILURES for media_type in refused_as or success}
    responses = {**{(200, media_type): schema for media_type, schema in success.items()}, **failures}
    return extend_schema(operation_id=name, summary=summary, responses=responses, auth=_AUTH, tags=[tag], **more)
