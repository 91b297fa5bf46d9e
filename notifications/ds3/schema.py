"""What the published OpenAPI document says of this door."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from gateway.answers import JSON
from gateway.openapi import MOMENT, NUMBER, TEXT, Schema, View, list_of, object_of
from notifications.ds3.answer import XML
from notifications.ds3.request import END_POINT, FORMAT, JOB_ID, LAST, LENGTH, MARKER, METHOD, NAMING, OFFSET, USER_ID
from notifications.payloads.naming import Naming
from notifications.services import FORMATS, METHODS

_AUTH: list[Any] = [{"awsSignature": []}, {"clientHashKey": [], "userToken": []}, {"clientHashKey": []}]
_FAILURES = (400, 403, 404, 405, 413, 429, 500, 503)
_UUID: Schema = {"type": "string", "format": "uuid"}


def _or_null(schema: Schema) -> Schema:
    return schema | {"nullable": True}


_REGISTRATION = object_of(
    CreationDate=MOMENT,
    Format=TEXT | {"enum": [*FORMATS]},
    Id=_UUID,
    JobId=_or_null(_UUID),
    LastFailure=_or_null(TEXT),
    LastHttpResponseCode=_or_null(NUMBER),
    LastNotification=_or_null(MOMENT),
    NamingConvention=TEXT | {"enum": [*Naming]},
    NotificationEndPoint=TEXT,
    NotificationHttpMethod=TEXT | {"enum": [*METHODS]},
    NumberOfFailuresSinceLastSuccess=NUMBER,
    UserId=_UUID,
)
_ERROR = object_of(Code=TEXT, HttpErrorCode=NUMBER, Message=TEXT, Resource=TEXT, ResourceId=NUMBER)
ONE = (_REGISTRATION, 200)
MADE = (_REGISTRATION, 201)
LIST = (object_of(JobCompletedNotificationRegistration=list_of(_REGISTRATION)), 200)
NOTHING = (None, 204)

CREATE_PARAMETERS = [
    OpenApiParameter(END_POINT, str, required=True, description="Where to; without a scheme it is http."),
    OpenApiParameter(FORMAT, str, enum=FORMATS, default=FORMATS[0], description="DEFAULT is XML."),
    OpenApiParameter(JOB_ID, {"type": "string", "format": "uuid"}, description="Of this job alone."),
    OpenApiParameter(NAMING, str, enum=[*Naming], default=str(Naming.UPPER)),
    OpenApiParameter(METHOD, str, enum=METHODS, default=METHODS[0]),
]
LIST_PARAMETERS = [
    OpenApiParameter(LENGTH, int, default=1000, description="1 to 1000."),
    OpenApiParameter(OFFSET, int, default=0, description="Not together with another start."),
    OpenApiParameter(MARKER, {"type": "string", "format": "uuid"}, description="Begin behind this registration."),
    OpenApiParameter(LAST, str, allow_blank=True, description="The last page; bare or with any value."),
    OpenApiParameter(USER_ID, {"type": "string", "format": "uuid"}, description="Of this client alone."),
]


def operation(name: str, summary: str, success: tuple[Schema | None, int], **more: Any) -> Callable[[View], View]:
    """Describes one operation of this door: the same tree in XML and in JSON."""
    schema, status = success
    responses: dict[Any, Any] = {}
    for media_type in (XML, JSON):
        if schema is not None:
            responses[status, media_type] = object_of(("Data",), Data=schema) if media_type == JSON else schema
        for failure in _FAILURES:
            responses[failure, media_type] = object_of(("Error",), Error=_ERROR) if media_type == JSON else _ERROR
    if schema is None:
        responses[status] = OpenApiResponse(description="Deleted.")
    return extend_schema(
        operation_id=name,
        summary=summary,
        responses=responses,
        request=None,
        auth=_AUTH,
        tags=["notifications"],
        **more,
    )
