"""What came of calls, written: attempts, where their deliveries stand now, and how their targets fare."""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, Value, When

from gateway import metrics
from gateway.backoff import backoff
from gateway.plain_text import storable
from notifications import clock, written
from notifications.calling import Called
from notifications.claiming import Parcel, Round
from notifications.ladder import is_of_target, next_wait, retry_after
from notifications.models import Delivery, Event, Target
from notifications.states import OVERTAKEN, EventKind, Status, TargetKind

_log = logging.getLogger(__name__)
_GONE = 410
# A target that fails is left alone so long, doubling; deliveries have a ladder of their own.
_FIRST_HOLD, _LONGEST_HOLD = 5.0, 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """Of one call: the delivery's status and, while it is PENDING, its next try."""

    called: Called
    status: Status
    words: str
    next_at: datetime | None
    asked: float


def record(calls: Sequence[Called]) -> None:
    """All of it in one transaction. A delivery that somebody closed meanwhile stays closed; its attempt is kept."""
    now = clock.now()
    ended = _ended_meanwhile(calls)
    outcomes = [_outcome(called, now, is_over=called.parcel.delivery_id in ended) for called in calls]
    with transaction.atomic():
        # Targets first, in order, as everybody who locks both does.
        disabled = _settle_targets(outcomes, now)
        # Then deliveries, in order too; whoever takes many of them does so.
        asked = _asked_meanwhile([one.called.parcel for one in outcomes])
        written.tries([_try(one) for one in outcomes])
        well = [one.called.parcel.delivery_id for one in outcomes if one.status is Status.DELIVERED]
        if well:
            Delivery.objects.pending().filter(id__in=well).update(
                status=Status.DELIVERED, reason="", closed_at=now, attempts=F("attempts") + 1, is_by_hand=False
            )
        failed = [one for one in outcomes if one.status is not Status.DELIVERED]
        _fail([one for one in failed if one.called.parcel.delivery_id not in asked], now)
        # Somebody asked for a new round during the call: it goes on as he said.
        Delivery.objects.pending().filter(id__in=sorted(asked)).update(attempts=F("attempts") + 1)
        for target in disabled:
            _miss(target, now)
    for (event, label), count in Counter((one.called.parcel.kind, _label(one)) for one in outcomes).items():
        metrics.DELIVERIES.labels(event, label).inc(count)


def release(rounds: Iterable[Round]) -> None:
    """These rounds are over."""
    held = {one.target_id: one.claim for one in rounds}
    if held:
        mine = Target.objects.filter(id__in=sorted(held), claim__in=set(held.values()))
        mine.update(claim=None, lease_until=None)


def _ended_meanwhile(calls: Sequence[Called]) -> set[int]:
    """Of deliveries of SENDING that failed, those whose job has ended."""
    failed = [one.parcel for one in calls if one.parcel.kind is EventKind.JOB_SENDING and not one.answer.is_success]
    if not failed:
        return set()
    started = dict(Event.objects.filter(id__in=[one.event_id for one in failed]).values_list("id", "job_id"))
    ends = Event.objects.filter(kind=EventKind.JOB_COMPLETED, job_id__in=started.values())
    last: dict[int | None, int] = dict(ends.order_by("id").values_list("job_id", "id"))
    return {one.delivery_id for one in failed if last.get(started.get(one.event_id), 0) > one.event_id}


def _outcome(called: Called, now: datetime, *, is_over: bool) -> _Outcome:
    answer, parcel = called.answer, called.parcel
    asked = retry_after(answer.status, answer.retry_after, now=now)
    if answer.is_success:
        return _Outcome(called=called, status=Status.DELIVERED, words="", next_at=None, asked=0)
    words = answer.failure or f"answered {answer.status}"
    wait = next_wait(parcel.failures + 1, asked=asked)
    if is_over:
        return _Outcome(called=called, status=Status.DROPPED, words=OVERTAKEN, next_at=None, asked=asked)
    if answer.status == _GONE or wait is None:
        return _Outcome(called=called, status=Status.FAILED, words=words, next_at=None, asked=asked)
    next_at = now + timedelta(seconds=wait)
    return _Outcome(called=called, status=Status.PENDING, words=words, next_at=next_at, asked=asked)


def _try(one: _Outcome) -> written.Try:
    answer, parcel = one.called.answer, one.called.parcel
    return written.Try(
        delivery_id=parcel.delivery_id,
        number=parcel.attempts + 1,
        is_by_hand=parcel.is_by_hand,
        began_at=one.called.began_at,
        seconds=answer.seconds,
        status=answer.status,
        failure=answer.failure,
        answer=storable(answer.body.decode(errors="replace")) if answer.body else "",
        next_at=one.next_at,
    )


