"""What may be done with letters, whoever asks over whichever face: take, cancel, hold, release, requeue, settle."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from gateway import wakeups
from gateway.caller import Caller
from gateway.errors import Code, Refusal, not_found, refuse
from gateway.incoming import Incoming
from sending import queue, sources
from sending.acceptance import Examined, Versions, examine
from sending.channels import channels
from sending.letter import Letter
from sending.models import Attachment, Message, MessageEvent
from sending.models.message import MessageQuerySet
from sending.states import CLOSED, HeldFor, Operation, Status
from sending.taking import DISPATCH_TASK, Accepted, repeat_of, take

# One transaction of a bulk: long enough to be cheap, short enough not to hold others up.
_CHUNK = 500

_log = logging.getLogger(__name__)


def submit(*, caller: Caller, letter: Letter, job_id: int | None = None) -> Accepted:
    """Take one letter, once (contract send_v2, "sendMail: fields"); raises Refusal with all that is wrong with it.
    ``job_id`` names the job that sends it: cancelling that withdraws it, while it can be."""
    result = submit_many(caller=caller, letters=[letter], job_id=job_id)[0]
    if isinstance(result, Refusal):
        try:
            raise result
        finally:
            # Else the refusal held this frame, and the frame the refusal.
            del result
    return result


def submit_many(*, caller: Caller, letters: Sequence[Letter], job_id: int | None = None) -> list[Accepted | Refusal]:
    """Take each letter or refuse it on its own; the results in the order of ``letters``.

    A database that fails is raised while no letter was taken; after that each letter it fails for is refused with
    9001: what was taken must be told.
    """
    caller.require("send")
    results: dict[int, Accepted | Refusal] = {}
    for chunk in chunks(range(len(letters))):
        try:
            with Incoming() as incoming:
                good = _examined(caller, letters, chunk, incoming, results)
                take(caller, good, results, job_id=job_id)
        except (OperationalError, InterfaceError):
            if not any(isinstance(result, Accepted) for result in results.values()):
                raise
            _log.exception("a part of a bulk could not be stored")
            unavailable = refuse(Code.UNAVAILABLE, "temporarily unavailable, try again later")
            results |= {index: unavailable for index in chunk if index not in results}
    return [results[index] for index in range(len(letters))]


def _examined(
    caller: Caller,
    letters: Sequence[Letter],
    chunk: Iterable[int],
    incoming: Incoming,
    results: dict[int, Accepted | Refusal],
) -> dict[int, Examined]:
    """Those of a chunk that are good, their attachments fetched; into ``results`` what the others are answered."""
    good: dict[int, Examined] = {}
    versions: Versions = {}
    for index in chunk:
        try:
            good[index] = examine(caller, letters[index], versions)
            if any(attachment.source for attachment in letters[index].attachments):
                # Once more with their bytes at hand, whose size a channel may mind.
                good[index] = examine(caller, sources.fetched(caller, letters[index], incoming), versions)
        except Refusal as refusal:
            # A request taken once is answered alike although its template is disabled, its time over or the source of
            # its attachment gone.
            before = repeat_of(caller, letters[index])
            results[index] = before if isinstance(before, Accepted) else refusal.unraised()
    return good


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edge:
    """What an operation makes of a message: which status, ``only`` from which where not from all that may, and its
    columns."""

    to: Status
    only: Status | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)


def _edge(operation: Operation) -> _Edge:
    match operation:
        case Operation.CANCEL:
            return _Edge(to=Status.CANCELLED)
        case Operation.HOLD:
            return _Edge(to=Status.HELD, columns={"held_for": HeldFor.PERSON, "due_at": None})
        case Operation.RELEASE:
            return _Edge(to=Status.ACCEPTED, only=Status.HELD, columns={"due_at": timezone.now()})
        case Operation.REQUEUE:
            return _Edge(to=Status.ACCEPTED, only=Status.FAILED, columns={"due_at": timezone.now(), "attempts": 0})
        case Operation.RESEND:
            raise ValueError("a resend moves nothing: it makes a new message")


def cancel(*, caller: Caller, message_ids: Sequence[int], reason: str) -> int:
    """Withdraw messages that did not go out yet: all of them or, with 3001, none. How many."""
    return _move_all(caller, message_ids, _edge(Operation.CANCEL), reason=reason)


def hold(*, caller: Caller, message_ids: Sequence[int], reason: str) -> int:
    """Keep waiting messages back until somebody releases them. How many."""
    return _move_all(caller, message_ids, _edge(Operation.HOLD), reason=reason)


def release(*, caller: Caller, message_ids: Sequence[int], reason: str) -> int:
    """Let held messages go on, but for those that a paused campaign's leg keeps. How many."""
    paused = Message.objects.visible_to(caller).filter(id__in=message_ids, status=Status.HELD, held_for=HeldFor.PAUSE)
    if paused_id := paused.values_list("id", flat=True).first():
        raise refuse(Code.STATE_CONFLICT, f"message {paused_id} waits for its campaign, which is paused")
    return _move_all(caller, message_ids, _edge(Operation.RELEASE), reason=reason)


