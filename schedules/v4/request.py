"""What callers of this contract say, made ours (contract schedules_v4).

Decisions of this version: null, and an empty object where a trigger or its kind is expected, are the same as nothing;
``schedule_id`` may come back with an update, as it was read.
"""

import re
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from django.utils import timezone
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt

from gateway.declared import read, wrong
from gateway.errors import Code, Problem, Refusal, not_found, refuse
from schedules.models.schedule import site_zone
from schedules.orders.base import below
from schedules.services import When, Wish
from schedules.states import Zoning
from schedules.timing import Periodical, Single, Times, Unit
from sending.devices_v4.request import as_object

SCHEDULE_ID = "schedule_id"
MEMBERS = ("name", "enabled", "trigger", "push")
_SLOT = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}", re.ASCII)
_CLOCK = re.compile(r"\d{2}:\d{2}:\d{2}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_DAYS_OF_WEEK = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_DAYS_OF_MONTH = tuple(f"{day:02}" for day in range(1, 32))
_ON_EACH_CLOCK = 2
_NOW = "now"
_LONGEST_NAME = 100


class Kind(StrEnum):
    """The kinds of a trigger; the document calls a schedule's times so."""

    SINGLE = "single"
    PERIODICAL = "periodical"
    INTELLIGENT = "intelligent"


def _slot(value: Any) -> datetime:
    if not isinstance(value, str) or not _SLOT.fullmatch(value):
        raise wrong("must be a time as 2026-02-15 13:16:59 (yyyy-mm-dd hh:mm:ss)")
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise wrong(f"must be a time as 2026-02-15 13:16:59, and there is no {value}") from None


def _moment(value: Any) -> datetime:
    if value == _NOW:
        # The second that begins after the next: it is still to come when all is written.
        return timezone.now().astimezone(site_zone()).replace(tzinfo=None, microsecond=0) + timedelta(seconds=2)
    if isinstance(value, str) and _SLOT.fullmatch(value):
        return _slot(value)
    raise wrong('must be "now" or a time as 2026-02-15 13:16:59 (yyyy-mm-dd hh:mm:ss)')


def _clock(value: Any) -> time:
    if not isinstance(value, str) or not _CLOCK.fullmatch(value):
        raise wrong("must be a time of the day as 13:16:59 (HH:mm:ss)")
    try:
        return time.fromisoformat(value)
    except ValueError:
        raise wrong(f"must be a time of the day as 13:16:59, and there is no {value}") from None


def _unit(value: Any) -> Unit:
    if isinstance(value, str) and value.lower() in set(Unit):
        return Unit(value.lower())
    raise wrong(f"must be one of {', '.join(Unit)}")


Slot = Annotated[datetime, BeforeValidator(_slot)]


class _Zoned(BaseModel):
    model_config = ConfigDict(extra="forbid")

    zone_type: StrictInt | None = None

    @property
    def zoning(self) -> Zoning:
        return Zoning.EACH if self.zone_type == _ON_EACH_CLOCK else Zoning.SITE


class _Single(_Zoned):
    time: Slot

    @property
    def times(self) -> Times:
        return Single(time=self.time)


class _Intelligent(_Zoned):
    backup_time: Annotated[datetime, BeforeValidator(_moment)]

    @property
    def times(self) -> Times:
        return Single(time=self.backup_time)


class _Periodical(_Zoned):
    start: Slot
    end: Slot
    time: Annotated[time, BeforeValidator(_clock)]
    time_unit: Annotated[Unit, BeforeValidator(_unit)]
    frequency: Annotated[StrictInt, Field(ge=1, le=100)] | None = None
    point: Any = None

    @property
    def times(self) -> Times:
        """Raises what is wrong with the points, which depend on the unit."""
        return Periodical(
            start=self.start,
            end=self.end,
            time=self.time,
            unit=self.time_unit,
            frequency=1 if self.frequency is None else self.frequency,
            points=self._points(),
        )

    def _points(self) -> tuple[int, ...]:
        given = [] if self.point is None else self.point if isinstance(self.point, list) else [self.point]
        if self.time_unit == Unit.DAY:
            if given:
                raise refuse(Code.EXCLUSIVE, "not together with time_unit day", "point")
            return ()
        known, first = (_DAYS_OF_WEEK, 0) if self.time_unit == Unit.WEEK else (_DAYS_OF_MONTH, 1)
        if len(given) > len(known):
            raise refuse(Code.INVALID, f"must be at most {len(known)}", "point")
        words = [word.upper() if isinstance(word, str) else "" for word in given]
        if not words or not set(words) <= set(known):
            sentence = f"must be one or more of {known[0]} to {known[-1]} with time_unit {self.time_unit}"
            raise refuse(Code.INVALID if words else Code.REQUIRED, sentence, "point")
        return tuple(sorted({known.index(word) + first for word in words}))


_KINDS: Mapping[Kind, type[_Single | _Periodical | _Intelligent]] = {
    Kind.SINGLE: _Single,
    Kind.PERIODICAL: _Periodical,
    Kind.INTELLIGENT: _Intelligent,
}


def read_wish(data: Any, *, schedule_id: UUID | None = None) -> tuple[Wish, list[Problem]]:
    """What is wanted, as far as it can be read, and what is wrong with the rest; with ``schedule_id`` of a schedule
    that is there. Raises 1000 for what is no object at all."""
    data = as_object(data)
    problems = _unknown(data, schedule_id)
    values: dict[str, Any] = {}
    given = {name: value for name, value in data.items() if value is not None}
    for name, member, kind, sentence in (
        ("name", "name", str, "must be text"),
        ("enabled", "is_enabled", bool, "must be true or false"),
        ("push", "push", dict, "must be an object"),
    ):
        if name in given and isinstance(given[name], kind):
            values[member] = given[name]
        elif name in given:
            problems.append(Problem(code=Code.INVALID, sentence=sentence, field=(name,)))
    if "trigger" in given:
        try:
            values["when"] = _when(given["trigger"])
        except Refusal as refusal:
            problems += below(refusal, "trigger").problems
    return Wish(**values), problems


def _unknown(data: Mapping[str, Any], schedule_id: UUID | None) -> list[Problem]:
    problems = []
    for name in data:
        if name == SCHEDULE_ID and schedule_id is not None:
            if str(data[name]).lower() != str(schedule_id):
                words = "must be that of the address, or left out"
                problems.append(Problem(code=Code.INVALID, sentence=words, field=(name,)))
        elif name not in MEMBERS:
            words = f"unknown field; known are {', '.join(MEMBERS)}"
            problems.append(Problem(code=Code.UNKNOWN_FIELD, sentence=words, field=(name[:_LONGEST_NAME],)))
    return problems[:_LONGEST_NAME]


def _when(trigger: Any) -> When:
    words = f"must be an object with exactly one of {', '.join(Kind)}"
    if not isinstance(trigger, dict):
        raise refuse(Code.INVALID, words)
    if unknown := [name for name in trigger if name not in set(Kind)]:
        raise refuse(Code.UNKNOWN_FIELD, f"unknown field; {words}", unknown[0][:_LONGEST_NAME])
    given = {name: value for name, value in trigger.items() if value not in (None, {})}
    if len(given) != 1:
        raise refuse(Code.EXCLUSIVE if given else Code.REQUIRED, words)
    ((kind, value),) = given.items()
    try:
        found = read(_KINDS[Kind(kind)], value)
        return When(times=found.times, zoning=found.zoning, kind=kind, written=trigger)
    except Refusal as refusal:
        raise below(refusal, kind) from refusal


def read_id(text: str) -> UUID:
    """The schedule that an address names; what can be none's id is nobody's (3000)."""
    if not _UUID.fullmatch(text):
        raise not_found(f"schedule {text[:40]}")
    return UUID(text)
