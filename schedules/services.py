"""What may be done with schedules, whoever asks over whichever face: make, change, delete, find, pause, fire."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from gateway.caller import Caller
from gateway.client_rules import check_line
from gateway.errors import Code, Problem, Refusal, not_found, refuse
from gateway.models import ApiClient
from schedules import firing
from schedules.models import Firing, Schedule
from schedules.models.schedule import ScheduleQuerySet, site_zone
from schedules.orders import Order, order_of
from schedules.orders.base import below
from schedules.states import Zoning
from schedules.timing import Periodical, Plan, Single, Times, instant

MOST_NAME_BYTES = 255
_DAY = timedelta(days=1)
_CHANGED = (
    "name", "is_enabled", "trigger", "times", "asked_zoning", "zoning", "push", "size", "due_at", "slot", "planned_at",
    "updated_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """Times on somebody's clocks, and as the client wrote them."""

    times: Times
    zoning: Zoning
    # The member of the trigger that says them.
    kind: str
    written: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A schedule as somebody wants it; None = not given."""

    name: str | None = None
    is_enabled: bool | None = None
    when: When | None = None
    push: Mapping[str, Any] | None = None


def create(*, caller: Caller, wish: Wish, found: Sequence[Problem] = ()) -> Schedule:
    """Make a schedule of a client's (contract schedules_v4, "Schedule"); raises 1001, 1002, 1003 and what its order
    raises, every problem at once. ``found`` is what the face found wrong already, told with the rest."""
    caller.require("schedules")
    if caller.client_id is None:
        raise ValueError("a schedule belongs to a client")
    problems = [*found, *_missing(wish, found), *_problems(caller, wish)]
    if wish.is_enabled is False:
        problems.append(Problem(code=Code.INVALID, sentence="must be true for a new schedule", field=("enabled",)))
    if problems or wish.name is None or wish.when is None or wish.push is None:
        raise Refusal(problems)
    schedule = Schedule(client_id=caller.client_id, name=wish.name)
    _order(schedule, wish.push)
    _set_times(schedule, wish.when)
    if schedule.due_at is None:
        raise _nothing_left("trigger")
    with transaction.atomic():
        # One after the other, or two could take a client's last place.
        client = ApiClient.objects.select_for_update(no_key=True).get(pk=caller.client_id)
        _check_count(client)
        schedule.save(force_insert=True)
        firing.note_passed(schedule)
    return schedule


def update(*, caller: Caller, uuid: UUID, wish: Wish, found: Sequence[Problem] = ()) -> Schedule:
    """Change what is given of a valid schedule, each of it whole; raises 3000 for one that is not there or has ended,
    and what ``create`` raises. What has fired in the meantime has fired."""
    caller.require("schedules")
    present = _valid(caller, uuid).first()
    if present is None:
        raise _gone(uuid)
    problems = [*found, *_problems(caller, wish, present)]
    if wish == Wish() and not problems:
        problems.append(_problem(Code.REQUIRED, "at least one of name, enabled, trigger and push is required"))
    if problems:
        raise Refusal(problems)
    with transaction.atomic():
        schedule = _locked(caller, uuid)
        schedule.name = schedule.name if wish.name is None else wish.name
        schedule.is_enabled = schedule.is_enabled if wish.is_enabled is None else wish.is_enabled
        is_planned = _change(schedule, wish)
        if schedule.due_at is None:
            raise _nothing_left("push" if wish.when is None else "trigger")
        schedule.updated_at = timezone.now()
        schedule.save(update_fields=_CHANGED)
        if is_planned:
            firing.note_passed(schedule)
    return schedule


def delete(*, caller: Caller, uuid: UUID) -> None:
    """End a valid schedule and let nobody but the console see it any more; raises 3000."""
    caller.require("schedules")
    with transaction.atomic():
        schedule = _locked(caller, uuid)
        now = timezone.now()
        schedule.due_at, schedule.ended_at, schedule.deleted_at, schedule.updated_at = None, now, now, now
        schedule.save(update_fields=["due_at", "ended_at", "deleted_at", "updated_at"])


def find(*, caller: Caller, uuid: UUID) -> Schedule:
    """One schedule, ended ones too; what the caller may not see looks like what is not there (3000)."""
    caller.require("schedules")
    schedule = Schedule.objects.visible_to(caller).filter(uuid=uuid).first()
    if schedule is None:
        raise _gone(uuid)
    return schedule


def schedules(*, caller: Caller) -> ScheduleQuerySet:
    """The valid schedules that the caller may see, the oldest first."""
    caller.require("schedules")
    return Schedule.objects.visible_to(caller).valid().order_by("created_at", "id")


def made_by(schedule: Schedule) -> list[str]:
    """The ids of what its firings made, in order."""
    return list(schedule.firings.exclude(made="").order_by("id").values_list("made", flat=True))


def set_enabled(*, caller: Caller, uuid: UUID, is_enabled: bool) -> Schedule:
    """Pause a valid schedule, whose times then pass, or let it go on; raises 3000."""
    return update(caller=caller, uuid=uuid, wish=Wish(is_enabled=is_enabled))


def fire(*, caller: Caller, uuid: UUID) -> Firing:
    """Fire a valid schedule now, beside its times, also a paused one; raises 3000, and 3001 where its client is not
    active."""
    caller.require("schedules")
    with transaction.atomic():
        schedule = _locked(caller, uuid)
        if not schedule.client.is_active:
            raise refuse(Code.STATE_CONFLICT, "its client is not active")
        return firing.fire_now(schedule, actor=caller.actor or "console")


def _valid(caller: Caller, uuid: UUID) -> ScheduleQuerySet:
    return Schedule.objects.visible_to(caller).valid().filter(uuid=uuid)


def _locked(caller: Caller, uuid: UUID) -> Schedule:
    """The schedule, after whoever fires it now."""
    schedule = _valid(caller, uuid).select_for_update(of=("self",), no_key=True).select_related("client").first()
    if schedule is None:
        raise _gone(uuid)
    return schedule


def _nothing_left(member: str) -> Refusal:
    return refuse(Code.INVALID, "no time is left: on the site's clock it is past the last one", member)


def _gone(uuid: UUID) -> Refusal:
    return not_found(f"schedule {uuid}")


def _check_count(client: ApiClient) -> None:
    most = settings.HAMMY_MAX_SCHEDULES if client.max_schedules is None else client.max_schedules
    if Schedule.objects.valid().filter(client=client).count() >= most:
        raise refuse(Code.INVALID, f"there are {most} valid schedules already, and no more may be; delete one first")


def _missing(wish: Wish, found: Sequence[Problem]) -> Iterator[Problem]:
    given = {"name": wish.name, "enabled": wish.is_enabled, "trigger": wish.when, "push": wish.push}
    told = {problem.field[:1] for problem in found}
    for name, value in given.items():
        if value is None and (name,) not in told:
            yield _problem(Code.REQUIRED, "required", name)


def _problems(caller: Caller, wish: Wish, present: Schedule | None = None) -> Iterator[Problem]:
    """Whatever is wrong with what is given, for a new schedule or for one that is there."""
    if wish.name is not None:
        yield from _name_problems(wish.name)
    are_times_right = True
    if wish.when is not None:
        found = list(_times_problems(wish.when, present))
        are_times_right = not found
        yield from found
    if wish.push is not None:
        if too_large := _size_problem(wish.push, "push"):
            yield too_large
            return
        yield from _alone(wish.push)
        times = wish.when.times if wish.when else present.when if present else None
        try:
            order_of(wish.push).check(caller, wish.push, is_repeated=isinstance(times, Periodical))
            if times is not None and are_times_right:
                _check_time(wish.push, times)
        except Refusal as refusal:
            yield from below(refusal, "push").problems
    elif wish.when is not None and present is not None and are_times_right:
        try:
            _check_time(present.order, wish.when.times)
        except Refusal as refusal:
            # What stands is not at fault.
            yield from (_problem(Code.INVALID, problem.at("push").detail, "trigger") for problem in refusal.problems)


def _check_time(push: Mapping[str, Any], times: Times) -> None:
    """Raise what an order says to times that are all too late for it; the site's clock is that of all that minds."""
    now = timezone.now()
    first = Plan(times=times, zoning=Zoning.SITE, site=site_zone(), since=now).after(now)
    if first is not None:
        order_of(push).check_time(push, first_at=first.moment)