def requeue(*, caller: Caller, message_ids: Sequence[int], reason: str) -> int:
    """Try failed messages anew, with a fresh count of attempts. How many."""
    return _move_all(caller, message_ids, _edge(Operation.REQUEUE), reason=reason)


def move_each(*, caller: Caller, message_ids: Sequence[int], operation: Operation, reason: str) -> list[int]:
    """Move those of the messages that can be, each on its own: the ids that moved, in order. The others stay."""
    edge = _edge(operation)
    visible = Message.objects.visible_to(caller).filter(id__in=message_ids)
    with transaction.atomic():
        moved = _moved(visible, edge, caller, reason)
        if edge.to == Status.ACCEPTED and moved:
            wake_channels(Message.objects.filter(id__in=moved))
    return moved


_VERDICTS = {"sent": Status.SENT, "send_again": Status.ACCEPTED, "give_up": Status.FAILED}


def settle(*, caller: Caller, message_id: int, verdict: str, reason: str) -> None:
    """Decide an UNCERTAIN message: it was "sent", "send_again", or "give_up"."""
    if verdict not in _VERDICTS:
        raise refuse(Code.INVALID, f"must be one of {', '.join(_VERDICTS)}", "verdict")
    to = _VERDICTS[verdict]
    columns = {"due_at": timezone.now()} if to == Status.ACCEPTED else {}
    _move_all(caller, [message_id], _Edge(to=to, only=Status.UNCERTAIN, columns=columns), reason=reason)


def _moved(messages: MessageQuerySet, edge: _Edge, caller: Caller, reason: str) -> list[int]:
    chosen = messages.filter(status=edge.only) if edge.only else messages
    return queue.move(chosen, edge.to, reason=reason, actor=caller.actor, **edge.columns)


def _move_all(caller: Caller, message_ids: Sequence[int], edge: _Edge, *, reason: str) -> int:
    """All of the messages or none: one that cannot move refuses the command and names itself."""
    wanted = sorted(set(message_ids))
    visible = Message.objects.visible_to(caller).filter(id__in=wanted)
    with transaction.atomic():
        found = {
            pk: f"{status} and erased" if erased_at else _standing(status, channel)
            for pk, status, channel, erased_at in visible.values_list("id", "status", "channel", "erased_at")
        }
        if unseen := [pk for pk in wanted if pk not in found]:
            raise not_found(f"message {', '.join(map(str, unseen))}")
        moved = _moved(visible, edge, caller, reason)
        if stuck := [pk for pk in wanted if pk not in moved]:
            states = ", ".join(f"{pk} is {found[pk]}" for pk in stuck)
            raise refuse(Code.STATE_CONFLICT, f"cannot become {edge.to}: message {states}")
    if edge.to == Status.ACCEPTED:
        wake_channels(visible)
    return len(moved)


def _standing(status: str, channel: str) -> str:
    return status if channel in channels() else f"{status}, and the channel {channel} is not there"


def wake_channels(messages: MessageQuerySet) -> None:
    """Tell the workers of these messages' channels to look, once all is committed."""
    for channel in messages.values_list("channel", flat=True).order_by().distinct():
        transaction.on_commit(lambda channel=channel: wakeups.wake(DISPATCH_TASK, channel))  # type: ignore[misc]


def purge(*, closed_before: datetime, size: int = 1000) -> int:
    """Forget messages closed before a moment, with their events and attachments; how many."""
    total = 0
    expired = Message.objects.filter(status__in=sorted(CLOSED - {Status.UNCERTAIN}), closed_at__lt=closed_before)
    expired = expired.not_to_be_listed()
    while True:
        with transaction.atomic():
            # Locked, so that none of them is tried anew while it goes.
            locked = expired.order_by("id").select_for_update(of=("self",))
            ids = list(locked.values_list("id", flat=True)[:size])
            Attachment.objects.filter(message_id__in=ids).delete()
            MessageEvent.objects.filter(message_id__in=ids).delete()
            Message.objects.filter(id__in=ids).delete()
        total += len(ids)
        if len(ids) < size:
            return total


def chunks(items: Sequence[int]) -> Iterable[Sequence[int]]:
    """The same, so many at a time as one transaction takes."""
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))
