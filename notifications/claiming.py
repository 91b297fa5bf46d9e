"""What a courier takes up: targets with something due, each its alone for a while, and what is to be brought there."""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F

from gateway.clients import webhook_secrets
from gateway.models import ApiClient
from gateway.sealing import SealBroken
from jobs.undone import Undone
from notifications import clock, picking, site_secret
from notifications.models import Delivery, Event, Target
from notifications.models.target import TargetQuerySet
from notifications.payloads import News, Style, payloads
from notifications.picking import Due
from notifications.states import EventKind, Status, TargetKind

_log = logging.getLogger(__name__)
_MOST_OF_ONE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One delivery, ready to be brought: nothing more is asked of the database. ``group``: those alike go one after the
    other, in order."""

    delivery_id: int
    target_id: int
    event_id: int
    group: object
    kind: EventKind
    message_id: str
    method: str
    url: str
    content_type: str
    body: bytes = field(repr=False)
    failures: int
    attempts: int
    is_by_hand: bool
    # Why it cannot be brought at all.
    flaw: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What is to be brought to one target, signed with ``secrets``; ``is_failing``: its last call failed."""

    target_id: int
    claim: UUID
    is_failing: bool
    secrets: Sequence[str] = field(repr=False)
    parcels: Sequence[Parcel]
    # By this process's clock, that nobody sets.
    claimed_at: float


@dataclass(frozen=True, slots=True)
class _Free:
    """A target that was free."""

    id: int
    client_id: int | None
    kind: str
    failures: int


def claim(*, healthy: int, failing: int) -> list[Round]:
    """Up to so many targets whose last call succeeded, and so many of those whose last failed and that are due again: a
    target that fails is tried with one delivery."""
    now, token, claimed_at = clock.now(), uuid4(), time.monotonic()
    free = Target.objects.waiting(now).free(now)
    with transaction.atomic():
        targets = [*_locked(free.filter(failures=0), healthy), *_locked(free.filter(failures__gt=0), failing)]
        if not targets:
            return []
        Target.objects.filter(id__in=[target.id for target in targets]).update(
            claim=token, lease_until=now + timedelta(seconds=settings.HAMMY_DELIVERY_LEASE_SECONDS)
        )
    secrets = {client_id: _secrets(client_id) for client_id in {target.client_id for target in targets}}
    found = picking.due({target.id: 1 if target.failures else _MOST_OF_ONE for target in targets}, now)
    packed = _Packing(Event.objects.filter(id__in={one.event_id for several in found.values() for one in several}))
    _withhold(targets, found, packed)
    return [
        Round(
            target_id=target.id,
            claim=token,
            is_failing=target.failures > 0,
            secrets=secrets[target.client_id],
            parcels=[packed.parcel(target, one) for one in found[target.id]],
            claimed_at=claimed_at,
        )
        for target in targets
    ]


def _locked(targets: TargetQuerySet, most: int) -> list[_Free]:
    """Those that were told least lately first."""
    if most <= 0:
        return []
    locked = targets.order_by(F("last_at").asc(nulls_first=True), "id").select_for_update(skip_locked=True, no_key=True)
    return [_Free(*row) for row in locked.values_list("id", "client_id", "kind", "failures")[:most]]


def _withhold(targets: Sequence[_Free], found: Mapping[int, list[Due]], packed: "_Packing") -> None:
    """What its registration's client may not know any more is not told: its rights were narrowed since."""
    told = [target for target in targets if target.kind == TargetKind.REGISTRATION]
    known = ApiClient.objects.filter(id__in={target.client_id for target in told})
    rights: dict[int | None, list[str]] = dict(known.values_list("id", "rights"))
    hidden = [
        (found[target.id], one)
        for target in told
        for one in found[target.id]
        if not packed.may_be_known(one, target.client_id, rights.get(target.client_id, []))
    ]
    for several, one in hidden:
        several.remove(one)
    if hidden:
        Delivery.objects.pending().filter(id__in=[one.id for _, one in hidden]).update(
            status=Status.MISSED, reason="its client may not know of the job any more", closed_at=clock.now()
        )


def _secrets(client_id: int | None) -> Sequence[str]:
    try:
        return webhook_secrets(client_id=client_id) if client_id else site_secret.secrets()
    except SealBroken:
        # Told at each call, as what it is: our failure, not the target's.
        return ()


class _Packing:
    """Deliveries as parcels. The same body is made once, however many want it."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._events: Mapping[int, Event] = {event.pk: event for event in events}
        self._bodies: dict[tuple[int, str, Style], tuple[str, bytes, str]] = {}

    def may_be_known(self, delivery: Due, client_id: int | None, rights: Sequence[str]) -> bool:
        """Whether a client with these rights may be told of it."""
        is_own = self._events[delivery.event_id].client_id == client_id
        return "notifications" in rights and (is_own or "see_all" in rights)

    def parcel(self, target: _Free, delivery: Due) -> Parcel:
        event = self._events[delivery.event_id]
        style = Style(format=delivery.format, naming=delivery.naming)
        key = (delivery.event_id, delivery.payload, style)
        if key not in self._bodies:
            self._bodies[key] = _made(delivery.payload, event, style)
        content_type, body, flaw = self._bodies[key]
        is_callback = target.kind == TargetKind.CALLBACK
        return Parcel(
            delivery_id=delivery.id,
            target_id=target.id,
            event_id=delivery.event_id,
            group=(event.job_id, delivery.url) if is_callback else delivery.id,
            kind=EventKind(event.kind),
            message_id=delivery.message_id,
            method=delivery.method,
            url=delivery.url,
            content_type=content_type,
            body=body,
            failures=delivery.failures,
            attempts=delivery.attempts,
            is_by_hand=delivery.is_by_hand,
            flaw=flaw,
        )


def _made(name: str, event: Event, style: Style) -> tuple[str, bytes, str]:
    """A body with its type, or why there is none: one that nobody can make must not hold up those beside it."""
    try:
        payload = payloads()[name]
        return payload.content_type(style), payload.body(news_of(event), style), ""
    except DatabaseError:
        raise
    except Exception:
        _log.exception("a payload cannot be made", extra={"payload": name, "job_id": event.job_id})
        return "", b"", "its payload cannot be made"


def news_of(event: Event) -> News:
    """An event as payloads read it."""
    return News(
        kind=EventKind(event.kind),
        at=event.created_at,
        job_id=event.job_id,
        job_uuid=event.job_uuid,
        job_name=event.job_name,
        status=event.status,
        failure=event.failure,
        reason=event.reason,
        undone=[Undone(uuid=UUID(number), name=name, length=length) for number, name, length in event.undone],
    )
