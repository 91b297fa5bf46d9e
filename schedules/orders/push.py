"""A push to browsers at a time (contract schedules_v4, ``push``): the contract's own body of a create-push request,
kept as it was written."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Self

from django.db import transaction
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    StrictStr,
    model_validator,
)

from gateway.caller import Caller
from gateway.declared import exclusive, one_line, read, wrong
from gateway.errors import Code, Problem, Refusal, refuse
from jobs import callbacks
from jobs.context import Context
from jobs.registry import Outcome, Waiting
from schedules.models import Firing
from schedules.orders.base import Order, made
from sending import pushing, telling
from sending.audiences import Audience
from sending.pushing import DAY, LONGEST_NAME, LONGEST_TIME_TO_LIVE, MOST_NAMES, PushOrder, Urgency

_MOST_PLATFORMS = 100
_SHOWN = 10

_Word = Annotated[StrictStr, Field(min_length=1, max_length=LONGEST_NAME)]
_Line = Annotated[StrictStr, Field(max_length=LONGEST_NAME), AfterValidator(one_line)]
_Words = Annotated[list[_Word], Field(min_length=1, max_length=MOST_NAMES)]
# An empty object counts as absent.
_absent_when_empty = BeforeValidator(lambda value: None if value == {} else value)
_EVERYBODY = "all"


def _some(value: Any) -> Any:
    """None for all; pydantic, given a union, would tell of each of its kinds."""
    if value == _EVERYBODY:
        return None
    if not isinstance(value, dict) or not value:
        raise wrong('must be "all" or an object with tag, tag_and, tag_not, alias or registration_id')
    return value


def _text_or_object(value: Any) -> Any:
    if value is not None and not isinstance(value, str | dict):
        raise wrong("must be text or an object")
    return value


def _text_or_texts(value: Any) -> Any:
    """Client libraries list platforms; whatever they are, browsers are meant."""
    texts = value if isinstance(value, list) else [value]
    is_right = 0 < len(texts) <= _MOST_PLATFORMS and all(
        isinstance(text, str) and 0 < len(text) <= LONGEST_NAME for text in texts
    )
    if not is_right:
        raise wrong(f"must be text of 1 to {LONGEST_NAME} characters, or a list of at most {_MOST_PLATFORMS} such")
    return value


def _content(value: Any) -> Any:
    if not value or not isinstance(value, str | dict):
        raise wrong("must be text or an object, and not empty")
    return value


def _number_or_text(value: Any) -> Any:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | str)):
        raise wrong("must be a whole number or text")
    return value


class _Open(BaseModel):
    """What may have more members than are known here: the browser's page gets them too."""

    model_config = ConfigDict(extra="allow")


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _To(_Closed):
    tag: _Words | None = None
    tag_and: _Words | None = None
    tag_not: _Words | None = None
    alias: _Words | None = None
    registration_id: _Words | None = None

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if not any(self.model_dump().values()):
            raise wrong("must name somebody by tag, tag_and, tag_not, alias or registration_id")
        return self


class _Web(_Open):
    alert: StrictStr | None = None
    title: StrictStr | None = None
    url: StrictStr | None = None
    icon: StrictStr | None = None
    image: StrictStr | None = None
    extras: dict[str, Any] | None = None


class _Notification(_Open):
    alert: StrictStr | None = None
    web: Annotated[_Web | None, _absent_when_empty] = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.alert and not (self.web and self.web.alert):
            raise wrong("needs alert, here or in web")
        return self


class _Message(_Open):
    msg_content: Annotated[Any, BeforeValidator(_content)]
    title: StrictStr | None = None
    content_type: StrictStr | None = None
    extras: dict[str, Any] | None = None


class _Options(_Open):
    time_to_live: Annotated[StrictInt, Field(ge=0, le=LONGEST_TIME_TO_LIVE)] | None = None
    urgency: Urgency | None = None
    override_msg_id: Annotated[Any, BeforeValidator(_number_or_text)] = None


class _Body(_Closed):
    platform: Annotated[Any, BeforeValidator(_text_or_texts)]
    notification: Annotated[_Notification | None, _absent_when_empty] = None
    message: Annotated[_Message | None, _absent_when_empty] = None
    options: Annotated[_Options | None, _absent_when_empty] = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if self.notification and self.message:
            raise exclusive("takes notification or message, not both")
        if not self.notification and not self.message:
            raise wrong("needs notification or message")
        return self


