"""What the published OpenAPI document says of this door."""

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.utils import OpenApiParameter, extend_schema

from sending.send_v2.model import ALIASES, SendRequest

JSON = "application/json"
JSON_API = "application/vnd.api+json"

Schema = dict[str, Any]
_View = TypeVar("_View", bound=Callable[..., Any])


def _object(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, **({"required": list(required)} if required else {})}


def _list(items: Schema, **limits: int) -> Schema:
    return {"type": "array", "items": items, **limits}


_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "integer"}
_MOMENT: Schema = {"type": "string", "format": "date-time"}
_STATUS = _object(("code", "messages"), code=_NUMBER, messages=_list(_TEXT))
_META = _object(
    ("params", "responseStatus"),
    total={"type": "integer", "nullable": True},
    params=_list(_object(key=_TEXT, value=_TEXT)),
    responseStatus=_STATUS,
)


def _resource(kind: str, attributes: Schema) -> Schema:
    return _object(
        ("type", "id", "attributes"), type={"type": "string", "enum": [kind]}, id=_TEXT, attributes=attributes
    )


def _answer(data: Schema) -> dict[str, Schema]:
    return {JSON_API: _object(("data", "meta"), data=data, meta=_META)}


# What pydantic adds and nobody needs.
_UNTOLD = ("$defs", "default", "title")


def _inlined(schema: Any, definitions: Schema) -> Any:
    """A JSON schema without references: the document's components are not ours to name."""
    if isinstance(schema, list):
        return [_inlined(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if reference := schema.get("$ref"):
        return _inlined(definitions[reference.rpartition("/")[2]], definitions)
    kept = {name: _inlined(value, definitions) for name, value in schema.items() if name not in _UNTOLD}
    options = [option for option in kept.pop("anyOf", []) if option != {"type": "null"}]
    return {**kept, **options[0]} if len(options) == 1 else kept


_MODEL: Schema = SendRequest.model_json_schema()
_LETTER: Schema = _inlined(_MODEL, _MODEL["$defs"])
_LETTER["properties"] |= {
    alias: {"type": "string", "maxLength": 100, "description": f"V1's name of {name}."}
    for alias, name in ALIASES.items()
}
_SCALARS = {name: value for name, value in _LETTER["properties"].items() if name not in ("attachments", "properties")}
_REFERENCES = _object(data=_list(_object(("type", "id"), type=_TEXT, id=_TEXT)))
_DOCUMENT = _object(
    ("data",),
    data=_object(
        ("type", "attributes"),
        type={"type": "string", "enum": ["sendRequests", "sendRequest"]},
        id=_TEXT,
        attributes={"type": "object", "required": _LETTER["required"], "properties": _SCALARS},
        relationships=_object(properties=_REFERENCES, attachments=_REFERENCES),
    ),
    included=_list(
        _object(("type", "id"), type=_TEXT, id=_TEXT, attributes={"type": "object"}, relationships={"type": "object"})
    ),
)

SEND: dict[str, Schema] = {JSON: _LETTER, JSON_API: _DOCUMENT}
_SENT_PLAIN = _object(("meta", "messageId"), meta=_META, messageId=_NUMBER)
_SENT_JSON_API = _answer(_resource("sendResponse", _object()))
SENT = {JSON: _SENT_PLAIN, **_SENT_JSON_API}
BATCH = {JSON: _object(("messages",), batchId=_TEXT, messages=_list(_LETTER, maxItems=10_000))}
BATCH_SENT = {
    JSON: _object(
        ("meta", "messages"),
        meta=_META,
        batchId=_TEXT,
        messages=_list(_object(("index",), index=_NUMBER, messageId=_NUMBER, responseStatus=_STATUS)),
    )
}
CANCEL = {JSON: _object(reason=_TEXT)}
CANCELLED = _SENT_JSON_API

_MESSAGE_TEXTS = (
    "status", "reason", "heldFor", "channel", "requestId", "batchId", "partnerRef", "messageType",
    "recipientName", "recipientEmailAddress",
)  # fmt: skip
_MESSAGE_NUMBERS = ("messageTypeVersion", "relatedMessageId", "campaignPartId", "attempts", "attachmentCount")
_MESSAGE_MOMENTS = ("createdAt", "updatedAt", "sendAt", "dueAt", "expiresAt", "closedAt")
_MESSAGE_ATTRIBUTES: Schema = {
    "type": "object",
    "properties": dict.fromkeys(_MESSAGE_TEXTS, _TEXT)
    | dict.fromkeys(_MESSAGE_NUMBERS, _NUMBER)
    | dict.fromkeys(_MESSAGE_MOMENTS, _MOMENT),
}
_MESSAGE = _resource("messages", _MESSAGE_ATTRIBUTES)
MESSAGE = _answer(_MESSAGE)
MESSAGES = _answer(_list(_MESSAGE))
_EVENT = _object(createdAt=_MOMENT, eventName=_TEXT, reason=_TEXT, actor=_TEXT, recipients={"type": "object"})
EVENTS = _answer(_list(_resource("messageEvents", _EVENT)))

LIST_PARAMETERS = [
    *(
        OpenApiParameter(name, str)
        for name in ("requestId", "batchId", "partnerRef", "status", "channel", "createdAtFrom", "createdAtTo", "sort")
    ),
    OpenApiParameter("limit", int, default=20),
    OpenApiParameter("offset", int, default=0),
]

_FAILURE = _object(
    ("errors", "meta"),
    errors=_list(
        _object(status=_TEXT, code=_TEXT, title=_TEXT, detail=_TEXT, source=_object(pointer=_TEXT, parameter=_TEXT))
    ),
    meta=_META,
)
_FAILURES = (400, 401, 403, 404, 409, 413, 415, 429, 500, 503)


# The client's key always, a user's token unless the client needs none.
_AUTH: list[Any] = [{"clientHashKey": [], "userToken": []}, {"clientHashKey": []}]


def operation(name: str, summary: str, success: dict[str, Schema], **more: Any) -> Callable[[_View], _View]:
    """Describes one operation: its answers by status and media type, success and every failure of the catalogue."""
    failures = {(status, media_type): _FAILURE for status in _FAILURES for media_type in success}
    responses = {**{(200, media_type): schema for media_type, schema in success.items()}, **failures}
    return extend_schema(operation_id=name, summary=summary, responses=responses, auth=_AUTH, tags=["send"], **more)
