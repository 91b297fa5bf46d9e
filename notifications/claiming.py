"""What a courier takes up: targets with something due, each its alone for a while, and what is to be brought there."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

from django.db import DatabaseError, transaction
from django.db.models import Exists, F, OuterRef, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from gateway.clients import webhook_secrets
from gateway.sealing import SealBroken
from jobs import undone
from jobs.undone import Undone
from notifications import site_secret
from notifications.models import Delivery, Event, Target
from notifications.models.target import TargetQuerySet
from notifications.payloads import News, Style, payloads
from notifications.states import EventKind, TargetKind

_log = logging.getLogger(__name__)
_NO_BODY = "internal failure: what was to be told could not be written"
# A target is held a good deal shorter than this (notifications.calling); a courier that died holds it no longer.
LEASE_SECONDS = 60.0
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
    # Why there is no body.
    fault: str = ""


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


def claim(*, healthy: int, failing: int) -> list[Round]:
    """Up to so many targets whose last call succeeded, and so many of those whose last failed and that are due again: a
    target that fails is tried with one delivery."""
    now, token, claimed_at = timezone.now(), uuid4(), time.monotonic()
    waiting = Delivery.objects.due(now).filter(target=OuterRef("pk"))
    free = Target.objects.free(now).filter(Exists(waiting))
    with transaction.atomic():
        targets = [*_locked(free.filter(failures=0), healthy), *_locked(free.filter(failures__gt=0), failing)]
        Target.objects.filter(id__in=[target.pk for target in targets]).update(
            claim=token, lease_until=now + timedelta(seconds=LEASE_SECONDS)
        )
    secrets = {client_id: _secrets(client_id) for client_id in {target.client_id for target in targets}}
    found = _due(targets)
    packed = _Packing()
    return [
        Round(
            target_id=target.pk,
            claim=token,
            is_failing=target.failures > 0,
            secrets=secrets[target.client_id],
            parcels=[packed.parcel(target, delivery) for delivery in found[target.pk]],
            claimed_at=claimed_at,
        )
        for target in targets
    ]


def _locked(targets: TargetQuerySet, most: int) -> list[Target]:
    """Those that were told least lately first."""
    order = F("last_at").asc(nulls_first=True)
    return list(targets.order_by(order, "id").select_for_update(skip_locked=True, no_key=True)[:most]) if most else []


def _due(targets: Sequence[Target]) -> Mapping[int, list[Delivery]]:
    """The oldest of each, with their events."""
    place = Window(RowNumber(), partition_by=F("target_id"), order_by=["due_at", "id"])
    found: dict[int, list[Delivery]] = {target.pk: [] for target in targets}
    for is_failing, most in ((False, _MOST_OF_ONE), (True, 1)):
        if ids := [target.pk for target in targets if bool(target.failures) is is_failing]:
            due = Delivery.objects.due(timezone.now()).filter(target__in=ids).annotate(place=place)
            for delivery in due.filter(place__lte=most).select_related("event").order_by("due_at", "id"):
                found[delivery.target_id].append(delivery)
    return found


def _secrets(client_id: int | None) -> Sequence[str]:
    try:
        return webhook_secrets(client_id=client_id) if client_id else site_secret.secrets()
    except SealBroken:
        # Told at each call, as what it is: our failure, not the target's.
        return ()


class _Packing:
    """Deliveries as parcels. The same body is made once, however many want it."""

    def __init__(self) -> None:
        self._news: dict[int, News] = {}
        self._bodies: dict[tuple[int, str, Style], tuple[str, bytes]] = {}

    def parcel(self, target: Target, delivery: Delivery) -> Parcel:
        content_type, body, fault = "", b"", ""
        try:
            content_type, body = self._packed(delivery)
        except DatabaseError:
            raise
        except Exception:
            # One that cannot be made holds up no other: a failed try, told as what it is.
            _log.exception("a delivery has no body", extra={"delivery_id": delivery.pk})
            fault = _NO_BODY
        is_callback = target.kind == TargetKind.CALLBACK
        return Parcel(
            delivery_id=delivery.pk,
            target_id=target.pk,
            event_id=delivery.event_id,
            group=(delivery.event.job_id, delivery.url) if is_callback else delivery.pk,
            kind=EventKind(delivery.event.kind),
            message_id=delivery.message_id,
            method=delivery.method,
            url=delivery.url,
            content_type=content_type,
            body=body,
            failures=delivery.failures,
            attempts=delivery.attempts,
            is_by_hand=delivery.is_by_hand,
            fault=fault,
        )

    def _packed(self, delivery: Delivery) -> tuple[str, bytes]:
        style = Style(format=delivery.format, naming=delivery.naming)
        key = (delivery.event_id, delivery.payload, style)
        if key not in self._bodies:
            if delivery.event_id not in self._news:
                self._news[delivery.event_id] = news_of(delivery.event)
            payload = payloads()[delivery.payload]
            self._bodies[key] = payload.content_type(style), payload.body(self._news[delivery.event_id], style)
        return self._bodies[key]


def news_of(event: Event) -> News:
    """An event as payloads read it. What a job left undone is looked up when the first is told, and stays so."""
    if event.undone is None and event.job_id is not None and event.kind == EventKind.JOB_COMPLETED:
        left = [[str(one.uuid), one.name, one.length] for one in undone.of_job(event.job_id)]
        Event.objects.filter(pk=event.pk, undone__isnull=True).update(undone=left)
        event.refresh_from_db(fields=["undone"])
    return News(
        kind=EventKind(event.kind),
        at=event.created_at,
        job_id=event.job_id,
        job_uuid=event.job_uuid,
        job_name=event.job_name,
        status=event.status,
        failure=event.failure,
        reason=event.reason,
        undone=[Undone(uuid=UUID(number), name=name, length=length) for number, name, length in event.undone or ()],
    )