class PushBody(_Closed):
    """A create-push request (contract schedules_v4, "Schedule")."""

    from_: _Line | None = Field(None, alias="from")
    to: Annotated[_To | None, BeforeValidator(_some)]
    body: _Body
    request_id: _Line | None = None
    custom_args: Annotated[Any, BeforeValidator(_text_or_object)] = None


def read_push(given: Mapping[str, Any]) -> PushOrder:
    """The order that a create-push request is; raises Refusal with everything that is wrong with it."""
    push = read(PushBody, given)
    options = push.body.options
    time_to_live = options.time_to_live if options else None
    body = given["body"]
    content = {name: body[name] for name in ("notification", "message") if body.get(name)}
    told = {key: value for key, value in (body.get("options") or {}).items() if not callbacks.is_callback_url(key)}
    if told:
        content["options"] = told
    if push.custom_args:
        content["custom_args"] = push.custom_args
    if (size := telling.size_of(content)) > telling.MOST_BYTES:
        sentence = f"is {size} bytes for a browser to read, must be at most {telling.MOST_BYTES}"
        raise refuse(Code.INVALID, sentence, "body")
    return PushOrder(
        content=content,
        audience=Audience(**_named(push.to)) if push.to else Audience(),
        request_id=push.request_id or "",
        time_to_live=DAY if time_to_live is None else time_to_live,
        callback_url=_callback_url(body.get("options") or {}),
    )


def _named(to: _To) -> dict[str, tuple[str, ...]]:
    return {name: tuple(values) for name, values in to.model_dump(exclude_none=True).items()}


def _callback_url(options: Mapping[str, Any]) -> str:
    """Where the push's job is called back to (contract dpf_url_callback), as an option among the others."""
    found = {key: value for key, value in options.items() if callbacks.is_callback_url(key)}
    if wrong_ones := [key for key, value in found.items() if not isinstance(value, str)]:
        raise Refusal([
            Problem(code=Code.INVALID, sentence="must be text", field=("body", "options", key)) for key in wrong_ones
        ])  # fmt: skip
    if problems := list(callbacks.problems(found.items())):
        raise Refusal([
            replace(problem, field=("body", "options", *problem.field[1:])) for problem in problems
        ])  # fmt: skip
    return callbacks.url_of(found.items())


class PushToBrowsers(Order):
    """Tells browsers, by a job below the firing's."""

    name: ClassVar[str] = Order.PLAIN
    has_zones = True

    def check(self, caller: Caller, push: Mapping[str, Any], *, is_repeated: bool) -> None:
        caller.require("send")
        read_push(push)

    def told(self, push: Mapping[str, Any]) -> Mapping[str, str]:
        audience = read_push(push).audience.as_json()
        return {f"to.{name}": _few(values) for name, values in audience.items()} or {"to": "all"}

    def reaches_anybody(self, push: Mapping[str, Any], *, client_id: int, zones: Collection[str]) -> bool:
        try:
            audience = read_push(push).audience
        except Refusal:
            # Its job will say why.
            return True
        return pushing.reaches_anybody(client_id=client_id, audience=audience, zones=zones)

    def count(self, push: Mapping[str, Any], *, client_id: int, most: int) -> int | None:
        return read_push(push).audience.reached(client_id=client_id)[:most].count()

    def begin(self, context: Context[Any], firing: Firing, caller: Caller) -> Outcome:
        caller.require("send")
        if firing.made and context.cursor is None:
            context.log(f"push {firing.made} was made before: its job, below this one, can be run again")
            return None
        if context.cursor is None:
            occasion = f"schedule {firing.schedule_id} {firing.slot}"
            if firing.is_by_hand:
                occasion += f" {firing.wave}"
            with transaction.atomic():
                push = pushing.begin(
                    context=context, order=read_push(firing.order), occasion=occasion, zones=firing.zones
                )
                if push is None:
                    context.log("reached nobody")
                    return None
                context.checkpoint(cursor=push.pk)
                made(firing, push.pk)
        return Waiting(reason="its messages are on their way")


def _few(values: Sequence[str]) -> str:
    more = f" … ({len(values)})" if len(values) > _SHOWN else ""
    return ", ".join(values[:_SHOWN]) + more
