"""Triggers that start by themselves: what is due is decided here, once, however many Beats and workers look.

Beat's row says when. That Beat really sends is a hint, as any wake-up: the tick of each second finds what it missed.
"""

import json
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Max
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from gateway.caller import Caller
from gateway.dates import format_moment
from gateway.errors import Code, Refusal, refuse
from jobs import services, trees
from jobs.models import Job, Recurrence, Trigger, TriggerFiring
from jobs.states import Decision, Missed, Overlap
from jobs.timing import Times

FIRE_TASK = "jobs.tasks.fire"
# A look at a trigger whose times come often, or were missed long, decides about so many of them; the next look goes on.
_MOST_SLOTS = 100

_log = logging.getLogger(__name__)


def schedule(
    *,
    trigger: Trigger,
    crontab: CrontabSchedule | None = None,
    interval: IntervalSchedule | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    is_enabled: bool = True,
    overlap: Overlap = Overlap.SKIP,
    missed: Missed = Missed.ONCE,
) -> Recurrence:
    """Let a trigger start by itself, or change when; raises 1002 for times that never come, or not exactly one of
    ``crontab`` and ``interval``."""
    if (crontab is None) == (interval is None):
        raise refuse(Code.INVALID, "must be either a crontab or an interval", "times")
    with transaction.atomic():
        recurrence = Recurrence.objects.select_for_update(of=("self",)).filter(trigger=trigger).first()
        task = recurrence.periodic_task if recurrence else PeriodicTask(name=f"trigger {trigger.name}"[:200])
        task.task, task.args, task.enabled = FIRE_TASK, json.dumps([str(trigger.pk)]), is_enabled
        task.crontab, task.interval, task.start_time, task.expires = crontab, interval, start, end
        recurrence = recurrence or Recurrence(trigger=trigger, created_at=timezone.now())
        recurrence.overlap, recurrence.missed = overlap, missed
        times = _times(task, recurrence)
        task.save()
        recurrence.periodic_task = task
        if str(times) != recurrence.times:
            # Else what is still to be made up for stays so.
            _plan(recurrence, times, _from_now_on(trigger))
        recurrence.save()
    return recurrence


def unschedule(*, trigger: Trigger) -> None:
    """Let a trigger start only when somebody asks for it."""
    with transaction.atomic():
        for recurrence in Recurrence.objects.filter(trigger=trigger):
            recurrence.periodic_task.delete()


def preview(recurrence: Recurrence, *, count: int = 10) -> list[datetime]:
    """The next times at which the trigger is due."""
    try:
        times = _times(recurrence.periodic_task, recurrence)
    except Refusal:
        return []
    return list(islice(times.after(timezone.now()), count))


def between(recurrence: Recurrence, *, since: datetime, until: datetime, most: int) -> list[datetime]:
    """The times at which the trigger is due within [since, until), the first ``most`` of them."""
    try:
        times = _times(recurrence.periodic_task, recurrence)
    except Refusal:
        return []
    found = times.after(since - timedelta(microseconds=1))
    return list(islice(takewhile(lambda slot: slot < until, found), most))


def fire_due() -> None:
    """Start what is due, and plan anew what somebody has changed in Beat's rows."""
    now = timezone.now()
    for recurrence in _recurrences():
        try:
            if recurrence.next_slot_at and recurrence.next_slot_at <= now:
                _fire(recurrence.pk)
            elif _has_changed(recurrence):
                _replan(recurrence.pk)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            # One that cannot be started must not keep the others from their times.
            _log.exception("trigger not started", extra={"trigger": recurrence.trigger.name})


def fire(trigger_id: str) -> None:
    """Start one trigger, if it is due."""
    for recurrence in Recurrence.objects.filter(trigger_id=trigger_id):
        _fire(recurrence.pk)


def _recurrences() -> Any:
    return Recurrence.objects.select_related("trigger", "periodic_task__crontab", "periodic_task__interval")


def _times(task: PeriodicTask, recurrence: Recurrence) -> Times:
    try:
        times = Times.of(task, anchor=recurrence.created_at)
        times.check()
    except ValueError as error:
        raise refuse(Code.INVALID, str(error), "times") from error
    return times


def _has_changed(recurrence: Recurrence) -> bool:
    try:
        return str(Times.of(recurrence.periodic_task, anchor=recurrence.created_at)) != recurrence.times
    except ValueError as error:
        return str(error) != recurrence.times


def _plan(recurrence: Recurrence, times: Times, after: datetime) -> None:
    recurrence.times = str(times)
    recurrence.next_slot_at = next(times.after(after), None)


def _from_now_on(trigger: Trigger) -> datetime:
    """Now, or the last time that was decided where this clock is behind the one that decided it."""
    last = TriggerFiring.objects.filter(trigger=trigger).aggregate(last=Max("slot"))["last"]
    return max(filter(None, (timezone.now(), last)))


