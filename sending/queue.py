"""The moves of messages between statuses: each one compare-and-set with its event, in one transaction."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from gateway import metrics
from sending.channels.base import Outcome, OutcomeKind
from sending.models import Dispatcher, Message, MessageEvent
from sending.models.message import WORK_ORDER, MessageQuerySet
from sending.states import CLOSED, Status, sources

_COUNTED = {
    Status.SENT: "sent",
    Status.FAILED: "failed",
    Status.RETRY: "retried",
    Status.UNCERTAIN: "uncertain",
    Status.CANCELLED: "cancelled",
    Status.HELD: "held",
}


def move(
    messages: MessageQuerySet,
    to: Status,
    *,
    reason: str,
    actor: str = "",
    claimed_by: Dispatcher | None = None,
    **columns: Any,
) -> list[int]:
    """Take those of ``messages`` whose status allows it to ``to``; the ids that moved, in order. The others stay:
    somebody was first, and that is normal. What a dispatcher holds moves only in its name (``claimed_by``)."""
    now = timezone.now()
    # Who chose the messages before a worker claimed them must not take them from it: they would go out twice.
    allowed = sources(to) - {Status.SENDING}
    if claimed_by is not None:
        messages, allowed = messages.filter(dispatcher=claimed_by), sources(to) & {Status.SENDING}
    with transaction.atomic():
        rows = list(
            messages.filter(status__in=sorted(allowed))
            .order_by("id")
            .select_for_update(of=("self",))
            .values_list("id", "channel")
        )
        ids = [pk for pk, _ in rows]
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
            [MessageEvent(message_id=pk, created_at=now, name=to, reason=reason, actor=actor) for pk in ids]
        )
    if to in _COUNTED:
        transaction.on_commit(lambda: _count(rows, _COUNTED[to]))
    return ids


def _count(rows: Sequence[tuple[int, str]], event: str) -> None:
    for _, channel in rows:
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


# One statement, so that it is one round trip and its commit alone may be asynchronous: after a crash of the database
# the last outcomes are in doubt (UNCERTAIN), never repeated. Claims and accepts always commit durably.
_RECORD_POSTGRESQL = """
WITH moved AS (
    UPDATE sending_message
    SET status = %(status)s, dispatcher_id = NULL, attempts = %(attempts)s, due_at = %(due_at)s,
        closed_at = %(closed_at)s, updated_at = %(now)s, reason = %(reason)s
    WHERE id = %(id)s AND {held}
    RETURNING id, set_config('synchronous_commit', 'off', true)
)
INSERT INTO sending_messageevent (message_id, created_at, name, reason, actor, recipients)
SELECT id, %(now)s, %(status)s, %(reason)s, %(actor)s, %(recipients)s::jsonb FROM moved
"""
_MINE = "status = 'SENDING' AND dispatcher_id = %(dispatcher)s"
# In doubt about this very try: recovery counted it, and nobody has tried again since.
_IN_DOUBT = "status = 'UNCERTAIN' AND attempts = %(in_doubt_attempts)s"


def record(
    message: Message, outcome: Outcome, *, status: Status, due_at: datetime | None, dispatcher: Dispatcher
) -> bool:
    """Write what a hand-over came to. False when the claim was no longer this dispatcher's: it must stop at once.

    A message found UNCERTAIN meanwhile (this worker was taken for dead) is settled by what is now known, if that is
    anything.
    """
    if _record(message, outcome, status, due_at, dispatcher, held=_MINE):
        return True
    if status != Status.UNCERTAIN:
        late = Status.ACCEPTED if status == Status.RETRY else status
        _record(message, outcome, late, due_at, dispatcher, held=_IN_DOUBT)
    return False


def _record(
    message: Message,
    outcome: Outcome,
    status: Status,
    due_at: datetime | None,
    dispatcher: Dispatcher,
    *,
    held: str,
) -> bool:
    now = timezone.now()
    if status == Status.ACCEPTED and due_at is None:
        due_at = now
    values: Mapping[str, Any] = {
        "id": message.pk,
        "status": status.value,
        "attempts": message.attempts + (outcome.kind != OutcomeKind.LATER),
        "in_doubt_attempts": message.attempts + 1,
        "due_at": due_at,
        "closed_at": now if status in CLOSED else None,
        "now": now,
        "reason": outcome.words,
        "actor": str(dispatcher),
        "recipients": json.dumps(dict(outcome.recipients)) if outcome.recipients else None,
        "dispatcher": dispatcher.pk,
    }
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_RECORD_POSTGRESQL.format(held=held), values)
            moved = cursor.rowcount == 1
    else:
        moved = _record_in_two(message, values, held == _MINE)
    if moved and status in _COUNTED:
        metrics.MESSAGES.labels(channel=message.channel, event=_COUNTED[status]).inc()
    return moved


def _record_in_two(message: Message, values: Mapping[str, Any], is_mine: bool) -> bool:
    """The same where INSERT inside WITH is not known (SQLite)."""
    query = Message.objects.filter(pk=message.pk)
    if is_mine:
        query = query.claimed().filter(dispatcher_id=values["dispatcher"])
    else:
        query = query.uncertain().filter(attempts=values["in_doubt_attempts"])
    with transaction.atomic():
        columns = {name: values[name] for name in ("status", "attempts", "due_at", "closed_at", "reason")}
        moved = query.update(dispatcher=None, updated_at=values["now"], **columns)
        if moved:
            MessageEvent.objects.create(
                message_id=message.pk,
                created_at=values["now"],
                name=values["status"],
                reason=values["reason"],
                actor=values["actor"],
                recipients=json.loads(values["recipients"]) if values["recipients"] else None,
            )
    return bool(moved)


def recover(dispatcher: Dispatcher, *, why: str, is_history_whole: bool = True) -> tuple[list[int], list[int]]:
    """A dead dispatcher's claim: its first message without an outcome may have gone out and becomes UNCERTAIN, the
    later ones were not begun and wait again. The ids of both, in that order.

    Where the database may have forgotten outcomes (not ``is_history_whole``), any of the claim may have gone out.
    """
    with transaction.atomic():
        claimed = list(
            Message.objects.claimed().filter(dispatcher=dispatcher).order_by(*WORK_ORDER).values_list("id", flat=True)
        )
        begun = 1 if is_history_whole else len(claimed)
        doubtful = move(
            Message.objects.filter(id__in=claimed[:begun]),
            Status.UNCERTAIN,
            reason=why,
            claimed_by=dispatcher,
            attempts=F("attempts") + 1,
        )
        waiting = move(
            Message.objects.filter(id__in=claimed[begun:]),
            Status.ACCEPTED,
            reason=why,
            claimed_by=dispatcher,
            due_at=timezone.now(),
        )
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
