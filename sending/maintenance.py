"""What beat looks after each second, and what is done once in a while."""

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from gateway import incoming, wakeups
from sending import (
    blobs,
    editorial,
    erasing,
    in_bulk,
    leases,
    outcomes,
    printing,
    pushing,
    queue,
    removing,
    services,
    subscribing,
    suppressing,
    vapid,
    withdrawing,
)
from sending.channels import channels
from sending.models import Dispatcher, Message
from sending.models.message import MessageQuerySet
from sending.states import DUE, HeldFor, Status

_log = logging.getLogger(__name__)
_BATCH = 1000
_PORTIONS = 20


def tick() -> None:
    """Mend what a lost wake-up or a dead worker left behind, and let time do its work."""
    recover_dead()
    release_due()
    withdraw_expired()
    withdrawing.go_on()
    printing.look_after()
    for name in channels():
        wakeups.wake(services.DISPATCH_TASK, name)
    # Last, since a share that hangs must keep back nothing else.
    removing.remove_due()


def recover_dead() -> list[int]:
    """Free the claims of dispatchers that died; the ids of the messages that are in doubt now."""
    in_doubt: list[int] = []
    for dispatcher in Dispatcher.objects.all():
        with leases.if_dead(dispatcher) as why:
            if not why:
                continue
            is_whole = leases.is_history_whole(dispatcher)
            if not is_whole and leases.is_database_fresh():
                continue
            known = leases.known(dispatcher)
            if known:
                outcomes.record(known, dispatcher)
            doubtful, waiting = queue.recover(dispatcher, why=why, begun=_begun(known, is_history_whole=is_whole))
            leases.strike_off(dispatcher)
        if doubtful or waiting:
            _log.warning("claim recovered", extra={"reason": why, "in_doubt": doubtful, "given_back": len(waiting)})
        in_doubt += doubtful
    return in_doubt


def _begun(known: list[outcomes.Told] | None, *, is_history_whole: bool) -> int:
    """How many of a dead worker's messages without an outcome may have gone out: one where its journal says all the
    others; all where the journal is lost, or the database has been another since: a crashed one may have forgotten
    outcomes that it had been told."""
    return 1 if known is not None and is_history_whole else settings.HAMMY_CLAIM_SIZE


def release_due() -> int:
    """Let messages go whose SEND_AT has come; how many."""
    waiting = Message.objects.not_stopped().filter(
        status=Status.HELD, held_for=HeldFor.TIME, due_at__lte=timezone.now(), channel__in=list(channels())
    )
    return _move_all(waiting.order_by("due_at"), Status.ACCEPTED, reason="its time has come")


def release_channels() -> int:
    """Let messages go whose channel was not there when they were made, and is now; how many."""
    waiting = Message.objects.filter(status=Status.HELD, held_for=HeldFor.CHANNEL, channel__in=list(channels()))
    return _move_all(waiting.order_by("id"), Status.ACCEPTED, reason="its channel is there", due_at=timezone.now())


def withdraw_expired() -> int:
    """Cancel messages whose EXPIRES_AT passed before they went out; how many."""
    late = Message.objects.filter(
        status__in=sorted(DUE | {Status.HELD}), closed_at=None, expires_at__lte=timezone.now()
    )
    return _move_all(late.order_by("expires_at"), Status.CANCELLED, reason="expired")


def _move_all(messages: MessageQuerySet, to: Status, *, reason: str, **columns: Any) -> int:
    """In portions, so that no transaction is long; what is left after some of them is the next tick's."""
    count = 0
    for _ in range(_PORTIONS):
        ids = list(messages.values_list("id", flat=True)[:_BATCH])
        count += len(queue.move(messages.filter(id__in=ids), to, reason=reason, **columns)) if ids else 0
        if len(ids) < _BATCH:
            break
    return count


def clean() -> None:
    """Once an hour: forget what retention allows and files nobody names, release what was held for nothing."""
    if settings.HAMMY_RETENTION_DAYS >= 0:
        before = timezone.now() - timedelta(days=settings.HAMMY_RETENTION_DAYS)
        _log.info("retention", extra={"purged": services.purge(closed_before=before)})
        pushing.prune(before=before)
    if settings.HAMMY_CONTENT_DAYS >= 0:
        before = timezone.now() - timedelta(days=settings.HAMMY_CONTENT_DAYS)
        _log.info("content retention", extra={"erased": erasing.erase_content(closed_before=before)})
    if settings.HAMMY_SUBSCRIPTION_RETENTION_DAYS >= 0:
        before = timezone.now() - timedelta(days=settings.HAMMY_SUBSCRIPTION_RETENTION_DAYS)
        _log.info("subscription retention", extra={"forgotten": subscribing.prune(before=before)})
    subscribing.remove_expired()
    vapid.reseal()
    vapid.prune()
    editorial.release_forgotten()
    release_channels()
    suppressing.sweep()
    in_bulk.sweep()
    blobs.sweep()
    printing.sweep()
    incoming.sweep()
