"""From the outward names of campaigns to ours, with what this version tolerates.

Null is the same as nothing. What an answer shows may come back with a change as it was read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from django.utils.datastructures import MultiValueDict
from pydantic import BeforeValidator, Field, StrictInt

from campaigns.editing import Legs
from campaigns.reading import Body, Identifier, Moment, Text, Uuid, identifier, line
from campaigns.services import Leg
from campaigns.states import CampaignStatus
from gateway.declared import read
from gateway.errors import Code, Problem
from gateway.listing import ListParameters, Page

NAMES = {
    "group_uuid": "recipientGroupId",
    "message_type": "messageType",
    "message_type_version": "messageTypeVersion",
    "from_address": "fromAddress",
    "from_name": "fromName",
    "send_at": "sendAt",
    "messages_per_minute": "messagesPerMinute",
    "leg_id": "legId",
    "leg_ids": "legIds",
}
# Of a letter that is looked at: what is wrong with it is told of the recipient, as the recipients' door names it.
OF_PREVIEW = NAMES | {
    "recipient_name": "name",
    "recipient_email_address": "emailAddress",
    "recipient_postal_address": "postalAddress",
    "partner_ref": "partnerRef",
}
# Of a letter that is tried, where the caller says only whose it is and whom it goes to.
TEST_NAMES = {
    "recipient_email_address": "to",
    **dict.fromkeys(
        ("leg_id", "channel", "message_type", "message_type_version", "from_address", "from_name"), "legId"
    ),
    **dict.fromkeys(("properties", "recipient_name", "recipient_postal_address", "partner_ref"), "recipientId"),
}
SORTABLE = {
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "startedAt": "started_at",
    "title": "title",
    "status": "status",
}
LEG_IDS = "legIds"
_LARGEST = 2**31 - 1
_MOST_LEGS = 1000
_LONGEST_FILTER = 200
_READ_ONLY = frozenset({"status", "createdAt", "updatedAt", "startedAt", "closedAt"})
_READ_ONLY_OF_LEG = frozenset({"pausedAt"})


class _NewLeg(Body):
    title: Annotated[Text, line(200)] = ""
    group_uuid: Uuid = Field(alias="recipientGroupId")
    message_type: Annotated[str, line(100)] = Field(alias="messageType")
    message_type_version: Annotated[StrictInt, Field(ge=1, le=_LARGEST)] | None = Field(
        None, alias="messageTypeVersion"
    )
    channel: Annotated[str, line(20), BeforeValidator(lambda value: "EMAIL" if value is None else value)] = "EMAIL"
    from_address: Annotated[Text, line(100)] = Field("", alias="fromAddress")
    from_name: Annotated[Text, line(100)] = Field("", alias="fromName")
    send_at: Moment | None = Field(None, alias="sendAt")
    messages_per_minute: Annotated[StrictInt, Field(ge=1, le=_LARGEST)] | None = Field(
        None, alias="messagesPerMinute"
    )  # fmt: skip

    @property
    def leg(self) -> Leg:
        """As the core knows it."""
        return Leg(**{name: getattr(self, name) for name in Leg.__dataclass_fields__})


class _Leg(_NewLeg):
    leg_id: Identifier | None = Field(None, alias="legId")


def _shown_leg(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: item for name, item in value.items() if name not in _READ_ONLY_OF_LEG}
    return value


OneLeg = Annotated[_Leg, BeforeValidator(_shown_leg)]
LegList = Annotated[list[OneLeg], Field(max_length=_MOST_LEGS)]


class NewCampaign(Body):
    """A campaign to be made."""

    title: Annotated[Text, line(200)]
    legs: Annotated[
        list[_NewLeg], Field(max_length=_MOST_LEGS), BeforeValidator(lambda value: [] if value is None else value)
    ] = []


class ChangedCampaign(Body):
    """What is to change of a campaign."""

    title: Annotated[Text, line(200)] = ""
    legs: LegList | None = None

    @property
    def wanted_title(self) -> str | None:
        """None where it stays as it is."""
        return self.title if "title" in self.model_fields_set else None

    @property
    def wanted_legs(self) -> Legs | None:
        """All legs that it is to have; None where they stay as they are."""
        return None if self.legs is None else [(leg.leg_id, leg.leg) for leg in self.legs]


def _listed(value: Any) -> Any:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


class Start(Body):
    """Which legs to send; all where none is named."""

    leg_ids: Annotated[list[Identifier], BeforeValidator(_listed), Field(max_length=_MOST_LEGS)] = Field(
        [], alias="legIds"
    )


class Cancel(Body):
    """Why a campaign is cancelled."""

    reason: Annotated[Text, line(1000)] = ""


class Test(Body):
    """A letter to be looked at by somebody else."""

    leg_id: Identifier = Field(alias="legId")
    recipient_id: Identifier = Field(alias="recipientId")
    to: Annotated[str, line(100)]


class Nothing(Body):
    """A command that takes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Find:
    """Which campaigns, and which of them to show."""

    page: Page
    title: str
    statuses: Sequence[str]


def read_new(data: Mapping[str, Any]) -> NewCampaign:
    """Raises Refusal with every problem (1001, 1002, 1004)."""
    return read(NewCampaign, data)


def read_changed(data: Mapping[str, Any]) -> ChangedCampaign:
    """Raises Refusal with every problem (1001, 1002, 1004)."""
    return read(ChangedCampaign, {name: value for name, value in data.items() if name not in _READ_ONLY})


def read_find(query: MultiValueDict[str, str]) -> Find:
    """The list that a query string asks for; raises Refusal with every problem (1002, 1004)."""
    parameters = ListParameters(query, names=("title", "statuses"))
    page = parameters.page(sortable=SORTABLE)
    known = list(CampaignStatus)
    statuses = [*parameters.many("status", allowed=known), *parameters.many("statuses", allowed=known)]
    title = parameters.text("title", longest=_LONGEST_FILTER)
    parameters.check()
    return Find(page=page, title=title, statuses=statuses)


def read_leg_ids(query: MultiValueDict[str, str]) -> list[int]:
    """The legs that a query string names."""
    parameters = ListParameters(query, names=(LEG_IDS,))
    found = [identifier(text) for text in parameters.many(LEG_IDS)]
    if None in found:
        parameters.problems.append(_no_id(LEG_IDS))
    parameters.check()
    return [pk for pk in found if pk is not None]


def read_preview(query: MultiValueDict[str, str]) -> tuple[int, int]:
    """The leg and the recipient that a query string names; raises 1001 and 1002."""
    parameters = ListParameters(query, names=("legId", "recipientId"))
    found = []
    for name in ("legId", "recipientId"):
        text = parameters.text(name, longest=_LONGEST_FILTER)
        found.append(identifier(text) or 0)
        if not text:
            problem = Problem(code=Code.REQUIRED, sentence="required", field=(name,), parameter=True)
            parameters.problems.append(problem)
        elif not found[-1]:
            parameters.problems.append(_no_id(name))
    parameters.check()
    return found[0], found[1]


def _no_id(name: str) -> Problem:
    return Problem(code=Code.INVALID, sentence="must be an id", field=(name,), parameter=True)
