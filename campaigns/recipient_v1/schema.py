"""What the published OpenAPI document says of this door."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiParameter

from campaigns.csv_reading import SEPARATORS
from campaigns.published import MAYBE, META, UUID, answer, either, list_parameters, resource
from campaigns.recipient_rules import LONGEST
from campaigns.recipient_v1.request import GROUP_SORTABLE, PERSON_NAMES, RECIPIENT_SORTABLE
from campaigns.recipient_v1.uploads import DOCUMENT, FILE, PATH
from campaigns.states import Duplicates
from gateway import openapi
from gateway.openapi import MOMENT, NUMBER, TEXT, Schema, View, list_of, object_of
from gateway.rest import JSON_API

_GROUP_FIELDS: dict[str, Schema] = {"name": TEXT | {"maxLength": 100}, "description": MAYBE}
_GROUP = resource(
    "recipientGroups", object_of((), **_GROUP_FIELDS, createdAt=MOMENT, updatedAt=MOMENT, recipientCount=NUMBER)
)
GROUP, GROUPS = answer(_GROUP), answer(list_of(_GROUP))
NEW_GROUP, CHANGED_GROUP = either(object_of(("name",), **_GROUP_FIELDS)), either(object_of((), **_GROUP_FIELDS))

_PERSON: dict[str, Schema] = {
    PERSON_NAMES[member]: MAYBE | {"maxLength": longest} for member, longest in LONGEST.items()
}
_PERSON["properties"] = list_of(object_of(("key", "value"), key=TEXT, value=TEXT))
_PERSON["recipientGroupId"] = UUID
_RECIPIENT = resource("recipients", object_of((), **_PERSON, createdAt=MOMENT, updatedAt=MOMENT), TEXT)
RECIPIENT, RECIPIENTS = answer(_RECIPIENT), answer(list_of(_RECIPIENT))
NEW_RECIPIENT = either(object_of(("recipientGroupId",), **_PERSON))
CHANGED_RECIPIENT = either(object_of((), **_PERSON))
DONE = answer(resource("recipientResponses", object_of()))
CSV: dict[str, Schema] = {"text/csv": {"type": "string"}}

_FIELDS: dict[str, Schema] = {
    "recipientGroupId": UUID,
    "csvSeparator": TEXT | {"enum": list(SEPARATORS), "description": "Found out where it is not given."},
    "duplicationHandlingType": TEXT | {"enum": list(Duplicates), "default": Duplicates.ALLOW.value},
    "columns": {"type": "object", "additionalProperties": TEXT, "description": "What some columns mean."},
    "checksum": TEXT | {"description": "The file's SHA-1 in hex."},
    "fileName": TEXT,
    "dryRun": {"type": "boolean", "default": False},
}
_BINARY: Schema = {"type": "string", "format": "binary"}
_PATH: Schema = TEXT | {"description": "Below the client's external folder."}
_BY_PATH = object_of(("recipientGroupId", PATH), **_FIELDS, **{PATH: _PATH})
_FORM = object_of((FILE,), **{FILE: _BINARY, DOCUMENT: object_of((), **_FIELDS)}, **_FIELDS)
IMPORT_REQUEST = either(_BY_PATH) | {"multipart/form-data": _FORM}
IMPORT_PARAMETERS = [OpenApiParameter("dryRun", bool, default=False)]
_RECORDS = list_of(object_of(line=NUMBER, fields=list_of(TEXT), reason=MAYBE))
_LOOKED_AT = resource(
    "importPreviews",
    object_of(
        encoding=TEXT,
        csvSeparator=TEXT,
        columns=list_of(object_of(("name", "meaning"), name=TEXT, meaning=TEXT)),
        total=NUMBER,
        records=_RECORDS,
        lookedAtCount=NUMBER,
        duplicateLineCount=NUMBER,
        invalidLineCount=NUMBER,
        invalidRecords=_RECORDS,
    ),
)
IMPORT = answer({"oneOf": [resource("jobResponses", object_of()), _LOOKED_AT]})
_COUNT: Schema = NUMBER | {"nullable": True}
IMPORTED = answer(
    resource(
        "imports",
        object_of(
            status=TEXT,
            reason=MAYBE,
            createdAt=MOMENT,
            finishedAt=MOMENT | {"nullable": True},
            total=NUMBER | {"nullable": True},
            completed=NUMBER | {"nullable": True},
            newLineCount=_COUNT,
            changedLineCount=_COUNT,
            duplicateLineCount=_COUNT,
            invalidLineCount=NUMBER,
        ),
    )
)


GROUP_PARAMETERS = list_parameters("name", GROUP_SORTABLE, "name")
RECIPIENT_PARAMETERS = list_parameters(
    "createdAt", RECIPIENT_SORTABLE, "recipientGroupId", "emailAddress", "name", "partnerRef"
)


def operation(name: str, summary: str, success: dict[str, Schema], **more: Any) -> Callable[[View], View]:
    """Describes one operation of this door."""
    return openapi.operation(name, summary, success, tag="recipient", meta=META, refused_as=(JSON_API,), **more)
