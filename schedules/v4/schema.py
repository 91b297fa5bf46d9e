"""What the published OpenAPI document says of this door."""

from functools import partial

from drf_spectacular.utils import OpenApiParameter

from gateway.openapi import NUMBER, TEXT, Schema, list_of, object_of
from sending.devices_v4.schema import operation as v4_operation

_UUID: Schema = {"type": "string", "format": "uuid"}
_FLAG: Schema = {"type": "boolean"}
_ANYTHING: Schema = {"type": "object", "additionalProperties": True}
_TEXTS: Schema = {"oneOf": [TEXT, list_of(TEXT)]}
_SLOT: Schema = TEXT | {"example": "2026-12-24 18:00:00"}
_ZONE: Schema = NUMBER | {"description": "1 = the site's clock, 2 = each recipient's own"}

_SINGLE = object_of(("time",), time=_SLOT, zone_type=_ZONE)
_INTELLIGENT = object_of(("backup_time",), backup_time=TEXT | {"example": "now"}, zone_type=_ZONE)
_PERIODICAL = object_of(
    ("start", "end", "time", "time_unit"),
    start=_SLOT,
    end=_SLOT,
    time=TEXT | {"example": "12:00:00"},
    time_unit=TEXT | {"enum": ["day", "week", "month"]},
    frequency=NUMBER | {"minimum": 1, "maximum": 100, "default": 1},
    point=list_of(TEXT) | {"example": ["MON", "FRI"]},
    zone_type=_ZONE,
)
_TRIGGER = object_of(single=_SINGLE, periodical=_PERIODICAL, intelligent=_INTELLIGENT) | {
    "description": "Exactly one of them."
}
PUSH = object_of(
    ("to", "body"),
    **{"from": TEXT},
    to={"oneOf": [TEXT | {"enum": ["all"]}, _ANYTHING]},
    body=object_of(("platform",), platform=_TEXTS, notification=_ANYTHING, message=_ANYTHING, options=_ANYTHING),
    request_id=TEXT,
    custom_args={"oneOf": [TEXT, _ANYTHING]},
)
_ORDER: Schema = {
    "oneOf": [
        PUSH,
        object_of(("send",), send=_ANYTHING | {"description": "A message of Send V2."}),
        object_of(("job",), job=object_of(("jobName",), jobName=TEXT, legIds=list_of(TEXT), params=_ANYTHING)),
    ]
}
CHANGE = object_of(name=TEXT, enabled=_FLAG, trigger=_TRIGGER, push=_ORDER)
SCHEDULE = CHANGE | {"required": list(CHANGE["properties"])}
DETAIL = CHANGE | {"properties": {"schedule_id": _UUID, **CHANGE["properties"]}}
CREATED = object_of(schedule_id=_UUID, name=TEXT)
LIST = object_of(total_count=NUMBER, total_pages=NUMBER, page=NUMBER, schedules=list_of(DETAIL))
MESSAGE_IDS = object_of(count=NUMBER, msgids=list_of(TEXT), MsgIds=list_of(TEXT))
PUSHED = object_of(request_id=TEXT, msg_id=TEXT)
NOTHING = None
LIST_PARAMETERS = [OpenApiParameter("page", int, default=1, description="50 schedules a page.")]
operation = partial(v4_operation, tag="schedules")
