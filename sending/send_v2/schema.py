"""What the published OpenAPI document says of this door."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiRequest
from pydantic import BaseModel

from gateway import multipart, openapi
from gateway.openapi import MOMENT, NUMBER, TEXT, Schema, View, list_of, object_of
from sending.choosing import MOST_VALUES, NAMES
from sending.in_bulk import LONGEST_REASON
from sending.send_v2.model import ALIASES, SendRequest
from sending.send_v2.resend_request import ResendRequest
from sending.states import BulkOutcome, HeldFor, Operation, Status

JSON = "application/json"
JSON_API = "application/vnd.api+json"

_STATUS = object_of(("code", "messages"), code=NUMBER, messages=list_of(TEXT))
_PARAMS = list_of(object_of(key=TEXT, value=TEXT))
_META = object_of(
    ("params", "responseStatus"),
    total={"type": "integer", "nullable": True},
    params=_PARAMS,
    responseStatus=_STATUS,
)


def _resource(kind: str, attributes: Schema) -> Schema:
    return object_of(
        ("type", "id", "attributes"), type={"type": "string", "enum": [kind]}, id=TEXT, attributes=attributes
    )


def _answer(data: Schema) -> dict[str, Schema]:
    return {JSON_API: object_of(("data", "meta"), data=data, meta=_META)}


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


def _of(model: type[BaseModel]) -> Schema:
    schema: Schema = model.model_json_schema()
    found: Schema = _inlined(schema, schema["$defs"])
    found["properties"] |= {
        alias: {"type": "string", "maxLength": 100, "description": f"V1's name of {name}."}
        for alias, name in ALIASES.items()
        if name in found["properties"]
    }
    return found


_LETTER = _of(SendRequest)
_SCALARS = {name: value for name, value in _LETTER["properties"].items() if name not in ("attachments", "properties")}
_REFERENCES = object_of(data=list_of(object_of(("type", "id"), type=TEXT, id=TEXT)))
_DOCUMENT = object_of(
    ("data",),
    data=object_of(
        ("type", "attributes"),
        type={"type": "string", "enum": ["sendRequests", "sendRequest"]},
        id=TEXT,
        attributes={"type": "object", "required": _LETTER["required"], "properties": _SCALARS},
        relationships=object_of(properties=_REFERENCES, attachments=_REFERENCES),
    ),
    included=list_of(
        object_of(("type", "id"), type=TEXT, id=TEXT, attributes={"type": "object"}, relationships={"type": "object"})
    ),
)

_MULTIPART = OpenApiRequest(
    {
        **object_of(("message",), message={"oneOf": [_DOCUMENT, _LETTER]}),
        "additionalProperties": {
            "type": "string",
            "format": "binary",
            "description": "The bytes of an attachment, in the part that its attachmentRef names.",
        },
    },
    encoding={"message": {"contentType": f"{JSON_API}, {JSON}"}},
)
SEND: dict[str, Any] = {
    JSON: _LETTER,
    JSON_API: _DOCUMENT,
    **dict.fromkeys(multipart.MEDIA_TYPES, _MULTIPART),
}
_SENT_PLAIN = object_of(("meta", "messageId"), meta=_META, messageId=NUMBER)
_SENT_JSON_API = _answer(_resource("sendResponse", object_of()))
SENT = {JSON: _SENT_PLAIN, **_SENT_JSON_API}
BATCH = {JSON: object_of(("messages",), batchId=TEXT, messages=list_of(_LETTER, maxItems=10_000))}
BATCH_SENT = {
    JSON: object_of(
        ("meta", "messages"),
        meta=_META,
        batchId=TEXT,
        messages=list_of(object_of(("index",), index=NUMBER, messageId=NUMBER, params=_PARAMS, responseStatus=_STATUS)),
    )
}


def _filter() -> Schema:
    """Written out: what the filters' model takes is more tolerant than JSON schema can say."""
    lists: dict[str, Schema] = {"status": {"type": "string", "enum": list(Status)}, "channel": TEXT,
                                "heldFor": {"type": "string", "enum": list(HeldFor)}}  # fmt: skip
    numbers = ("campaignPartId", "idBelow")
    moments = ("createdAtFrom", "createdAtTo")
    special = {"opened": {"type": "boolean"}, "ids": list_of(NUMBER, maxItems=MOST_VALUES)}
    known = {name: list_of(item) for name, item in lists.items()} | dict.fromkeys(numbers, NUMBER)
    known |= dict.fromkeys(moments, MOMENT) | special
    return {"type": "object", "minProperties": 1, "properties": {name: known.get(name, TEXT) for name in NAMES}}


