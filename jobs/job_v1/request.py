"""From the outward names of Job V1 to our commands, with every tolerance of this contract (contract job_v1).

Every face brings plain data: REST its query or JSON, SOAP its elements by name.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, TypeVar

from django.utils.datastructures import MultiValueDict
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from gateway.body_key import Placed
from gateway.errors import Code, Problem, Refusal, not_found, refuse
from gateway.listing import ListParameters, Page
from jobs.job_v1.fields import JobIds, LegIds, StatusName, Text, Uuids, Word, job_id, listed, unwrapped
from jobs.params import MOST_PARAMS, Pairs
from jobs.services import JobId
from jobs.states import Status

C = TypeVar("C", bound="Command")

SORTABLE = {
    "createdAt": "created_at",
    "startedAt": "started_at",
    "finishedAt": "finished_at",
    "updatedAt": "updated_at",
    "jobClass": "job_class",
    "status": "status",
}
FILTERS = ("rootJobId", "jobClasses", "statuses", "createdAtFrom", "createdAtTo")
# A list of the contract with the name of its items where they are wrapped.
WRAPPERS = {"jobClasses": "jobClass", "statuses": "status"}
_LONGEST_NAME = 100
_MOST_REPORTED = 100
_NOTHING: tuple[Any, ...] = (None, "", [], {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Find:
    """Which jobs, and which of them to show."""

    page: Page
    root: JobId | None
    job_classes: Sequence[str]
    statuses: Sequence[str]
    created_from: datetime | None
    created_to: datetime | None


class _Meta(BaseModel):
    client_hash_key: Word = Field("", alias="clientHashKey")
    user_name: Word = Field("", alias="userName")


class _Pair(BaseModel):
    model_config = ConfigDict(extra="forbid")
    key: Word = ""
    value: Text = ""


class Command(BaseModel):
    """Who asks, as every request may say in its body."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    request_meta: Annotated[_Meta | None, BeforeValidator(lambda value: value or None)] = Field(
        None, alias="requestMeta"
    )
    client_hash_key: Word = Field("", alias="clientHashKey")
    user_name: Word = Field("", alias="userName")
    params: Annotated[list[_Pair], listed("param", MOST_PARAMS, "parameters")] = []

    @property
    def client_hash_keys(self) -> list[Placed]:
        """Each key in it, with its place."""
        in_meta = self.request_meta.client_hash_key if self.request_meta else ""
        return [(value, path) for value, path in ((self.client_hash_key, _KEY), (in_meta, _KEY_IN_META)) if value]

    @property
    def user_names(self) -> list[Placed]:
        """Each user's name in it, with its place."""
        in_meta = self.request_meta.user_name if self.request_meta else ""
        return [(value, path) for value, path in ((self.user_name, _USER), (in_meta, _USER_IN_META)) if value]

    @property
    def pairs(self) -> Pairs:
        """The parameters as the core knows them."""
        return [(pair.key, pair.value) for pair in self.params]


class Trigger(Command):
    """Run a defined trigger now."""

    job_name: Word = Field("", alias="jobName")
    leg_ids: LegIds = Field([], alias="legIds")


class SetStatus(Command):
    """Bring jobs to a status; ``id`` names the request itself and means nothing here."""

    id: Any = None
    job_id: JobIds = Field([], alias="jobId")
    uuids: Uuids = []
    job_status: StatusName = Field("", alias="jobStatus")
    reason: Text = ""

    @property
    def ids(self) -> list[JobId]:
        """The jobs named, however they were."""
        return [*self.uuids, *self.job_id]


class Show(Command):
    """One job, by either of its names."""

    uuid: Word = ""
    job_id: Word = Field("", alias="jobId")


_KEY, _KEY_IN_META = ("clientHashKey",), ("requestMeta", "clientHashKey")
_USER, _USER_IN_META = ("userName",), ("requestMeta", "userName")
_ASKED = frozenset({"requestMeta", "clientHashKey", "userName", "params"})


def read_find(fields: MultiValueDict[str, str]) -> Find:
    """The list that a query string asks for; raises Refusal with every problem (1002, 1004)."""
    parameters = ListParameters(fields, names=FILTERS)
    page = parameters.page(sortable=SORTABLE)
    root_text = parameters.text("rootJobId", longest=_LONGEST_NAME)
    root = job_id(root_text) if root_text else None
    if root_text and root is None:
        words = "must be a job's uuid or number"
        parameters.problems.append(
            Problem(code=Code.INVALID, sentence=words, field=("rootJobId",), parameter=True)
        )  # fmt: skip
    found = Find(
        page=page,
        root=root,
        job_classes=[*parameters.many("jobClasses"), *parameters.many("jobClass")],
        statuses=[
            *parameters.many("statuses", allowed=list(Status)),
            *parameters.many("status", allowed=list(Status)),
        ],
        created_from=parameters.moment_from("createdAtFrom"),
        created_to=parameters.moment_to("createdAtTo"),
    )
    parameters.check()
    return found


