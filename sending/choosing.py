"""Which messages are meant: filters as callers write them, read whatever face they came over, and the messages that
match."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from django.db.models import Q
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationError
from pydantic_core import PydanticCustomError

from gateway.caller import Caller
from gateway.dates import parse_moment
from gateway.errors import Code, Problem, Refusal, refuse
from gateway.models import ApiClient
from jobs import trees
from jobs.models import Job
from sending import finding, ranges
from sending.channels import channels
from sending.models import Message, TemplateVersion
from sending.models.message import MessageQuerySet
from sending.states import CLOSED, HeldFor, Status

MOST_VALUES = 1000
# What the parameter of a job may hold.
_LONGEST_FILTER = 10_000
_LARGEST_ID = 2**63 - 1
_MOST_REPORTED = 100
_LONGEST_NAME = 100


def _wrong(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("wrong", "{sentence}", {"sentence": sentence})


def _listed(value: Any) -> Any:
    """``A,B``, ``["A", "B"]`` and ``A`` mean the same."""
    items = value if isinstance(value, list | tuple) else [value]
    parts = [part for item in items for part in (item.split(",") if isinstance(item, str) else [item])]
    if not all(isinstance(part, str | int) for part in parts):
        raise _wrong("must be a list of values")
    return tuple(dict.fromkeys(part.strip() if isinstance(part, str) else part for part in parts))


def _number(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _LARGEST_ID:
        raise _wrong("must be a whole number above 0")
    return value


def _text(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.isprintable():
        raise _wrong("must be one line of text")
    return value


def _moment(value: Any) -> datetime:
    try:
        return value if isinstance(value, datetime) else parse_moment(value if isinstance(value, str) else "")
    except ValueError as error:
        raise _wrong(str(error)) from error


def _flag(value: Any) -> bool:
    word = value.lower() if isinstance(value, str) else value
    if word is True or word == "true":
        return True
    if word is False or word == "false":
        return False
    raise _wrong("must be true or false")


def _job(value: Any) -> str:
    """A job's number or uuid, as it is kept."""
    try:
        return str(UUID(value) if isinstance(value, str) and len(value) == 36 else _number(value))
    except (ValueError, PydanticCustomError) as error:
        raise _wrong("must be a job's number or uuid") from error


def _one_of(names: type[StrEnum]) -> BeforeValidator:
    def check(values: tuple[Any, ...]) -> tuple[Any, ...]:
        if not all(isinstance(value, str) and value in set(names) for value in values):
            raise _wrong(f"must be one of {', '.join(names)}")
        return values

    return BeforeValidator(lambda value: check(_listed(value)))


_Number = Annotated[int | None, BeforeValidator(_number)]
_Moment = Annotated[datetime | None, BeforeValidator(_moment)]
_Many = Field((), max_length=MOST_VALUES)
_Line = BeforeValidator(_text)


class Filter(BaseModel):
    """What messages must be to be meant; what is not said does not matter. ``status`` and ``channel`` may be one or
    several, a message matches with any of them."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    ids: Annotated[tuple[Annotated[int, BeforeValidator(_number)], ...], BeforeValidator(_listed)] = _Many
    status: Annotated[tuple[Status, ...], _one_of(Status)] = ()
    channel: Annotated[tuple[Annotated[str, _Line, Field(max_length=20)], ...], BeforeValidator(_listed)] = _Many
    held_for: Annotated[tuple[HeldFor, ...], _one_of(HeldFor)] = Field((), alias="heldFor")
    request_id: Annotated[str, _Line, Field(max_length=150)] = Field("", alias="requestId")
    batch_id: Annotated[str, _Line, Field(max_length=100)] = Field("", alias="batchId")
    partner_ref: Annotated[str, _Line, Field(max_length=100)] = Field("", alias="partnerRef")
    message_type: Annotated[str, _Line, Field(max_length=100)] = Field("", alias="messageType")
    created_from: _Moment = Field(None, alias="createdAtFrom")
    created_to: _Moment = Field(None, alias="createdAtTo")
    client: Annotated[str, _Line, Field(max_length=150)] = ""
    campaign_part_id: _Number = Field(None, alias="campaignPartId")
    job_id: Annotated[str, BeforeValidator(_job)] = Field("", alias="jobId")
    opened: Annotated[bool | None, BeforeValidator(_flag)] = None
    id_below: _Number = Field(None, alias="idBelow")
    search: Annotated[str, BeforeValidator(_text), AfterValidator(str.strip), Field(max_length=255)] = ""

    # How the caller spelt what cannot be judged before the database is asked.
    _channel_spelt: str = PrivateAttr("channel")

    @property
    def given(self) -> dict[str, Any]:
        """What is said, by its outward names, as JSON holds it."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    def as_json(self) -> str:
        """As a job keeps it, and ``read`` takes it."""
        return json.dumps(self.given, ensure_ascii=False, separators=(",", ":"))


NAMES = tuple(one.alias or name for name, one in Filter.model_fields.items())
# The lists of messages know some of them by these.
_ALSO = {"statuses": "status", "channels": "channel", "messageIds": "ids"}


