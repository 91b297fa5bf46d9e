"""The moves of messages between statuses: each one compare-and-set with its event, in one transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from gateway import metrics
from sending import running_as_job
from sending.channels import channels
from sending.models import Dispatcher, Message, MessageEvent
from sending.models.message import WORK_ORDER, MessageQuerySet
from sending.retrying import gave_up
from sending.states import CLOSED, Status, sources

_COUNTED = {
    Status.SENT: "sent",
    Status.FAILED: "failed",
    Status.RETRY: "retried",
    Status.UNCERTAIN: "uncertain",
    Status.CANCELLED: "cancelled",
    Status.HELD: "held",
    Status.BOUNCED: "bounced",
}


def move(
    messages: MessageQuerySet,
    to: Status,
    *,
    reason: str,
    actor: str = "",
    claimed_by: Dispatcher | None = None,
    facts: dict[str, Any] | None = None,
    **columns: Any,
) -> list[int]:
    """Take those of ``messages`` whose status allows it to ``to``; the ids that moved, in order. The others stay:
    somebody was first, and that is normal. What a dispatcher holds moves only in its name (``claimed_by``). ``facts``
    are kept with the events."""
    now = timezone.now()
    # Who chose the messages before a worker claimed them must not take them from it: they would go out twice.
    allowed = sources(to) - {Status.SENDING}
    if claimed_by is not None:
        messages, allowed = messages.filter(dispatcher=claimed_by), sources(to) & {Status.SENDING}
    if to == Status.ACCEPTED and claimed_by is None:
        # What was erased has nothing left to send, and a channel that is not there cannot send it.
        messages = messages.filter(erased_at=None, channel__in=list(channels()))
    with transaction.atomic():
        rows = list(
            messages.filter(status__in=sorted(allowed))
            .order_by("id")
            .select_for_update(of=("self",))
            .values_list("id", "channel", "job_id")
        )
        ids = [pk for pk, _, _ in rows]
        if not ids:
            return []
        Message.objects.filter(id__in=ids).update(
            status=to,
            dispatcher=None,
            reason=reason,
            updated_at=now,
            closed_at=now if to in CLOSED else None,
            **({"held_for": ""} if to != Status.HELD else {}),
            **({"due_at": None} if to in CLOSED else {}),
            **columns,
        )
        MessageEvent.objects.bulk_create(
            [
                MessageEvent(message_id=pk, created_at=now, name=to, reason=reason, actor=actor, facts=facts)
                for pk in ids
            ]
        )
    if to in _COUNTED:
        transaction.on_commit(lambda: _count([channel for _, channel, _ in rows], _COUNTED[to]))
    if to in CLOSED:
        running_as_job.closed_when_committed([job_id for _, _, job_id in rows], to)
    return ids


def _count(channels_of_rows: Sequence[str], event: str) -> None:
    for channel in channels_of_rows:
        metrics.MESSAGES.labels(channel=channel, event=event).inc()


# A claim is all that its dispatcher holds.
_NOTE_CLAIM = """
INSERT INTO sending_messageevent (message_id, created_at, name, reason, actor)
SELECT id, updated_at, status, '', %s FROM sending_message
WHERE dispatcher_id = %s AND status = 'SENDING' ORDER BY id
"""


def claim(*, channel: str, dispatcher: Dispatcher, size: int) -> list[Message]:
    """Up to ``size`` due messages, now this dispatcher's alone, in the order in which they must be worked off."""
    now = timezone.now()
    with transaction.atomic():
        messages = list(Message.objects.due(channel, now).select_for_update(skip_locked=True)[:size])
        if not messages:
            return []
        Message.objects.filter(id__in=[message.pk for message in messages]).update(
            status=Status.SENDING, dispatcher=dispatcher, updated_at=now
        )
        with connection.cursor() as cursor:
            cursor.execute(_NOTE_CLAIM, [str(dispatcher), dispatcher.pk])
    # Recovery goes by the same order: the first without an outcome is the one that may have gone out.
    return messages


def give_back(messages: Sequence[Message], dispatcher: Dispatcher, *, reason: str) -> None:
    """Claimed but not begun: back to waiting, nothing spent."""
    batch = Message.objects.filter(id__in=[message.pk for message in messages])
    move(batch, Status.ACCEPTED, reason=reason, claimed_by=dispatcher)


def recover(dispatcher: Dispatcher, *, why: str, begun: int = 1) -> tuple[list[int], list[int]]:
    """A dead dispatcher's claim: its first ``begun`` messages without an outcome may have gone out and become
    UNCERTAIN. Where their channel hands over twice as once they wait again, that try spent, or FAILED with the last of
    them: one of them may be what its workers die of. The later ones were not begun and wait again. The ids of those in
    doubt and of those that wait, in that order."""
    with transaction.atomic():
        mine = Message.objects.claimed().filter(dispatcher=dispatcher).order_by(*WORK_ORDER)
        claimed = list(mine.values_list("id", "channel", "attempts"))
        if claimed:
            # Side by side, so that not only the first may have gone out.
            begun = max(begun, channels()[claimed[0][1]].most_at_once)
        repeatable = {name for name, kind in channels().items() if kind.is_repeatable}
        in_doubt = [pk for pk, channel, _ in claimed[:begun] if channel not in repeatable]
        tried = [(pk, attempts + 1) for pk, channel, attempts in claimed[:begun] if channel in repeatable]
        doubtful = move(
            Message.objects.filter(id__in=in_doubt),
            Status.UNCERTAIN,
            reason=why,
            claimed_by=dispatcher,
            attempts=F("attempts") + 1,
        )
        now = timezone.now()
        for pk, attempts in tried:
            if words := gave_up(attempts=attempts, since=now, now=now):
                one = Message.objects.filter(id=pk)
                move(one, Status.FAILED, reason=f"{words}: {why}", claimed_by=dispatcher, attempts=attempts)
        again = Message.objects.filter(id__in=[pk for pk, _ in tried])
        columns: dict[str, Any] = {"reason": why, "claimed_by": dispatcher, "due_at": now}
        waiting = move(again, Status.ACCEPTED, attempts=F("attempts") + 1, **columns)
        # What is left was not begun.
        waiting += move(Message.objects.filter(id__in=[pk for pk, _, _ in claimed]), Status.ACCEPTED, **columns)
    return doubtful, waiting


def first_tried_at(message: Message) -> datetime:
    """When the present run of tries began: what was held, failed or settled meanwhile began anew."""
    events = MessageEvent.objects.filter(message=message).order_by("id")
    rests = events.filter(name__in=[Status.HELD, Status.FAILED, Status.UNCERTAIN])
    last_rest = rests.values_list("id", flat=True).last() or 0
    tries = events.filter(name=Status.SENDING, id__gt=last_rest)
    return tries.values_list("created_at", flat=True).first() or message.created_at


def later(seconds: float) -> datetime:
    """The moment ``seconds`` from now."""
    return timezone.now() + timedelta(seconds=seconds)
