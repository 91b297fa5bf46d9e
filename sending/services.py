"""What may be done with letters, whoever asks over whichever face: take, cancel, hold, release, requeue, settle."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.utils import timezone

from gateway import metrics, wakeups
from gateway.caller import Caller
from gateway.errors import Code, Refusal, not_found, refuse
from sending import blobs, queue, storing
from sending.acceptance import Examined, Versions, examine, to_row
from sending.letter import Letter, LetterAttachment, digest_of
from sending.models import Attachment, Blob, Message, MessageEvent
from sending.models.message import MessageQuerySet
from sending.states import CLOSED, HeldFor, Status

DISPATCH_TASK = "sending.tasks.dispatch"
# One transaction of a bulk: long enough to be cheap, short enough not to hold others up.
_CHUNK = 500
_STORAGE_RETRY_SECONDS = 60

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A letter taken. ``is_repeat``: it had been taken before, under the same request id, and nothing was added."""

    message_id: int
    uuid: UUID
    is_repeat: bool = False


def submit(*, caller: Caller, letter: Letter) -> Accepted:
    """Take one letter, once (contract send_v2, "sendMail: fields"); raises Refusal with all that is wrong with it."""
    result = submit_many(caller=caller, letters=[letter])[0]
    if isinstance(result, Refusal):
        raise result
    return result


def submit_many(*, caller: Caller, letters: Sequence[Letter]) -> list[Accepted | Refusal]:
    """Take each letter or refuse it on its own; the results in the order of ``letters``.

    A database that fails is raised while no letter was taken; after that each letter it fails for is refused with
    9001: what was taken must be told.
    """
    caller.require("send")
    results: dict[int, Accepted | Refusal] = {}
    for chunk in _chunks(range(len(letters)), _CHUNK):
        try:
            good: dict[int, Examined] = {}
            versions: Versions = {}
            for index in chunk:
                try:
                    good[index] = examine(caller, letters[index], versions)
                except Refusal as refusal:
                    results[index] = refusal
            _take(caller, good, results)
        except (OperationalError, InterfaceError):
            if not any(isinstance(result, Accepted) for result in results.values()):
                raise
            _log.exception("a part of a bulk could not be stored")
            unavailable = refuse(Code.UNAVAILABLE, "temporarily unavailable, try again later")
            results |= {index: unavailable for index in chunk if index not in results}
    return [results[index] for index in range(len(letters))]


def _take(caller: Caller, examined: dict[int, Examined], results: dict[int, Accepted | Refusal]) -> None:
    """Store letters in one transaction, into ``results`` what came of each; where a request id among them is already
    taken, those that repeat it apart from the others."""
    if not examined:
        return
    try:
        rows = _store(caller, list(examined.values()))
    except Refusal as refusal:
        results |= dict.fromkeys(examined, refusal)
        return
    except IntegrityError:
        if len(examined) > 1:
            fresh = _first_sendings(caller, examined)
            # Where none repeats, somebody else's transaction was in between, or one letter alone is in the way.
            parts = [fresh] if len(fresh) < len(examined) else [{index: one} for index, one in examined.items()]
            for part in parts:
                _take(caller, part, results)
            rest = {index: one for index, one in examined.items() if index not in fresh}
            firsts = {first.idempotency_key: first for first in _same_requests(caller, rest)}
            for index, one in rest.items():
                if first := firsts.get(one.letter.request_id):
                    results[index] = _answered_as(first, one.letter)
                else:
                    _take(caller, {index: one}, results)
            return
        ((index, only),) = examined.items()
        repeat = _repeat(caller, only.letter)
        if repeat is None:
            raise
        results[index] = repeat
        return
    for channel in {row["channel"] for row in rows if row["status"] == Status.ACCEPTED}:
        transaction.on_commit(lambda channel=channel: wakeups.wake(DISPATCH_TASK, channel))  # type: ignore[misc]
    for index, row in zip(examined, rows, strict=True):
        metrics.MESSAGES.labels(channel=row["channel"], event="accepted").inc()
        results[index] = Accepted(message_id=row["id"], uuid=row["uuid"])


