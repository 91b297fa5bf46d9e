"""What came of calls, written: attempts, where their deliveries stand now, and how their targets fare."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from gateway import metrics
from gateway.backoff import backoff
from gateway.plain_text import storable
from notifications.calling import Called
from notifications.ladder import is_of_target, next_wait, retry_after
from notifications.models import Attempt, Delivery, Event, Target
from notifications.states import EventKind, Status, TargetKind

_log = logging.getLogger(__name__)
_GONE = 410
# A target that fails is left alone so long, doubling; deliveries have a ladder of their own.
_FIRST_HOLD, _LONGEST_HOLD = 5.0, 300.0
_OVERTAKEN = "the job has ended"


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
    now = timezone.now()
    ended = _ended_meanwhile(calls)
    outcomes = [_outcome(called, now, is_over=called.parcel.delivery_id in ended) for called in calls]
    with transaction.atomic():
        # Targets first, in order, as everybody who locks both does.
        targets = _targets(outcomes)
        for target in targets:
            _settle_health(target, [one for one in outcomes if one.called.parcel.target_id == target.pk], now)
        Attempt.objects.bulk_create([_attempt(one) for one in outcomes])
        # Then deliveries, in order too; whoever takes many of them does so.
        _lock([one.called.parcel.delivery_id for one in outcomes])
        well = [one.called.parcel.delivery_id for one in outcomes if one.status is Status.DELIVERED]
        Delivery.objects.pending().filter(id__in=well).update(
            status=Status.DELIVERED, reason="", closed_at=now, attempts=F("attempts") + 1, is_by_hand=False
        )
        for one in outcomes:
            if one.status is not Status.DELIVERED:
                _fail(one, now)
        for target in targets:
            if target.disabled_at is not None:
                _miss(target, now)
    for one in outcomes:
        metrics.DELIVERIES.labels(one.called.parcel.kind, _label(one)).inc()


def release(target_ids: Sequence[int], claim: UUID) -> None:
    """The rounds of a claim at these targets are over."""
    Target.objects.filter(id__in=target_ids, claim=claim).update(claim=None, lease_until=None)


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
        return _Outcome(called=called, status=Status.DROPPED, words=_OVERTAKEN, next_at=None, asked=asked)
    if answer.status == _GONE or wait is None:
        return _Outcome(called=called, status=Status.FAILED, words=words, next_at=None, asked=asked)
    next_at = now + timedelta(seconds=wait)
    return _Outcome(called=called, status=Status.PENDING, words=words, next_at=next_at, asked=asked)


def _attempt(one: _Outcome) -> Attempt:
    answer, parcel = one.called.answer, one.called.parcel
    return Attempt(
        delivery_id=parcel.delivery_id,
        number=parcel.attempts + 1,
        is_by_hand=parcel.is_by_hand,
        began_at=one.called.began_at,
        seconds=answer.seconds,
        status=answer.status,
        failure=answer.failure,
        answer=storable(answer.body.decode(errors="replace")),
        next_at=one.next_at,
    )


def _fail(one: _Outcome, now: datetime) -> None:
    closed_at = None if one.status is Status.PENDING else now
    due_at = {"due_at": one.next_at} if one.next_at else {}
    mine = Delivery.objects.pending().filter(pk=one.called.parcel.delivery_id)
    if not one.called.parcel.is_by_hand and mine.filter(is_by_hand=True).update(attempts=F("attempts") + 1):
        # Somebody asked for a new round meanwhile: it goes on as he said.
        return
    mine.update(
        status=one.status, reason=one.words, closed_at=closed_at, is_by_hand=False,
        failures=F("failures") + 1, attempts=F("attempts") + 1, **due_at,
    )  # fmt: skip


def _targets(outcomes: Sequence[_Outcome]) -> list[Target]:
    ids = {one.called.parcel.target_id for one in outcomes}
    return list(Target.objects.filter(id__in=ids).order_by("id").select_for_update(no_key=True))


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


def _lock(delivery_ids: Sequence[int]) -> None:
    list(Delivery.objects.filter(id__in=delivery_ids).order_by("id").select_for_update(no_key=True).values_list("id"))


def _label(one: _Outcome) -> str:
    return "retry" if one.status is Status.PENDING else one.status.lower()
