"""What is due is fired: decided about here, once, however many look at the same time.

One transaction locks some schedules, writes what became of their times, with the jobs of those that fire, and says when
they are due next. Whoever else looks passes over what is locked; whoever dies leaves all of it undone.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from gateway.lookup import caller_of
from jobs import services as job_services
from jobs import stopping
from jobs.callbacks import CALLBACK_URL
from jobs.params import Pairs
from schedules.models import Firing, Schedule
from schedules.orders import Order, order_of
from schedules.states import Decision, Zoning
from schedules.timing import SLOT

FIRE_TASK = "schedules.tasks.fire"
JOB_CLASS = "hu.dbx.hammy.processor.schedule.FireScheduleJobRunner"
SCHEDULE_ID, TIME = "SCHEDULE_ID", "TIME"
ACTOR = "schedules"
BY_HAND = "by hand"
_BATCH = 200
# Of what the schedules of one transaction say, in characters.
_MOST_SAID = 8_000_000
_MOMENT = timedelta(microseconds=1)

_log = logging.getLogger(__name__)


def work() -> bool:
    """Fire what is due for a few seconds; whether more may be waiting."""
    until = time.monotonic() + settings.HAMMY_WAKE_SECONDS
    while Schedule.objects.due(timezone.now()).exists():
        if stopping.is_asked():
            return True
        if not _fire_some():
            # The others hold what is due.
            return False
        if time.monotonic() > until:
            return True
    return False


def _fire_some() -> int:
    """A batch of those that are due; how many. Where one of them breaks, each by itself."""
    try:
        with transaction.atomic():
            return _fire(_claimed(_BATCH))
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        _log.exception("a batch of schedules broke, each is fired by itself")
    ids = list(Schedule.objects.due(timezone.now()).values_list("id", flat=True)[:_BATCH])
    return sum(_fire_alone(pk) for pk in ids)


def _fire_alone(schedule_id: int) -> int:
    try:
        with transaction.atomic():
            return _fire(_claimed(1, schedule_id))
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        # One that cannot be fired must not keep the others from their times.
        reference = uuid4().hex[:12]
        _log.error("schedule broke %s", reference, exc_info=error, extra={"schedule_id": schedule_id})
        with transaction.atomic():
            return _give_up(_claimed(1, schedule_id), f"internal failure, reference {reference}")


def _claimed(size: int, *ids: int) -> list[Schedule]:
    """Some of those that are due, locked: the longest due, as many as may be held at a time."""
    due = Schedule.objects.due(timezone.now())
    if ids:
        due = due.filter(id__in=ids)
    locked = due.select_for_update(of=("self",), skip_locked=True, no_key=True)
    taken: list[int] = []
    said = 0
    for pk, length in locked.values_list("id", "size")[:size]:
        said += length
        if taken and said > _MOST_SAID:
            break
        taken.append(pk)
    return list(Schedule.objects.filter(id__in=taken).select_related("client").order_by("due_at", "id"))


def _fire(schedules: Sequence[Schedule]) -> int:
    now = timezone.now()
    firings: list[Firing] = []
    for schedule in schedules:
        firings += _decided(schedule, now)
    _keep(_undecided(firings))
    _plan_on(schedules, now)
    return len(schedules)


def _decided(schedule: Schedule, now: datetime) -> Iterator[Firing]:
    """What becomes of the times at which a schedule is due; it is due next at the time after those."""
    plan = schedule.plan
    due = plan.after((schedule.due_at or now) - _MOMENT)
    if due is None or due.moment != schedule.due_at:
        # The clocks of some zone were changed since it was planned: what came earlier by that is not lost.
        due = plan.after(_decided_until(schedule))
    if due is not None and due.moment <= now:
        decision, reason = _decision(schedule, due.moment, now)
        for slot, zones in due.slots:
            yield _firing(schedule, slot, due.moment, zones, decision, reason)
        due = plan.after(due.moment)
    schedule.due_at = due.moment if due else None


def _decided_until(schedule: Schedule) -> datetime:
    """The last moment about whose slots something was decided, or when it was planned."""
    known = schedule.firings.exclude(wave=BY_HAND).filter(due_at__gt=schedule.planned_at)
    last = known.order_by("-due_at").values_list("due_at", flat=True).first()
    return last or _first_moment(schedule) - _MOMENT


def _decision(schedule: Schedule, moment: datetime, now: datetime) -> tuple[Decision, str]:
    limit = settings.HAMMY_SCHEDULE_LATE_SECONDS
    if not schedule.is_enabled:
        return Decision.PAUSED, "the schedule is paused"
    if not schedule.client.is_active:
        return Decision.CLIENT_INACTIVE, "the client is not active"
    if (now - moment).total_seconds() > limit:
        return Decision.LATE, f"nobody looked in time: {(now - moment).total_seconds():.0f} s late, at most {limit:g} s"
    return Decision.FIRED, ""


def _firing(
    schedule: Schedule,
    slot: datetime,
    moment: datetime,
    zones: Iterable[str] | None,
    decision: Decision,
    reason: str = "",
    *,
    wave: str | None = None,
) -> Firing:
    if wave is None:
        wave = f"{moment:%Y-%m-%dT%H:%M:%SZ}" if schedule.zoning == Zoning.EACH else ""
    names = None if zones is None else sorted(zones)
    if decision == Decision.FIRED and names is not None:
        push = schedule.order
        if not order_of(push).reaches_anybody(push, client_id=schedule.client_id, zones=names):
            decision, reason = Decision.NOBODY, "there is nobody in these zones"
    return Firing(
        schedule=schedule,
        slot=slot.strftime(SLOT),
        wave=wave,
        due_at=moment,
        decision=decision,
        reason=reason,
        zones=names,
        push=schedule.push if decision == Decision.FIRED else "",
        actor=ACTOR,
    )


def _undecided(firings: Sequence[Firing]) -> list[Firing]:
    """Those about which nothing was decided before: the site's zone may have been changed since."""
    slots = {firing.slot for firing in firings}
    known = Firing.objects.filter(schedule__in={firing.schedule_id for firing in firings}, slot__in=slots)
    before = set(known.values_list("schedule_id", "slot", "wave"))
    return [one for one in firings if (one.schedule_id, one.slot, one.wave) not in before]


