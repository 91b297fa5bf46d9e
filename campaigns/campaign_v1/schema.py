"""What the published OpenAPI document says of this door."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiParameter

from campaigns.campaign_v1.request import LEG_IDS, SORTABLE
from campaigns.estimating import Basis
from campaigns.published import MAYBE, META, UUID, answer, either, list_parameters, resource
from campaigns.states import CampaignStatus
from gateway import openapi
from gateway.openapi import MOMENT, NUMBER, TEXT, Schema, View, list_of, object_of
from gateway.rest import JSON_API
from sending.states import Status

_LATER: Schema = MOMENT | {"nullable": True}
_COUNT: Schema = NUMBER | {"nullable": True}
_STATUS: Schema = {"type": "string", "enum": list(CampaignStatus)}
_LEG_FIELDS: dict[str, Schema] = {
    "title": MAYBE | {"maxLength": 200},
    "recipientGroupId": UUID,
    "messageType": TEXT | {"maxLength": 100},
    "messageTypeVersion": _COUNT | {"minimum": 1},
    "channel": TEXT | {"default": "EMAIL"},
    "fromAddress": MAYBE | {"maxLength": 100},
    "fromName": MAYBE | {"maxLength": 100},
    "sendAt": _LATER,
    "messagesPerMinute": _COUNT | {"minimum": 1},
}
_NEW_LEG = object_of(("recipientGroupId", "messageType"), **_LEG_FIELDS)
_CHANGED_LEG = object_of(("recipientGroupId", "messageType"), legId=TEXT, **_LEG_FIELDS)
_TITLE: Schema = TEXT | {"maxLength": 200}
NEW_CAMPAIGN = either(object_of(("title",), title=_TITLE, legs=list_of(_NEW_LEG)))
CHANGED_CAMPAIGN = either(
    object_of(
        title=_TITLE,
        legs=list_of(_CHANGED_LEG) | {"description": "All that it is to have; those without legId are new."},
    )
)
_CAMPAIGN = resource(
    "campaigns",
    object_of(
        title=_TITLE,
        status=_STATUS,
        createdAt=MOMENT,
        updatedAt=MOMENT,
        startedAt=_LATER,
        closedAt=_LATER,
        legs=list_of(object_of((), legId=TEXT, **_LEG_FIELDS, pausedAt=_LATER)),
    ),
)
CAMPAIGN, CAMPAIGNS = answer(_CAMPAIGN), answer(list_of(_CAMPAIGN))
DONE = answer(resource("campaignResponses", object_of()))
JOB = answer(resource("jobResponses", object_of()))
SENT = answer(resource("sendResponse", object_of(), TEXT))
START = either(object_of(legIds=list_of(TEXT)))
CANCEL = either(object_of(reason=TEXT | {"maxLength": 1000}))
TEST = either(object_of(("legId", "recipientId", "to"), legId=TEXT, recipientId=TEXT, to=TEXT))
REPORT = answer(
    resource(
        "campaignReports",
        object_of(
            status=_STATUS,
            startedAt=_LATER,
            closedAt=_LATER,
            legs=list_of(
                object_of(
                    (),
                    legId=TEXT,
                    title=MAYBE,
                    **dict.fromkeys(
                        ("runs", "recipients", "skipped", "messages", "out", "suppressed", "opened"), NUMBER
                    ),
                    statuses=object_of((), **dict.fromkeys(map(str, Status), NUMBER)),
                )
            ),
        ),
    )
)
ESTIMATE = answer(
    resource(
        "campaignEstimates",
        object_of(
            legs=list_of(
                object_of(
                    (),
                    legId=TEXT,
                    **dict.fromkeys(("recipients", "withoutAddress", "suppressed", "messages"), NUMBER),
                    messagesPerMinute={"type": "number", "nullable": True},
                    basis=MAYBE | {"enum": [*filter(None, Basis), None]},
                    seconds=_COUNT,
                )
            )
        ),
    )
)
_HTML = MAYBE | {"description": "As it was written: show it only where it can do nothing, in a sandboxed frame."}
PREVIEW = answer(
    resource(
        "campaignPreviews",
        object_of(
            legId=TEXT,
            channel=TEXT,
            recipientName=TEXT,
            recipientEmailAddress=MAYBE,
            subject=MAYBE,
            text=MAYBE,
            html=_HTML,
            problems=list_of(TEXT),
        ),
        TEXT,
    )
)
LIST_PARAMETERS = [
    *list_parameters("-createdAt", SORTABLE, "title"),
    OpenApiParameter("statuses", str, many=True, enum=list(CampaignStatus)),
]
ESTIMATE_PARAMETERS = [OpenApiParameter(LEG_IDS, str, many=True)]
PREVIEW_PARAMETERS = [
    OpenApiParameter("legId", str, required=True),
    OpenApiParameter("recipientId", str, required=True),
]


def operation(name: str, summary: str, success: dict[str, Schema], **more: Any) -> Callable[[View], View]:
    """Describes one operation of this door."""
    return openapi.operation(name, summary, success, tag="campaign", meta=META, refused_as=(JSON_API,), **more)