_AGAIN = _of(ResendRequest)
_AGAIN_DOCUMENT = object_of(
    ("data",),
    data=object_of(
        ("type", "attributes"), type={"type": "string", "enum": ["resendRequests"]}, id=TEXT, attributes=_AGAIN
    ),
)
RESEND = {JSON: _AGAIN, JSON_API: _AGAIN_DOCUMENT}
_BULK = object_of(
    ("operation", "filter", "reason"),
    operation={"type": "string", "enum": list(Operation)},
    filter=_filter(),
    reason={"type": "string", "maxLength": LONGEST_REASON},
    expected={"type": "integer", "minimum": 0, "description": "How many messages you were told would match."},
    dryRun={"type": "boolean", "description": "Count, and do nothing; needs no reason."},
    requestId={"type": "string", "maxLength": 150},
)
_BULK_DOCUMENT = object_of(
    ("data",),
    data=object_of(
        ("type", "attributes"), type={"type": "string", "enum": ["bulkOperations"]}, id=TEXT, attributes=_BULK
    ),
)
BULK = {JSON: _BULK, JSON_API: _BULK_DOCUMENT}
_BULK_FACTS: dict[str, Schema] = {
    "jobUuid": TEXT,
    "count": NUMBER,
    "eligible": NUMBER,
    "statuses": {"type": "object", "additionalProperties": NUMBER},
}
BULK_BEGUN = {
    JSON: {"type": "object", "properties": {"meta": _META} | _BULK_FACTS, "required": ["meta"]},
    **_answer(_resource("bulkOperations", {"type": "object", "properties": _BULK_FACTS})),
}
BULK_RESULTS = _answer(
    list_of(
        _resource(
            "bulkResults",
            object_of(
                messageId=NUMBER,
                outcome={"type": "string", "enum": list(BulkOutcome)},
                reason=TEXT,
                newMessageId=NUMBER,
            ),
        )
    )
)
BULK_CSV = {"text/csv": TEXT}
BULK_PARAMETERS = [
    OpenApiParameter("outcome", str, enum=list(BulkOutcome)),
    OpenApiParameter("sort", str),
    OpenApiParameter("limit", int, default=20),
    OpenApiParameter("offset", int, default=0),
]
CANCEL = {JSON: object_of(reason=TEXT)}
CANCELLED = _SENT_JSON_API

_MESSAGE_TEXTS = (
    "status", "reason", "heldFor", "channel", "requestId", "batchId", "partnerRef", "messageType",
    "recipientName", "recipientEmailAddress",
)  # fmt: skip
_MESSAGE_NUMBERS = ("messageTypeVersion", "relatedMessageId", "campaignPartId", "attempts", "attachmentCount")
_MESSAGE_MOMENTS = ("createdAt", "updatedAt", "sendAt", "dueAt", "expiresAt", "closedAt", "openedAt", "erasedAt")
_MESSAGE_ATTRIBUTES: Schema = {
    "type": "object",
    "properties": dict.fromkeys(_MESSAGE_TEXTS, TEXT)
    | dict.fromkeys(_MESSAGE_NUMBERS, NUMBER)
    | dict.fromkeys(_MESSAGE_MOMENTS, MOMENT),
}
_MESSAGE = _resource("messages", _MESSAGE_ATTRIBUTES)
MESSAGE = _answer(_MESSAGE)
MESSAGES = _answer(list_of(_MESSAGE))
_EVENT = object_of(
    createdAt=MOMENT,
    eventName=TEXT,
    reason=TEXT,
    actor=TEXT,
    recipients={"type": "object"},
    facts={"type": "object"},
)
EVENTS = _answer(list_of(_resource("messageEvents", _EVENT)))

LIST_PARAMETERS = [
    *(
        OpenApiParameter(name, str)
        for name in ("requestId", "batchId", "partnerRef", "status", "channel", "createdAtFrom", "createdAtTo", "sort")
    ),
    OpenApiParameter("limit", int, default=20),
    OpenApiParameter("offset", int, default=0),
]


def operation(name: str, summary: str, success: dict[str, Schema], **more: Any) -> Callable[[View], View]:
    """Describes one operation of this door."""
    return openapi.operation(name, summary, success, tag="send", meta=_META, **more)