def _size_problem(data: Mapping[str, Any], member: str) -> Problem | None:
    size = len(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace"))
    most = settings.HAMMY_MAX_SCHEDULE_BYTES
    return (
        _problem(Code.INVALID, f"must be at most {most} bytes of JSON, and is {size}", member) if size > most else None
    )


def _alone(push: Mapping[str, Any]) -> Iterator[Problem]:
    """What stands beside the one thing that is ordered."""
    name = order_of(push).name
    for member in push if name != Order.PLAIN else ():
        if member != name:
            yield _problem(Code.EXCLUSIVE, f"not together with {name}", "push", member[:100])


def _name_problems(name: str) -> Iterator[Problem]:
    if not name.strip():
        yield _problem(Code.INVALID, "must not be empty", "name")
    elif len(name.encode()) > MOST_NAME_BYTES:
        words = f"must be at most {MOST_NAME_BYTES} bytes of UTF-8, and is {len(name.encode())}"
        yield _problem(Code.INVALID, words, "name")
    else:
        try:
            check_line(name)
        except ValidationError:
            yield _problem(Code.INVALID, "must not contain control characters or line breaks", "name")


def _times_problems(when: When, present: Schedule | None) -> Iterator[Problem]:
    if present is not None:
        if isinstance(when.times, Single) == present.is_repeated:
            one, other = ("single", "periodical") if isinstance(when.times, Periodical) else ("periodical", "single")
            yield _problem(Code.INVALID, f"a {one} schedule cannot become {other}", "trigger")
            return
        if when.zoning != present.asked_zoning:
            yield _problem(Code.INVALID, "zone_type cannot change between 1 and 2", "trigger")
        if when.times == present.when:
            return
    if too_large := _size_problem(when.written, "trigger"):
        yield too_large
        return
    now = timezone.now().astimezone(site_zone()).replace(tzinfo=None)
    kind = when.kind
    match when.times:
        case Single(time=time):
            yield from _moment_problems(time, now, kind)
        case Periodical(start=start, end=end):
            if end <= start:
                yield _problem(Code.INVALID, "must be after start", "trigger", kind, "end")
            elif start > _in_a_year(now):
                yield _problem(Code.INVALID, "must be at most a year ahead", "trigger", kind, "start")
            elif end > _in_a_year(start):
                yield _problem(Code.INVALID, "must be at most a year after start", "trigger", kind, "end")
            elif _is_over(when):
                words = "no time is left: none between now, or start, and end fits"
                yield _problem(Code.INVALID, words, "trigger", kind)


def _moment_problems(time: datetime, now: datetime, kind: str) -> Iterator[Problem]:
    name = "backup_time" if kind == "intelligent" else "time"
    if time > _in_a_year(now):
        yield _problem(Code.INVALID, "must be at most a year ahead", "trigger", kind, name)
    # By the moment: where an hour comes twice, the clock alone would let a time of the first pass. The calendar's first
    # and last times may have none.
    elif time < now - _DAY or instant(time, site_zone()) <= timezone.now():
        words = f"must be in the future; it is {now:%Y-%m-%d %H:%M:%S} now ({settings.TIME_ZONE})"
        yield _problem(Code.INVALID, words, "trigger", kind, name)


def _is_over(when: When) -> bool:
    now = timezone.now()
    plan = Plan(times=when.times, zoning=Zoning.SITE, site=site_zone(), since=now)
    return plan.after(now) is None


def _in_a_year(time: datetime) -> datetime:
    try:
        return time.replace(year=time.year + 1)
    except ValueError:
        # There is no 29 February then.
        return time.replace(year=time.year + 1, month=3, day=1)


def _order(schedule: Schedule, push: Mapping[str, Any]) -> None:
    schedule.push = json.dumps(push, ensure_ascii=False, separators=(",", ":"))
    schedule.size = len(schedule.push)
    schedule.kind = order_of(push).name


def _write_times(schedule: Schedule, when: When) -> None:
    schedule.trigger = json.dumps(when.written, ensure_ascii=False, separators=(",", ":"))


def _set_times(schedule: Schedule, when: When) -> None:
    _write_times(schedule, when)
    schedule.times, schedule.asked_zoning = when.times.as_json(), when.zoning
    schedule.is_repeated = isinstance(when.times, Periodical)
    schedule.zoning = _zoning(schedule)
    firing.plan(schedule)


def _zoning(schedule: Schedule) -> Zoning:
    return Zoning(schedule.asked_zoning) if order_of(schedule.order).has_zones else Zoning.SITE


def _change(schedule: Schedule, wish: Wish) -> bool:
    """A new order and new times; whether it was planned anew, as only other times than before are."""
    if wish.push is not None:
        _order(schedule, wish.push)
    if wish.when is not None and wish.when.times != schedule.when:
        _set_times(schedule, wish.when)
        return True
    if wish.when is not None:
        _write_times(schedule, wish.when)
    if _zoning(schedule) != schedule.zoning:
        schedule.zoning = _zoning(schedule)
        firing.plan(schedule)
        return True
    return False


def _problem(code: Code, sentence: str, *field: str) -> Problem:
    return Problem(code=code, sentence=sentence, field=field)
