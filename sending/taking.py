"""Storing letters found good, each once: their rows, their attachments, and what a repeated request is answered."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from gateway import metrics, wakeups
from gateway.caller import Caller
from gateway.errors import Code, Refusal, refuse
from sending import blobs, removing, running_as_job, storing, suppressing
from sending.acceptance import Examined, key_of, to_row
from sending.letter import Letter, LetterAttachment, digest_of
from sending.models import Attachment, Blob, Message, SourceDeletion
from sending.models.message import MessageQuerySet
from sending.states import CLOSED, Status

DISPATCH_TASK = "sending.tasks.dispatch"
_STORAGE_RETRY_SECONDS = 60

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A letter taken. ``is_repeat``: it had been taken before, under the same request id, and nothing was added.
    ``job_uuid``: the job that sends it, where the letter asked for one."""

    message_id: int
    uuid: UUID
    is_repeat: bool = False
    job_uuid: str = ""


def take(
    caller: Caller,
    examined: dict[int, Examined],
    results: dict[int, Accepted | Refusal],
    *,
    job_id: int | None = None,
    is_second_try: bool = False,
) -> None:
    """Store letters in one transaction, into ``results`` what came of each; where a request id among them is already
    taken, those that repeat it apart from the others."""
    if not examined:
        return
    try:
        rows = _store(caller, list(examined.values()), job_id)
    except Refusal as refusal:
        results |= dict.fromkeys(examined, refusal.unraised())
        return
    except IntegrityError:
        if len(examined) > 1:
            fresh = _first_sendings(caller, examined)
            # Where none repeats, somebody else's transaction was in between, or one letter alone is in the way.
            parts = [fresh] if len(fresh) < len(examined) else [{index: one} for index, one in examined.items()]
            for part in parts:
                take(caller, part, results, job_id=job_id)
            rest = {index: one for index, one in examined.items() if index not in fresh}
            firsts = {first.idempotency_key: first for first in _same_requests(caller, rest)}
            for index, one in rest.items():
                if first := firsts.get(key_of(caller, one.letter)):
                    results[index] = _answered_as(first, one.letter)
                else:
                    take(caller, {index: one}, results, job_id=job_id)
            return
        ((index, only),) = examined.items()
        if repeat := repeat_of(caller, only.letter):
            results[index] = repeat
        elif only.letter.attachments and not is_second_try:
            # Bytes kept long ago, that nothing named any more, were dropped in this moment (blobs.sweep). They are kept
            # anew.
            take(caller, examined, results, job_id=job_id, is_second_try=True)
        else:
            raise
        return
    results |= dict(zip(examined, announce(rows), strict=True))


def announce(rows: Sequence[Mapping[str, Any]]) -> list[Accepted]:
    """What to answer for rows that were stored; their channels are told once all is committed."""
    for channel in {row["channel"] for row in rows if row["status"] == Status.ACCEPTED}:
        transaction.on_commit(lambda channel=channel: wakeups.wake(DISPATCH_TASK, channel))  # type: ignore[misc]
    closed = [row for row in rows if row["status"] in CLOSED]
    running_as_job.closed_when_committed([row["job_id"] for row in closed], Status.CANCELLED)
    for row in closed:
        metrics.MESSAGES.labels(channel=row["channel"], event="cancelled").inc()
    for channel, count in Counter(row["channel"] for row in rows).items():
        metrics.MESSAGES.labels(channel=channel, event="accepted").inc(count)
    return [Accepted(message_id=row["id"], uuid=row["uuid"], job_uuid=row.get("job_uuid", "")) for row in rows]


def _first_sendings(caller: Caller, examined: dict[int, Examined]) -> dict[int, Examined]:
    """Those whose request id is new, to the table and among themselves: a batch sent again costs a few looks, not a
    transaction for each letter."""
    seen = {first.idempotency_key for first in _same_requests(caller, examined)}
    fresh = {}
    for index, one in examined.items():
        key = key_of(caller, one.letter)
        if key is None or key not in seen:
            fresh[index] = one
            seen.add(key)
    return fresh


