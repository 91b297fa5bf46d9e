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
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from gateway.dates import format_moment
from gateway.lookup import caller_of
from jobs import services as job_services
from jobs import stopping
from jobs.callbacks import CALLBACK_URL
from jobs.params import Pairs
from schedules.models import Firing, Schedule
from schedules.models.firing import BY_HAND
from schedules.models.schedule import site_zone
from schedules.orders import Order, order_of
from schedules.states import Decision, Zoning
from schedules.timing import SLOT, Due, Plan, instant

FIRE_TASK = "schedules.tasks.fire"
# Contract job_v1, "Job classes".
JOB_CLASS = "hu.dbx.hammy.processor.schedule.ScheduleFiringJobRunner"
SCHEDULE_ID, DUE_AT = "SCHEDULE_ID", "DUE_AT"
ACTOR = "schedules"
_BATCH = 200
# Of what the schedules of one transaction say, in characters.
_MOST_SAID = 8_000_000
_MOMENT = timedelta(microseconds=1)

_log = logging.getLogger(__name__)


def work() -> bool:
    """Fire what is due for a few seconds; whether more may be waiting."""
    until = time.monotonic() + settings.HAMMY_WAKE_SECONDS
    while Schedule.objects.due(timezone.now()).exists():
        if time.monotonic() > until or stopping.is_asked():
            return True
        if not _fire_some():
            # The others hold what is due.
            return False
    return False


def _fire_some() -> int:
    """A batch of those that are due; how many. Where one of them breaks, each by itself."""
    try:
        with transaction.atomic():
            return _fire(_claimed(_BATCH))
    except (OperationalError, InterfaceError):
        if not connection.is_usable():
            raise
        _log.warning("a batch of schedules could not be written, each is fired by itself", exc_info=True)
    except Exception:
        _log.exception("a batch of schedules broke, each is fired by itself")
    ids = list(Schedule.objects.due(timezone.now()).values_list("id", flat=True)[:_BATCH])
    return sum(_fire_alone(pk) for pk in ids)


def _fire_alone(schedule_id: int) -> int:
    try:
        with transaction.atomic():
            return _fire(_claimed(1, schedule_id))
    except (OperationalError, InterfaceError):
        if not connection.is_usable():
            raise
        _log.warning("a schedule waits", exc_info=True, extra={"schedule_id": schedule_id})
        return 0
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
    due = _present(schedule, plan) or plan.after((schedule.due_at or now) - _MOMENT)
    if due is not None and due.moment <= now:
        decision, reason = _decision(schedule, due.moment, now)
        for slot, zones in due.slots:
            yield _firing(schedule, slot, due.moment, zones, decision, reason)
        due = plan.after(due.moment)
    # Else the clocks of some zone were changed since it was planned.
    _set_due(schedule, due)


def _present(schedule: Schedule, plan: Plan) -> Due | None:
    """The local time that is due on the site's clock, at the moment that it has there now: the site may have moved to
    another zone since it was planned."""
    if not schedule.slot:
        return None
    slot = datetime.fromisoformat(schedule.slot)
    return Due(moment=instant(slot, plan.site), slots=((slot, None),))


def _set_due(schedule: Schedule, due: Due | None) -> None:
    schedule.due_at = due.moment if due else None
    is_one = due is not None and schedule.zoning == Zoning.SITE
    schedule.slot = due.slots[0][0].strftime(SLOT) if due and is_one else ""


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
            # Most waves reach nobody: their names are not kept.
            decision, reason, names = Decision.NOBODY, f"there is nobody in these {len(names)} zones", None
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
        order = kind()
        at_once = [firing for firing in alike if order.is_made_at_once(firing)]
        _give_jobs(order, at_once, actor=actor, is_waiting=True)
        _give_jobs(order, [firing for firing in alike if firing.job_id is None], actor=actor)
        if at_once:
            order.make_at_once(at_once)
    Firing.objects.bulk_create(firings)


def _give_jobs(order: Order, firings: Sequence[Firing], *, actor: str, is_waiting: bool = False) -> None:
    """A job for each of these; one that waits has no work but waits for what is made in this transaction."""
    if not firings:
        return
    wanted = [(caller_of(firing.schedule.client), _params(order, firing)) for firing in firings]
    jobs = job_services.submit_many(job_class=JOB_CLASS, orders=wanted, actor=actor, is_waiting=is_waiting)
    for firing, job in zip(firings, jobs, strict=True):
        firing.job_id = job.pk


def _params(order: Order, firing: Firing) -> Pairs:
    params = [(SCHEDULE_ID, str(firing.schedule.uuid)), (DUE_AT, format_moment(firing.due_at))]
    callback_url = order.callback_url(firing.order)
    return [*params, (CALLBACK_URL, callback_url)] if callback_url else params


def _plan_on(schedules: Sequence[Schedule], now: datetime) -> None:
    ended = [schedule.pk for schedule in schedules if schedule.due_at is None]
    if ended:
        Schedule.objects.filter(id__in=ended).update(due_at=None, slot="", ended_at=now, updated_at=now)
    if going_on := [schedule for schedule in schedules if schedule.due_at is not None]:
        Schedule.objects.bulk_update(going_on, ["due_at", "slot"])


def _give_up(schedules: Sequence[Schedule], reason: str) -> int:
    """Pass over the time of a schedule that cannot be fired; where even that breaks it ends."""
    now = timezone.now()
    for schedule in schedules:
        moment = schedule.due_at or now
        try:
            _set_due(schedule, schedule.plan.after(moment))
        except Exception:
            # What it says about its times cannot be read at all.
            _log.warning("a schedule ends", exc_info=True, extra={"schedule_id": schedule.pk})
            _set_due(schedule, None)
        slot = moment.astimezone(site_zone())
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
    _set_due(schedule, schedule.plan.after(_first_moment(schedule) - _MOMENT))


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