def _first_sendings(caller: Caller, examined: dict[int, Examined]) -> dict[int, Examined]:
    """Those whose request id is new, to the table and among themselves: a batch sent again costs a few looks, not a
    transaction for each letter."""
    seen = {first.idempotency_key for first in _same_requests(caller, examined)}
    fresh = {}
    for index, one in examined.items():
        request_id = one.letter.request_id
        if not request_id or request_id not in seen:
            fresh[index] = one
            seen.add(request_id)
    return fresh


def _store(caller: Caller, examined: Sequence[Examined]) -> list[dict[str, Any]]:
    """Rows of the letters, their attachments and first events, in one transaction; files before rows. The letters'
    rows, with their ids."""
    attachments = [attachment for one in examined for attachment in one.letter.attachments]
    if attachments:
        if any(_is_taken(caller, one.letter) for one in examined):
            raise IntegrityError("a request id of these was taken before")
        _keep(attachments)
    now = timezone.now()
    rows = [to_row(caller, one, now=now) for one in examined]
    if not attachments:
        storing.insert(rows, actor=caller.actor)
        return rows
    with transaction.atomic():
        storing.insert(rows, actor=caller.actor)
        # In one order for all, or two letters with the same files could wait for each other.
        sizes = sorted({item.digest: len(item.content) for item in attachments}.items())
        Blob.objects.bulk_create(
            [Blob(digest=digest, size=size, created_at=now) for digest, size in sizes], ignore_conflicts=True
        )
        Attachment.objects.bulk_create(
            attachment
            for row, one in zip(rows, examined, strict=True)
            for attachment in _attachments(row["id"], one.letter)
        )
    return rows


def _keep(attachments: Sequence[LetterAttachment]) -> None:
    try:
        blobs.store(attachments)
    except OSError as error:
        _log.exception("attachments not stored")
        refusal = refuse(Code.UNAVAILABLE, "the attachments cannot be stored at present; send the request again")
        raise Refusal(refusal.problems, retry_after=_STORAGE_RETRY_SECONDS) from error


def _attachments(message_id: int, letter: Letter) -> Iterable[Attachment]:
    for position, attachment in enumerate(letter.attachments):
        yield Attachment(
            message_id=message_id,
            blob_id=attachment.digest,
            position=position,
            file_name=attachment.file_name,
            internal_file_name=attachment.internal_file_name,
            media_type=attachment.media_type,
            document_type=attachment.document_type,
            object_type=attachment.object_type,
            object_ref=attachment.object_ref,
            properties=[
                {"key": item.key, "value": item.value, "is_meta_data": item.is_meta_data}
                for item in attachment.properties
            ],
        )


def _same_request(caller: Caller, letter: Letter) -> MessageQuerySet:
    return Message.objects.filter(client_id=caller.client_id, idempotency_key=letter.request_id)


def _same_requests(caller: Caller, examined: dict[int, Examined]) -> MessageQuerySet:
    wanted = {one.letter.request_id for one in examined.values()} - {""}
    same = Message.objects.filter(client_id=caller.client_id, idempotency_key__in=wanted)
    return same.only("id", "uuid", "digest", "idempotency_key")


def _is_taken(caller: Caller, letter: Letter) -> bool:
    return bool(letter.request_id) and caller.request_id_unique and _same_request(caller, letter).exists()


def _repeat(caller: Caller, letter: Letter) -> Accepted | Refusal | None:
    """What the first sending of this request id was answered, unless it said something else; None when there is
    none."""
    if not letter.request_id:
        return None
    first = _same_request(caller, letter).only("id", "uuid", "digest").first()
    return None if first is None else _answered_as(first, letter)