def _keep(firings: Sequence[Firing], *, actor: str = ACTOR) -> None:
    """The firings' rows, and the jobs of those that fire."""
    fired: dict[type[Order], list[Firing]] = {}
    for firing in firings:
        if firing.decision == Decision.FIRED:
            fired.setdefault(type(order_of(firing.order)), []).append(firing)
    for kind, alike in fired.items():
        kind().fire_at_once(alike)
        left = [firing for firing in alike if firing.job_id is None]
        orders = [(caller_of(firing.schedule.client), _params(kind(), firing)) for firing in left]
        jobs = job_services.submit_many(job_class=JOB_CLASS, orders=orders, actor=actor) if left else []
        for firing, job in zip(left, jobs, strict=True):
            firing.job_id = job.pk
    Firing.objects.bulk_create(firings)


def _params(order: Order, firing: Firing) -> Pairs:
    params = [(SCHEDULE_ID, str(firing.schedule.uuid)), (TIME, firing.slot)]
    callback_url = order.callback_url(firing.order)
    return [*params, (CALLBACK_URL, callback_url)] if callback_url else params


def _plan_on(schedules: Sequence[Schedule], now: datetime) -> None:
    ended = [schedule.pk for schedule in schedules if schedule.due_at is None]
    if ended:
        Schedule.objects.filter(id__in=ended).update(due_at=None, ended_at=now, updated_at=now)
    if going_on := [schedule for schedule in schedules if schedule.due_at is not None]:
        Schedule.objects.bulk_update(going_on, ["due_at"])


def _give_up(schedules: Sequence[Schedule], reason: str) -> int:
    """Pass over the time of a schedule that cannot be fired; where even that breaks it ends."""
    now = timezone.now()
    for schedule in schedules:
        moment = schedule.due_at or now
        try:
            slot = moment.astimezone(schedule.plan.site)
            following = schedule.plan.after(moment)
        except Exception:
            # Whatever its times are, they cannot be read.
            slot, following = moment, None
        schedule.due_at = following.moment if following else None
        wave = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
        _keep(_undecided([_firing(schedule, slot, moment, None, Decision.BROKEN, reason, wave=wave)]))
    _plan_on(schedules, now)
    return len(schedules)


def fire_now(schedule: Schedule, *, actor: str) -> Firing:
    """Fire a schedule beside its times, which stay as they are; its row is locked. The same second's firing is the one
    there is."""
    now = timezone.now()
    slot = now.astimezone(schedule.plan.site)
    firing = _firing(schedule, slot, now, None, Decision.FIRED, wave=BY_HAND)
    before = Firing.objects.filter(schedule=schedule, slot=firing.slot, wave=BY_HAND).first()
    if before is None:
        firing.actor = actor
        _keep([firing], actor=actor)
    return before or firing


def plan(schedule: Schedule) -> None:
    """Set when a schedule that is new, or has new times, is due first; None where no time is left."""
    schedule.planned_at = timezone.now()
    due = schedule.plan.after(_first_moment(schedule) - _MOMENT)
    schedule.due_at = due.moment if due else None


def note_passed(schedule: Schedule) -> None:
    """Say in which zones it was too late for a schedule's first time when it was planned."""
    reason = "it was past this time there when the schedule was made"
    passed = schedule.plan.passed(_first_moment(schedule) - _MOMENT)
    _keep(_undecided([
        _firing(schedule, slot, moment, zones, Decision.ZONES_PAST, reason) for slot, moment, zones in passed
    ]))  # fmt: skip


def _first_moment(schedule: Schedule) -> datetime:
    """Where it is past the time on somebody's own clock, but not for long, that is made up for."""
    late = settings.HAMMY_SCHEDULE_LATE_SECONDS if schedule.zoning == Zoning.EACH else 0
    return schedule.planned_at - timedelta(seconds=late)