def _locked(recurrence_id: int) -> Recurrence | None:
    found: Recurrence | None = _recurrences().select_for_update(of=("self",)).filter(pk=recurrence_id).first()
    return found


def _replan(recurrence_id: int) -> None:
    with transaction.atomic():
        recurrence = _locked(recurrence_id)
        if recurrence is None or not _has_changed(recurrence):
            return
        try:
            times = _times(recurrence.periodic_task, recurrence)
            _plan(recurrence, times, _from_now_on(recurrence.trigger))
        except Refusal as refusal:
            # Edited where nobody checks: it is shown, and stands still until it can be read again.
            problem = refusal.problems[0].sentence
            _log.error("trigger cannot be planned", extra={"trigger": recurrence.trigger.name, "reason": problem})
            recurrence.times, recurrence.next_slot_at = problem, None
        recurrence.save(update_fields=["times", "next_slot_at"])


def _fire(recurrence_id: int) -> None:
    """Decide about every time that has come, in one transaction under the trigger's lock."""
    now = timezone.now()
    with transaction.atomic():
        recurrence = _locked(recurrence_id)
        if recurrence is None or recurrence.next_slot_at is None or recurrence.next_slot_at > now:
            return
        if _has_changed(recurrence):
            # What was planned before the change is no longer meant.
            _replan(recurrence_id)
            return
        times = _times(recurrence.periodic_task, recurrence)
        first = recurrence.next_slot_at
        slots = [first, *islice(takewhile(lambda slot: slot <= now, times.after(first)), _MOST_SLOTS - 1)]
        if recurrence.missed != Missed.ALL and len(slots) == _MOST_SLOTS:
            slots += _latest(times, slots[-1], now)
        if recurrence.trigger.is_enabled:
            _decide(recurrence, slots, now)
        _plan(recurrence, times, slots[-1])
        if recurrence.periodic_task.one_off:
            recurrence.periodic_task.enabled = False
            recurrence.periodic_task.save()
            recurrence.times, recurrence.next_slot_at = str(_times(recurrence.periodic_task, recurrence)), None
        recurrence.save(update_fields=["times", "next_slot_at"])


def _latest(times: Times, after: datetime, now: datetime) -> list[datetime]:
    """The last of very many times that have come: those before them are passed over unseen."""
    recent = now - timedelta(seconds=settings.HAMMY_TRIGGER_LATE_SECONDS)
    return list(takewhile(lambda slot: slot <= now, times.after(max(recent, after))))


def _decide(recurrence: Recurrence, slots: Sequence[datetime], now: datetime) -> None:
    late = now - timedelta(seconds=settings.HAMMY_TRIGGER_LATE_SECONDS)
    missed = [slot for slot in slots if slot < late]
    match recurrence.missed:
        case Missed.ALL:
            wanted = list(slots)
        case Missed.ONCE if missed:
            wanted = [slots[-1]]
        case _:
            wanted = [slot for slot in slots if slot >= late]
    if passed := [slot for slot in slots if slot not in set(wanted)]:
        reason = f"{len(passed)} times passed while nobody looked, the first {format_moment(passed[0])}"
        _note(recurrence.trigger, passed[-1], Decision.MISSED, reason)
    known = TriggerFiring.objects.filter(trigger=recurrence.trigger, slot__in=wanted)
    decided = set(known.values_list("slot", flat=True))
    for slot in wanted:
        if slot not in decided:
            _start(recurrence, slot)


def _start(recurrence: Recurrence, slot: datetime) -> None:
    trigger, overlap = recurrence.trigger, recurrence.overlap
    if overlap in (Overlap.SKIP, Overlap.REPLACE):
        open_ids = list(Job.objects.open().filter(trigger=trigger).values_list("id", flat=True))
        if open_ids and overlap == Overlap.SKIP:
            _note(trigger, slot, Decision.SKIPPED, f"job {open_ids[0]} is still open")
            return
        trees.cancel(open_ids, reason=f"the trigger {trigger.name} starts anew", actor="beat")
    key = f"trigger {trigger.pk}" if overlap in (Overlap.QUEUE, Overlap.REPLACE) else ""
    try:
        with transaction.atomic():
            job = services.trigger_job(caller=Caller.house("beat"), name=trigger.name, concurrency_key=key)
    except Refusal as refusal:
        _log.error("trigger refused", extra={"trigger": trigger.name, "reason": str(refusal)})
        _note(trigger, slot, Decision.REFUSED, str(refusal))
    else:
        _note(trigger, slot, Decision.STARTED, job=job)


def _note(trigger: Trigger, slot: datetime, decision: Decision, reason: str = "", job: Job | None = None) -> None:
    values = {"decision": decision, "reason": reason, "job": job}
    TriggerFiring.objects.get_or_create(trigger=trigger, slot=slot, defaults=values)