def read(given: object) -> Filter:
    """Read a filter; raises Refusal with every problem, each at ("filter", its name as the caller spelt it). One that
    says nothing is refused: it would mean every message there is."""
    if not isinstance(given, Mapping):
        raise refuse(Code.REQUIRED if given is None else Code.INVALID, "must be an object with filters", "filter")
    plain, spelling, problems = _canonical(given)
    try:
        found = Filter.model_validate(plain)
    except ValidationError as error:
        problems += [_problem(detail, spelling) for detail in error.errors(include_url=False)]
        raise Refusal(dict.fromkeys(problems[:_MOST_REPORTED])) from error
    if problems:
        raise Refusal(problems[:_MOST_REPORTED])
    if not found.given:
        words = f"must say something, or it would mean every message: one of {', '.join(NAMES)}"
        raise refuse(Code.REQUIRED, words, "filter")
    found._channel_spelt = spelling.get("channel", "channel")
    if len(found.as_json()) > _LONGEST_FILTER:
        raise refuse(Code.INVALID, f"must be at most {_LONGEST_FILTER} characters of JSON", "filter")
    return found


def _canonical(given: Mapping[Any, Any]) -> tuple[dict[str, Any], dict[str, str], list[Problem]]:
    """The filters by their own names, how the caller spelt them, and what is given twice or says nothing: a program
    that found no ids, or no batch, must not be given all there are."""
    plain: dict[str, Any] = {}
    spelling: dict[str, str] = {}
    problems = []
    for spelt, value in given.items():
        name = _ALSO.get(str(spelt), str(spelt))
        if value is None:
            continue
        if value in ([], (), {}) or (isinstance(value, str) and not value.strip()):
            words = "must not be empty: leave it out"
            problems.append(Problem(code=Code.INVALID, sentence=words, field=("filter", str(spelt))))
        elif name in plain:
            words = f"not together with {spelling[name]}, which means the same"
            problems.append(Problem(code=Code.EXCLUSIVE, sentence=words, field=("filter", str(spelt))))
        else:
            plain[name], spelling[name] = value, str(spelt)
    return plain, spelling, problems


def _problem(detail: Any, spelling: Mapping[str, str]) -> Problem:
    name = str(detail["loc"][0])
    shown = "".join(part if part.isprintable() else "\N{REPLACEMENT CHARACTER}" for part in name[:_LONGEST_NAME])
    context = detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            words = f"unknown filter; known are {', '.join(NAMES)}"
            return Problem(code=Code.UNKNOWN_FIELD, sentence=words, field=("filter", shown))
        case "too_long":
            what = "characters long" if isinstance(detail["input"], str) else "values"
            words = f"must be at most {context['max_length']} {what}"
        case "string_type":
            words = "must be text"
        case _:
            words = str(detail["msg"])
    return Problem(code=Code.INVALID, sentence=words, field=("filter", spelling.get(name, shown)))


def check_channels(caller: Caller, wanted: Filter) -> None:
    """Raise Refusal for a channel that is not there, at its filter as the caller spelt it; one that was there is known
    as long as letters wait for it."""
    for name in wanted.channel:
        waiting = Message.objects.visible_to(caller).exclude(status__in=CLOSED).filter(channel=name)
        if name not in channels() and not waiting.exists():
            words = f"there is no channel {name}; known are {', '.join(sorted(channels()))}"
            raise refuse(Code.INVALID, words, "filter", wanted._channel_spelt)


def chosen(caller: Caller, wanted: Filter) -> MessageQuerySet:
    """The caller's messages that match, in no order; raises Refusal for a client or a job that is not there."""
    columns: dict[str, Any] = {
        "id__in": wanted.ids,
        "status__in": wanted.status,
        "channel__in": wanted.channel,
        "held_for__in": wanted.held_for,
        "request_id": wanted.request_id,
        "batch_id": wanted.batch_id,
        "partner_ref": wanted.partner_ref,
        "campaign_part_id": wanted.campaign_part_id,
        "id__lt": wanted.id_below,
    }
    rows = Message.objects.visible_to(caller).filter(**{name: value for name, value in columns.items() if value})
    rows = rows.filter(_of_client(caller, wanted.client), _of_job(caller, wanted.job_id))
    if wanted.message_type:
        versions = TemplateVersion.objects.filter(template__name=wanted.message_type)
        rows = rows.filter(template_version__in=list(versions.values_list("id", flat=True)))
    if wanted.opened is not None:
        rows = rows.in_inboxes().filter(opened_at__isnull=not wanted.opened)
    if wanted.created_from or wanted.created_to:
        rows = ranges.between(rows, wanted.created_from, wanted.created_to)
    return finding.find(rows, wanted.search)


def _of_client(caller: Caller, name: str) -> Q:
    if not name:
        return Q()
    if not caller.sees_all:
        raise refuse(Code.INVALID, "only who sees the messages of all clients may name one", "filter", "client")
    number = ApiClient.objects.filter(name=name).values_list("id", flat=True).first()
    if number is None:
        raise refuse(Code.INVALID, f"there is no client {name}", "filter", "client")
    return Q(client_id=number)


def _of_job(caller: Caller, name: str) -> Q:
    """Sent by that job or by those below it. A job known by its number may be forgotten already."""
    if not name:
        return Q()
    named = Q(pk=int(name)) if name.isdigit() else Q(uuid=name)
    number = Job.objects.visible_to(caller).filter(named).values_list("id", flat=True).first()
    if number is None and not name.isdigit():
        raise refuse(Code.INVALID, f"there is no job {name}", "filter", "jobId")
    below: Sequence[int] = trees.ids_below([number]) if number else [int(name)]
    # By the very condition of the index of a job's messages.
    return Q(job_id__in=below, job_id__isnull=False)
