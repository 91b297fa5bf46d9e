"""What the published OpenAPI document says of this door."""

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.utils import OpenApiParameter, extend_schema

from jobs.job_v1.request import SORTABLE
from jobs.services import MOST_IDS
from jobs.states import EventName, Status

JSON = "application/json"
JSON_API = "application/vnd.api+json"

Schema = dict[str, Any]
_View = TypeVar("_View", bound=Callable[..., Any])


def _object(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, **({"required": list(required)} if required else {})}


def _list(items: Schema, **limits: int) -> Schema:
    return {"type": "array", "items": items, **limits}


_TEXT: Schema = {"type": "string"}
_UUID: Schema = {"type": "string", "format": "uuid"}
_NUMBER: Schema = {"type": "integer"}
_MOMENT: Schema = {"type": "string", "format": "date-time"}
_MAYBE: Schema = {**_MOMENT, "nullable": True}
_STATUS: Schema = {"type": "string", "enum": list(Status)}
_PAIRS = _list(_object(("key", "value"), key=_TEXT, value=_TEXT))
_RESPONSE_STATUS = _object(("code", "messages"), code=_NUMBER, messages=_list(_TEXT))
_META = _object(("params", "responseStatus"), total=_NUMBER, params=_PAIRS, responseStatus=_RESPONSE_STATUS)


def _resource(kind: str, attributes: Schema) -> Schema:
    return _object(
        ("type", "id", "attributes"), type={"type": "string", "enum": [kind]}, id=_UUID, attributes=attributes
    )


def _answer(data: Schema) -> dict[str, Schema]:
    return {JSON_API: _object(("data", "meta"), data=data, meta=_META)}


def _either(attributes: Schema) -> dict[str, Schema]:
    data = _object(("type",), type=_TEXT, id=_TEXT, attributes=attributes)
    return {JSON: attributes, JSON_API: _object(("data",), data=data)}


_JOB = _resource(
    "jobs",
    _object(
        ("jobClass", "status", "createdAt", "startedAt", "finishedAt", "updatedAt", "jobParams"),
        jobClass=_TEXT,
        status=_STATUS,
        createdAt=_MOMENT,
        startedAt=_MAYBE,
        finishedAt=_MAYBE,
        updatedAt=_MOMENT,
        jobParams=_PAIRS,
        total=_NUMBER,
        completed=_NUMBER,
    ),
)
JOB = _answer(_JOB)
JOBS = _answer(_list(_JOB))
EVENTS = _answer(
    _list(
        _resource("jobEvents", _object(createdAt=_MOMENT, eventName={"type": "string", "enum": list(EventName)})),
    )
)
INFO = _answer(
    _resource(
        "getJobInfoResults",
        _object(
            jobInfo=_object(
                jobId=_NUMBER,
                jobStatus=_STATUS,
                jobClass=_TEXT,
                createdAt=_MOMENT,
                startedAt=_MAYBE,
                finishedAt=_MAYBE,
                progressPct={"type": "integer", "minimum": 0, "maximum": 100},
                jobParams=_PAIRS,
            )
        ),
    )
)
DONE = _answer(_resource("jobResponses", _object()))

_NAMES = _list({"oneOf": [_NUMBER, _TEXT]}, maxItems=MOST_IDS)
TRIGGER = _either(_object(jobName=_TEXT, legIds=_list(_TEXT), params=_PAIRS))
SET_STATUS = _either(_object(("jobStatus",), jobId=_NAMES, uuids=_NAMES, jobStatus=_STATUS, reason=_TEXT))

_SORT_FIELDS = [sign + name for name in SORTABLE for sign in ("", "-")]
PAGE_PARAMETERS = [
    OpenApiParameter("limit", int, default=20),
    OpenApiParameter("offset", int, default=0),
    OpenApiParameter("sort", str, description=f"Fields separated by commas: {', '.join(_SORT_FIELDS)}"),
]
FIND_PARAMETERS = [
    OpenApiParameter("rootJobId", str, description="A job's uuid or number: it and the whole tree below it."),
    OpenApiParameter("jobClasses", str, many=True),
    OpenApiParameter("statuses", str, many=True, enum=list(Status)),
    OpenApiParameter("createdAtFrom", str),
    OpenApiParameter("createdAtTo", str),
    *PAGE_PARAMETERS,
]
TRIGGER_PARAMETERS = [OpenApiParameter("jobName", str), OpenApiParameter("legIds", str, many=True)]

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
    """Describes one operation: its answer, and every failure of the catalogue."""
    failures = {(status, media_type): _FAILURE for status in _FAILURES for media_type in success}
    responses = {**{(200, media_type): schema for media_type, schema in success.items()}, **failures}
    return extend_schema(operation_id=name, summary=summary, responses=responses, auth=_AUTH, tags=["job"], **more)
