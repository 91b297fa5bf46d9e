"""What the published OpenAPI document says of this door."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiParameter

from gateway import openapi
from gateway.openapi import MOMENT, NUMBER, TEXT, Schema, View, list_of, object_of
from jobs.job_v1.request import SORTABLE
from jobs.services import MOST_IDS
from jobs.states import EventName, Status

JSON = "application/json"
JSON_API = "application/vnd.api+json"

_UUID: Schema = {"type": "string", "format": "uuid"}
_MAYBE: Schema = {**MOMENT, "nullable": True}
_STATUS: Schema = {"type": "string", "enum": list(Status)}
_PAIRS = list_of(object_of(("key", "value"), key=TEXT, value=TEXT))
_RESPONSE_STATUS = object_of(("code", "messages"), code=NUMBER, messages=list_of(TEXT))
_META = object_of(("params", "responseStatus"), total=NUMBER, params=_PAIRS, responseStatus=_RESPONSE_STATUS)


def _resource(kind: str, attributes: Schema) -> Schema:
    return object_of(
        ("type", "id", "attributes"), type={"type": "string", "enum": [kind]}, id=_UUID, attributes=attributes
    )


def _answer(data: Schema) -> dict[str, Schema]:
    return {JSON_API: object_of(("data", "meta"), data=data, meta=_META)}


def _either(attributes: Schema) -> dict[str, Schema]:
    data = object_of(("type",), type=TEXT, id=TEXT, attributes=attributes)
    return {JSON: attributes, JSON_API: object_of(("data",), data=data)}


_JOB = _resource(
    "jobs",
    object_of(
        ("jobClass", "status", "createdAt", "startedAt", "finishedAt", "updatedAt", "jobParams"),
        jobClass=TEXT,
        status=_STATUS,
        createdAt=MOMENT,
        startedAt=_MAYBE,
        finishedAt=_MAYBE,
        updatedAt=MOMENT,
        jobParams=_PAIRS,
        total=NUMBER,
        completed=NUMBER,
    ),
)
JOB = _answer(_JOB)
JOBS = _answer(list_of(_JOB))
EVENTS = _answer(
    list_of(
        _resource("jobEvents", object_of(createdAt=MOMENT, eventName={"type": "string", "enum": list(EventName)})),
    )
)
INFO = _answer(
    _resource(
        "getJobInfoResults",
        object_of(
            jobInfo=object_of(
                jobId=NUMBER,
                jobStatus=_STATUS,
                jobClass=TEXT,
                createdAt=MOMENT,
                startedAt=_MAYBE,
                finishedAt=_MAYBE,
                progressPct={"type": "integer", "minimum": 0, "maximum": 100},
                jobParams=_PAIRS,
            )
        ),
    )
)
DONE = _answer(_resource("jobResponses", object_of()))

_NAMES = list_of({"oneOf": [NUMBER, TEXT]}, maxItems=MOST_IDS)
TRIGGER = _either(object_of(jobName=TEXT, legIds=list_of(TEXT), params=_PAIRS))
SET_STATUS = _either(object_of(("jobStatus",), jobId=_NAMES, uuids=_NAMES, jobStatus=_STATUS, reason=TEXT))

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


def operation(name: str, summary: str, success: dict[str, Schema], **more: Any) -> Callable[[View], View]:
    """Describes one operation of this door."""
    return openapi.operation(name, summary, success, tag="job", meta=_META, **more)