def _answered_as(first: Message, letter: Letter) -> Accepted | Refusal:
    if bytes(first.digest) != digest_of(letter.content()):
        return refuse(
            Code.DUPLICATE_REQUEST,
            f"already used for message {first.pk} with different content; use a new request id",
            "request_id",
        )
    return Accepted(message_id=first.pk, uuid=first.uuid, is_repeat=True)


def cancel(*, caller: Caller, message_ids: Sequence[int], reason: str) -> int:
    """Withdraw messages that did not go out yet: all of them or, with 3001, none. How many."""
    return _move_all(caller, message_ids, Status.CANCELLED, reason=reason)


def hold(*, caller: Caller, message_ids: Sequence[int], reason: str) -> int:
    """Keep waiting messages back until somebody releases them. How many."""
    return _move_all(caller, message_ids, Status.HELD, reason=reason, held_for=HeldFor.PERSON, due_at=None)


def release(*, caller: Caller, message_ids: Sequence[int], reason: str) -> int:
    """Let held messages go on. How many."""
    return _move_all(caller, message_ids, Status.ACCEPTED, only=Status.HELD, reason=reason, due_at=timezone.now())


def requeue(*, caller: Caller, message_ids: Sequence[int], reason: str) -> int:
    """Try failed messages anew, with a fresh count of attempts. How many."""
    return _move_all(
        caller, message_ids, Status.ACCEPTED, only=Status.FAILED, reason=reason, due_at=timezone.now(), attempts=0
    )


_VERDICTS = {"sent": Status.SENT, "send_again": Status.ACCEPTED, "give_up": Status.FAILED}


def settle(*, caller: Caller, message_id: int, verdict: str, reason: str) -> None:
    """Decide an UNCERTAIN message: it was "sent", "send_again", or "give_up"."""
    if verdict not in _VERDICTS:
        raise refuse(Code.INVALID, f"must be one of {', '.join(_VERDICTS)}", "verdict")
    to = _VERDICTS[verdict]
    columns = {"due_at": timezone.now()} if to == Status.ACCEPTED else {}
    _move_all(caller, [message_id], to, only=Status.UNCERTAIN, reason=reason, **columns)


def _move_all(
    caller: Caller,
    message_ids: Sequence[int],
    to: Status,
    *,
    reason: str,
    only: Status | None = None,
    **columns: Any,
) -> int:
    """All of the messages or none: one that cannot move refuses the command and names itself."""
    wanted = sorted(set(message_ids))
    visible = Message.objects.visible_to(caller).filter(id__in=wanted)
    with transaction.atomic():
        found = dict(visible.values_list("id", "status"))
        if unseen := [pk for pk in wanted if pk not in found]:
            raise not_found(f"message {', '.join(map(str, unseen))}")
        moved = queue.move(
            visible.filter(status=only) if only else visible, to, reason=reason, actor=caller.actor, **columns
        )
        if stuck := [pk for pk in wanted if pk not in moved]:
            states = ", ".join(f"{pk} is {found[pk]}" for pk in stuck)
            raise refuse(Code.STATE_CONFLICT, f"cannot become {to}: message {states}")
    if to == Status.ACCEPTED:
        wake_channels(visible)
    return len(moved)


def wake_channels(messages: MessageQuerySet) -> None:
    """Tell the workers of these messages' channels to look, once all is committed."""
    for channel in messages.values_list("channel", flat=True).order_by().distinct():
        transaction.on_commit(lambda channel=channel: wakeups.wake(DISPATCH_TASK, channel))  # type: ignore[misc]


def purge(*, closed_before: datetime, size: int = 1000) -> int:
    """Forget messages closed before a moment, with their events and attachments; how many."""
    total = 0
    expired = Message.objects.filter(status__in=sorted(CLOSED - {Status.UNCERTAIN}), closed_at__lt=closed_before)
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


def _chunks(items: Sequence[int], size: int) -> Iterable[Sequence[int]]:
    return (items[start : start + size] for start in range(0, len(items), size))