def read_relatives(fields: MultiValueDict[str, str]) -> Page:
    """Which of a job's relatives to show; the oldest first unless asked otherwise."""
    parameters = ListParameters(fields)
    page = parameters.page(sortable=SORTABLE, default="createdAt")
    parameters.check()
    return page


def read_find_fields(data: Mapping[str, Any], *, known: Collection[str]) -> Find:
    """The same from plain data, wrapped lists or bare; ``known`` are the fields that this face takes."""
    fields: MultiValueDict[str, str] = MultiValueDict()
    problems = []
    for name, value in data.items():
        if name in known:
            items = unwrapped(value, WRAPPERS.get(name, name))
            if all(isinstance(item, str | int) for item in items):
                fields.setlist(name, [str(item).strip() for item in items])
            else:
                problems.append(Problem(code=Code.INVALID, sentence="must be text", field=(name,)))
        elif name not in _ASKED:
            problems.append(Problem(code=Code.UNKNOWN_FIELD, sentence="unknown field", field=(name[:_LONGEST_NAME],)))
    try:
        found = read_find(fields)
    except Refusal as refusal:
        raise Refusal([*refusal.problems, *problems][:_MOST_REPORTED]) from refusal
    if problems:
        raise Refusal(problems[:_MOST_REPORTED])
    return found


def read_name(text: str) -> JobId:
    """The job that an address names; what is no job's name at all is not found either."""
    found = job_id(text)
    if found is None:
        raise not_found(f"job {text[:40]}")
    return found


def read_show(data: Mapping[str, Any]) -> JobId:
    """The one job that a request names by ``uuid`` or ``jobId``; raises 1001, 1003, 1004 and 3000."""
    asked = _read(Show, data, required={"uuid": ("uuid", "jobId")})
    if asked.uuid and asked.job_id and asked.uuid.lower() != asked.job_id.lower():
        raise refuse(Code.EXCLUSIVE, "not together with uuid", "jobId")
    return read_name(asked.uuid or asked.job_id)


def read_trigger(data: Mapping[str, Any]) -> Trigger:
    """Raises Refusal with every problem (1001, 1002, 1004)."""
    return _read(Trigger, data, required={"jobName": ("jobName",)})


def read_set_status(data: Mapping[str, Any]) -> SetStatus:
    """Raises Refusal with every problem (1001, 1002, 1004)."""
    return _read(SetStatus, data, required={"jobId": ("uuids", "jobId"), "jobStatus": ("jobStatus",)})


@contextmanager
def outward(data: Mapping[str, Any]) -> Iterator[None]:
    """What a service refuses, with the names that the caller used in ``data``."""
    try:
        yield
    except Refusal as refusal:
        ids = next((name for name in ("uuids", "jobId") if data.get(name) not in _NOTHING), "jobId")
        names = {"name": "jobName", "job_class": "jobName", "leg_ids": "legIds", "status": "jobStatus", "ids": ids}
        problems = [
            replace(problem, field=(names.get(str(first), first), *rest)) if problem.field else problem
            for problem in refusal.problems
            for first, *rest in [problem.field or ("",)]
        ]
        raise Refusal(problems, retry_after=refusal.retry_after) from refusal


def _read(model: type[C], data: Mapping[str, Any], *, required: Mapping[str, Iterable[str]]) -> C:
    """The model, each thing that is wrong and each thing that is missing told at once, in the contract's order."""
    problems: list[Problem] = []
    found = None
    try:
        found = model.model_validate(data)
    except ValidationError as error:
        problems = [_problem(detail, data) for detail in error.errors(include_url=False, include_input=False)]
    for name, spellings in required.items():
        if all(data.get(spelling) in _NOTHING for spelling in spellings):
            problems.append(Problem(code=Code.REQUIRED, sentence="required", field=(name,)))
    if found is None or problems:
        # What every request may have comes last.
        fields = sorted(model.model_fields.items(), key=lambda item: item[0] in Command.model_fields)
        order = {field.alias or name: index for index, (name, field) in enumerate(fields)}
        problems.sort(key=lambda problem: order.get(str(problem.field[0]), len(order)))
        raise Refusal(problems[:_MOST_REPORTED])
    return found


def _problem(detail: Mapping[str, Any], data: Mapping[str, Any]) -> Problem:
    path: tuple[str | int, ...] = tuple(detail["loc"])
    if len(path) > 1 and isinstance(path[1], int) and not isinstance(data.get(str(path[0])), list):
        # One value, or a wrapped list: the caller wrote no place in a list.
        path = (path[0], *path[2:])
    if detail["type"] == "extra_forbidden":
        *outer, name = path
        return Problem(code=Code.UNKNOWN_FIELD, sentence="unknown field", field=(*outer, str(name)[:_LONGEST_NAME]))
    sentence = detail.get("ctx", {}).get("sentence") or "must be an object"
    return Problem(code=Code.INVALID, sentence=sentence, field=path)
