"""What the published OpenAPI document says of this door."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiParameter

from gateway import openapi
from gateway.openapi import MOMENT, NUMBER, TEXT, Schema, View, list_of, object_of
from gateway.rest import JSON_API

_META = object_of(
    ("params", "responseStatus"),
    total=NUMBER,
    params=list_of(object_of(key=TEXT, value=TEXT)),
    responseStatus=object_of(("code", "messages"), code=NUMBER, messages=list_of(TEXT)),
)
_HTML = TEXT | {"description": "As it was written: show it only where it can do nothing, in a sandboxed frame."}


def _answer(data: Schema) -> dict[str, Schema]:
    return {JSON_API: object_of(("data", "meta"), data=data, meta=_META)}


def _resource(kind: str, attributes: dict[str, Schema]) -> Schema:
    known: Schema = {"type": "string", "enum": [kind]}
    held: Schema = {"type": "object", "properties": attributes}
    return object_of(("type", "id", "attributes"), type=known, id=TEXT, attributes=held)


_TEXTS = ("subject", "messageType", "partnerRef", "recipientName", "recipientEmailAddress", "fromName")
_ATTRIBUTES: dict[str, Schema] = (
    dict.fromkeys(_TEXTS, TEXT)
    | {"attachmentCount": NUMBER}
    | dict.fromkeys(("createdAt", "sentAt", "openedAt", "expiresAt"), MOMENT)
)
_ATTACHMENT: dict[str, Schema] = {"fileName": TEXT, "mediaType": TEXT, "size": NUMBER, "documentType": TEXT}
_LISTED = _resource("portalMessages", _ATTRIBUTES)
MESSAGES = _answer(list_of(_LISTED))
MESSAGE_LISTED = _answer(_LISTED)
MESSAGE = _answer(_resource("portalMessages", _ATTRIBUTES | {"text": TEXT, "html": _HTML}))
ATTACHMENTS = _answer(list_of(_resource("portalAttachments", _ATTACHMENT)))
FILE: dict[str, Schema] = {"application/octet-stream": {"type": "string", "format": "binary"}}

LIST_PARAMETERS = [
    OpenApiParameter("partnerRef", str, description="Whose inbox; this or recipientEmailAddress."),
    OpenApiParameter("recipientEmailAddress", str, description="Whose inbox, for messages without partnerRef."),
    OpenApiParameter("unread", bool, default=False),
    OpenApiParameter("sort", str, default="-sentAt"),
    OpenApiParameter("limit", int, default=20),
    OpenApiParameter("offset", int, default=0),
]


def operation(name: str, summary: str, success: dict[str, Schema], **more: Any) -> Callable[[View], View]:
    """Describes one operation of this door."""
    return openapi.operation(name, summary, success, tag="portal", meta=_META, refused_as=(JSON_API,), **more)
