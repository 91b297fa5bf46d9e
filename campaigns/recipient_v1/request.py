"""From the outward names of groups and recipients to ours, with what this version tolerates.

Null is the same as nothing, in a change too: it empties. What an answer shows may come back with a change as it was
read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from uuid import UUID

from django.utils.datastructures import MultiValueDict
from pydantic import AfterValidator, BeforeValidator, Field

from campaigns.columns import MEMBERS
from campaigns.reading import Body, Text, Uuid, line
from campaigns.recipient_rules import Person, problems_of
from gateway.declared import read, wrong
from gateway.errors import Code, Problem, Refusal
from gateway.listing import ListParameters, Page

M = TypeVar("M", bound=Body)

GROUP_NAMES = {"name": "name", "description": "description"}
PERSON_NAMES = {
    "name": "name",
    "email_address": "emailAddress",
    "postal_address": "postalAddress",
    "partner_ref": "partnerRef",
    "language": "language",
    "time_zone": "timeZone",
    "properties": "properties",
    "group_uuid": "recipientGroupId",
}
GROUP_SORTABLE = {"name": "name", "createdAt": "created_at", "updatedAt": "updated_at"}
# They come one after another: by number is by time, and what each page is read by.
RECIPIENT_SORTABLE = {
    "createdAt": "id",
    "updatedAt": "updated_at",
    "name": "name",
    "emailAddress": "email_address",
    "partnerRef": "partner_ref",
}
RECIPIENT_FILTERS = ("recipientGroupId", "emailAddress", "name", "partnerRef")
_LONGEST_DESCRIPTION = 10_000
_LONGEST_FILTER = 100
_READ_ONLY = frozenset({"createdAt", "updatedAt", "recipientCount"})


class _Pair(Body):
    key: str
    value: Text = ""


def _pairs(pairs: list[_Pair]) -> list[_Pair]:
    keys = [pair.key for pair in pairs]
    if doubled := [key for index, key in enumerate(keys) if key in keys[:index]]:
        raise wrong(f"{doubled[0][:100]} is there twice")
    return pairs


def _description(text: str) -> str:
    if len(text) > _LONGEST_DESCRIPTION:
        raise wrong(f"must be at most {_LONGEST_DESCRIPTION} characters long")
    return text


Pairs = Annotated[
    list[_Pair], AfterValidator(_pairs), BeforeValidator(lambda value: [] if value is None else value),
    Field(max_length=1000),
]  # fmt: skip
Description = Annotated[Text, AfterValidator(_description)]


class NewGroup(Body):
    """A group to be made."""

    name: Annotated[Text, line(100)]
    description: Description = ""


class ChangedGroup(Body):
    """What is to change of a group."""

    name: Annotated[Text, line(100)] = ""
    description: Description = ""

    @property
    def values(self) -> dict[str, str]:
        """What was given."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class _Members(Body):
    name: Text = ""
    email_address: Text = Field("", alias="emailAddress")
    postal_address: Text = Field("", alias="postalAddress")
    partner_ref: Text = Field("", alias="partnerRef")
    language: Text = ""
    time_zone: Text = Field("", alias="timeZone")
    properties: Pairs = []

    @property
    def values(self) -> dict[str, Any]:
        """What was given, by the members of Person."""
        given = {name: getattr(self, name) for name in self.model_fields_set if name in Person.__dataclass_fields__}
        if "properties" in given:
            given["properties"] = {pair.key: pair.value for pair in self.properties}
        return given


class NewRecipient(_Members):
    """A recipient to be put into a group."""

    group_uuid: Uuid = Field(alias="recipientGroupId")


class ChangedRecipient(_Members):
    """What is to change of a recipient, which stays in its group."""

    group_uuid: Uuid | None = Field(None, alias="recipientGroupId")


@dataclass(frozen=True, slots=True, kw_only=True)
class FindGroups:
    """Which groups, and which of them to show."""

    page: Page
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FindRecipients:
    """Which recipients, and which of them to show."""

    page: Page
    group: UUID | None
    email_address: str
    name: str
    partner_ref: str


def read_new_group(data: Mapping[str, Any]) -> NewGroup:
    """Raises Refusal with every problem (1001, 1002, 1004)."""
    return read(NewGroup, data)


def read_changed_group(data: Mapping[str, Any]) -> ChangedGroup:
    """Raises Refusal with every problem (1002, 1004)."""
    return read(ChangedGroup, _without_shown(data))


def read_new_recipient(data: Mapping[str, Any]) -> NewRecipient:
    """Raises Refusal with every problem (1001, 1002, 1004)."""
    return _read_person(NewRecipient, data)


def read_changed_recipient(data: Mapping[str, Any]) -> ChangedRecipient:
    """Raises Refusal with every problem (1002, 1004)."""
    return _read_person(ChangedRecipient, _without_shown(data))


def _read_person(model: type[M], data: Mapping[str, Any]) -> M:
    try:
        return read(model, data)
    except Refusal as refusal:
        raise Refusal([*refusal.problems, *_other_problems(data, refusal)]) from refusal


def _other_problems(data: Mapping[str, Any], refusal: Refusal) -> Iterator[Problem]:
    """What is wrong with the texts of a refused recipient that were read well."""
    refused = {problem.field[0] for problem in refusal.problems if problem.field}
    given = {member: data.get(PERSON_NAMES[member]) for member in MEMBERS if PERSON_NAMES[member] not in refused}
    texts: dict[str, Any] = {member: value for member, value in given.items() if isinstance(value, str)}
    person = Person(**texts)
    for member, sentence in problems_of(person):
        if texts.get(member):
            yield Problem(code=Code.INVALID, sentence=sentence, field=(PERSON_NAMES[member],))


def read_find_groups(query: MultiValueDict[str, str]) -> FindGroups:
    """The list that a query string asks for; raises Refusal with every problem (1002, 1004)."""
    parameters = ListParameters(query, names=("name",))
    page = parameters.page(sortable=GROUP_SORTABLE, default="name")
    name = parameters.text("name", longest=_LONGEST_FILTER)
    parameters.check()
    return FindGroups(page=page, name=name)


def read_find_recipients(query: MultiValueDict[str, str]) -> FindRecipients:
    """The same for recipients."""
    parameters = ListParameters(query, names=RECIPIENT_FILTERS)
    page = parameters.page(sortable=RECIPIENT_SORTABLE, default="createdAt")
    group = parameters.text("recipientGroupId", longest=_LONGEST_FILTER)
    found = FindRecipients(
        page=page,
        group=_group(group, parameters) if group else None,
        email_address=parameters.text("emailAddress", longest=_LONGEST_FILTER),
        name=parameters.text("name", longest=_LONGEST_FILTER),
        partner_ref=parameters.text("partnerRef", longest=_LONGEST_FILTER),
    )
    parameters.check()
    return found


def _group(text: str, parameters: ListParameters) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        problem = Problem(code=Code.INVALID, sentence="must be a uuid", field=("recipientGroupId",), parameter=True)
        parameters.problems.append(problem)
        return None


def _without_shown(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name not in _READ_ONLY}