def _fail(outcomes: Sequence[_Outcome], now: datetime) -> None:
    """One statement for all that fared alike; those that are tried again each have a moment of their own."""
    alike: dict[tuple[Status, str], list[_Outcome]] = {}
    for one in outcomes:
        alike.setdefault((one.status, one.words), []).append(one)
    for (status, words), several in alike.items():
        ids = [one.called.parcel.delivery_id for one in several]
        moments = [When(pk=one.called.parcel.delivery_id, then=Value(one.next_at)) for one in several if one.next_at]
        Delivery.objects.pending().filter(id__in=ids).update(
            status=status,
            reason=words,
            closed_at=None if status is Status.PENDING else now,
            due_at=Case(*moments, default=F("due_at")) if moments else F("due_at"),
            is_by_hand=False,
            failures=F("failures") + 1,
            attempts=F("attempts") + 1,
        )


def _asked_meanwhile(parcels: Sequence[Parcel]) -> set[int]:
    """Lock these deliveries; those that somebody asked for anew since they were taken up."""
    locked = Delivery.objects.filter(id__in=[one.delivery_id for one in parcels]).order_by("id")
    asked = dict(locked.select_for_update(no_key=True).values_list("id", "is_by_hand"))
    return {one.delivery_id for one in parcels if asked.get(one.delivery_id) and not one.is_by_hand}


def _settle_targets(outcomes: Sequence[_Outcome], now: datetime) -> list[Target]:
    """Those that nobody calls any more."""
    by_target: dict[int, list[_Outcome]] = {}
    for one in outcomes:
        by_target.setdefault(one.called.parcel.target_id, []).append(one)
    locked = Target.objects.filter(id__in=sorted(by_target)).order_by("id").select_for_update(no_key=True)
    failures = dict(locked.values_list("id", "failures"))
    # Most are well and stay so: nothing is to be known of them but when they were told.
    well = {
        target_id
        for target_id, count in failures.items()
        if not count and all(one.status is Status.DELIVERED for one in by_target[target_id])
    }
    written.told({target_id: by_target[target_id][-1].called for target_id in sorted(well)})
    disabled = []
    for target in Target.objects.filter(id__in=sorted(failures.keys() - well)).order_by("id"):
        _settle_health(target, by_target[target.pk], now)
        disabled += [target] if target.disabled_at is not None else []
    return disabled


def _settle_health(target: Target, outcomes: Sequence[_Outcome], now: datetime) -> None:
    was_open = target.disabled_at is None
    for one in outcomes:
        answer = one.called.answer
        target.last_at, target.last_status = one.called.began_at, answer.status or target.last_status
        if one.status is Status.DELIVERED:
            target.failures, target.failing_since, target.held_until = 0, None, None
            target.last_success_at = one.called.began_at
            continue
        target.failures += 1
        target.failing_since = target.failing_since or one.called.began_at
        target.last_failure = one.words if one.status is not Status.DROPPED else answer.failure or "failed"
        if is_of_target(answer.status):
            wait = max(backoff(target.failures, first=_FIRST_HOLD, cap=_LONGEST_HOLD), one.asked)
            target.held_until = now + timedelta(seconds=wait)
    if was_open and target.kind == TargetKind.REGISTRATION:
        _disable_if_lost(target, outcomes, now)
    target.save(
        update_fields=[
            "failures", "failing_since", "last_at", "last_success_at", "last_status", "last_failure", "held_until",
            "disabled_at", "disabled_for",
        ]
    )  # fmt: skip


def _disable_if_lost(target: Target, outcomes: Sequence[_Outcome], now: datetime) -> None:
    """Nobody is there any more: it says so, or every call failed for days. Told once, under the target's lock."""
    days = settings.HAMMY_DISABLE_TARGET_DAYS
    if any(one.called.answer.status == _GONE for one in outcomes):
        why = "answered 410 Gone"
    elif days >= 0 and target.failing_since and target.failing_since < now - timedelta(days=days):
        why = f"every call failed for {days:g} days; the last: {target.last_failure}"
    else:
        return
    target.disabled_at, target.disabled_for = now, why
    _log.warning("notification target disabled", extra={"target_id": target.pk, "reason": why})


def _miss(target: Target, now: datetime) -> None:
    left = Delivery.objects.pending().filter(target=target.pk)
    left.update(status=Status.MISSED, reason=f"the target was disabled: {target.disabled_for}", closed_at=now)


def _label(one: _Outcome) -> str:
    return "retry" if one.status is Status.PENDING else one.status.lower()