def _store(caller: Caller, examined: Sequence[Examined], job_id: int | None) -> list[dict[str, Any]]:
    """Rows of the letters, their attachments and first events, in one transaction; files before rows. The letters'
    rows, with their ids."""
    attachments = [attachment for one in examined for attachment in one.letter.attachments]
    if attachments:
        if any(_is_taken(caller, one.letter) for one in examined):
            raise IntegrityError("a request id of these was taken before")
        _keep(attachments)
    now = timezone.now()
    rows = [to_row(caller, one, now=now, job_id=job_id) for one in examined]
    suppressing.honour(rows, now=now)
    # A letter that a job sends runs as that job, whatever it asks for itself.
    alone = [one.letter for one, row in zip(examined, rows, strict=True) if _runs_alone(one.letter, row)]
    if not alone:
        insert(rows, [one.letter for one in examined], actor=caller.actor)
        return rows
    with transaction.atomic():
        jobs = iter(running_as_job.begin(caller, alone))
        for row, one in zip(rows, examined, strict=True):
            if _runs_alone(one.letter, row):
                job = next(jobs)
                row["job_id"], row["job_uuid"] = job.pk, str(job.uuid)
        insert(rows, [one.letter for one in examined], actor=caller.actor)
    return rows


def _runs_alone(letter: Letter, row: Mapping[str, Any]) -> bool:
    return letter.runs_as_job and row["job_id"] is None


def insert(rows: Sequence[dict[str, Any]], letters: Sequence[Letter], *, actor: str) -> None:
    """Rows of letters whose attachments' bytes are kept, with the rows of those and the first events; all of them or,
    with IntegrityError, none."""
    attachments = [attachment for letter in letters for attachment in letter.attachments]
    if not attachments:
        storing.insert(rows, actor=actor)
        return
    with transaction.atomic():
        storing.insert(rows, actor=actor)
        # In one order for all, or two letters with the same files could wait for each other.
        sizes = sorted({item.digest: item.size for item in attachments}.items())
        now = rows[0]["created_at"]
        Blob.objects.bulk_create(
            [Blob(digest=digest, size=size, created_at=now) for digest, size in sizes], ignore_conflicts=True
        )
        Attachment.objects.bulk_create(
            attachment
            for row, letter in zip(rows, letters, strict=True)
            for attachment in _attachments(row["id"], letter)
        )
        deletions = [
            deletion
            for row, letter in zip(rows, letters, strict=True)
            for deletion in removing.asked_by(row["id"], letter)
        ]
        if deletions:
            SourceDeletion.objects.bulk_create(deletions)


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
    return Message.objects.filter(client_id=caller.client_id, idempotency_key=key_of(caller, letter))


def _same_requests(caller: Caller, examined: dict[int, Examined]) -> MessageQuerySet:
    wanted = {key_of(caller, one.letter) for one in examined.values()} - {None}
    same = Message.objects.filter(client_id=caller.client_id, idempotency_key__in=wanted)
    return same.only("id", "uuid", "digest", "idempotency_key", "job_id")


def _is_taken(caller: Caller, letter: Letter) -> bool:
    return key_of(caller, letter) is not None and _same_request(caller, letter).exists()


def repeat_of(caller: Caller, letter: Letter) -> Accepted | Refusal | None:
    """What the first sending of this request id, or of this message of a queue, was answered, unless it said something
    else; None when there is none."""
    if key_of(caller, letter) is None:
        return None
    first = _same_request(caller, letter).only("id", "uuid", "digest", "idempotency_key", "job_id").first()
    return None if first is None else _answered_as(first, letter)


def _answered_as(first: Message, letter: Letter) -> Accepted | Refusal:
    if bytes(first.digest) != digest_of(letter.content()):
        return used_before(first, by_request=first.idempotency_key == letter.request_id)
    job_uuid = running_as_job.uuid_of(first) if letter.runs_as_job else ""
    return Accepted(message_id=first.pk, uuid=first.uuid, is_repeat=True, job_uuid=job_uuid)


def used_before(first: Message, *, by_request: bool) -> Refusal:
    """For another content under the id of a request, or of a queue's message, that was taken."""
    word, field = ("request", "request_id") if by_request else ("message", "delivery_id")
    sentence = f"already used for message {first.pk} with different content; use a new {word} id"
    return refuse(Code.DUPLICATE_REQUEST, sentence, field)
