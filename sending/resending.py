"""Sending closed messages once more: each as a new message that names the first (contract send_v2, "Resend")."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, TextField
from django.db.models.functions import Cast, Length
from django.utils import timezone

from gateway.caller import Caller
from gateway.errors import Code, Problem, Refusal, not_found, refuse
from sending import suppressing
from sending.acceptance import Versions, examine, key_of, to_row
from sending.letter import Letter
from sending.models import Attachment, Message
from sending.states import CLOSED, Status
from sending.taking import Accepted, announce, insert, used_before

MOST_AT_ONCE = 1000
# Characters of contents.
_MOST_TOGETHER = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What is otherwise than the first time; empty = as it was, and at once."""

    recipient_email_address: str = ""
    recipient_postal_address: str = ""
    send_at: datetime | None = None
    expires_at: datetime | None = None

    def given(self) -> dict[str, Any]:
        """Those that say something, by name."""
        return {name: value for name, value in asdict(self).items() if value}


_UNCHANGED = Changes()


def resend(
    *,
    caller: Caller,
    message_ids: Sequence[int],
    changes: Changes = _UNCHANGED,
    request_id: str = "",
    delivery_id: str = "",
    reason: str = "",
) -> list[Accepted]:
    """Send each message again, all of them or, with Refusal, none; the new ones in the order of ``message_ids``.

    The same under the same ``request_id``, or from the same message of a queue (``delivery_id``), is answered as the
    first time. Who acts for the house does so in the name of
    each message's client. Raises Refusal: 3000 for what the caller does not see, 3001 for what is not closed or whose
    content is gone, 1005 for another resend under the same id, and what a new letter would be refused for; problems
    name a message as ("message_ids", its place), and what is changed by its name.
    """
    caller.require("send")
    wanted = list(dict.fromkeys(message_ids))
    if not wanted:
        raise refuse(Code.REQUIRED, "required", "message_ids")
    if len(wanted) > MOST_AT_ONCE:
        raise refuse(Code.INVALID, f"must be at most {MOST_AT_ONCE} messages", "message_ids")
    digest = _digest_of(wanted, changes)
    key = key_of(caller, Letter(request_id=request_id, delivery_id=delivery_id))
    try:
        with transaction.atomic():
            firsts = _locked(caller, wanted)
            # Asked under the lock, where one who repeats waits for the first; and before anything is refused.
            if repeat := _repeat_of(caller, wanted, key, digest):
                return repeat
            _check(wanted, firsts)
            new = {"request_id": request_id, "delivery_id": delivery_id, "digest": digest, "reason": reason}
            rows = _stored(caller, wanted, changes, new)
    except IntegrityError:
        # Somebody took the request id in between, for other messages than these.
        repeat = _repeat_of(caller, wanted, key, digest)
        if not repeat:
            raise
        return repeat
    return announce(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resent:
    """What a resend on its own came to: the new message, None where there is none, and in words why not, or why the new
    one does not go out."""

    message_id: int | None
    words: str = ""


def resend_each(*, caller: Caller, message_ids: Sequence[int], reason: str) -> dict[int, Resent]:
    """Send each of these closed messages again or tell why not, each on its own, all in one transaction. The caller
    sees them, and has locked them."""
    caller.require("send")
    results: dict[int, Resent] = {}
    versions: Versions = {}
    with transaction.atomic():
        for group in _by_size(message_ids):
            results |= _again(caller, group, versions, reason)
    return results


def _by_size(message_ids: Sequence[int]) -> Iterator[list[int]]:
    """The same in groups whose contents together are no burden to keep in memory."""
    group: list[int] = []
    together = 0
    sizes = Message.objects.filter(id__in=message_ids).annotate(size=Length(Cast("content", TextField())))
    for pk, size in sizes.order_by("id").values_list("id", "size"):
        if group and together + size > _MOST_TOGETHER:
            yield group
            group, together = [], 0
        group.append(pk)
        together += size
    if group:
        yield group


def _again(caller: Caller, group: Sequence[int], versions: Versions, reason: str) -> dict[int, Resent]:
    results: dict[int, Resent] = {}
    letters: list[Letter] = []
    rows: list[dict[str, Any]] = []
    attachments = Attachment.objects.filter(message_id__in=group).order_by().values_list("message_id")
    kept = dict(attachments.annotate(count=Count("id")))
    now = timezone.now()
    firsts = list(Message.objects.filter(id__in=group).select_related("template_version").order_by("id"))
    for message in firsts:
        try:
            letter = _letter_of(message, kept.get(message.pk, 0))
            row = to_row(caller, examine(caller, letter, versions, is_again=True), now=now) | {"reason": reason}
        except Refusal as refusal:
            results[message.pk] = Resent(message_id=None, words=str(refusal))
            continue
        if caller.client_id is None:
            row["client_id"] = message.client_id
        letters.append(letter)
        rows.append(row)
    if rows:
        for client_id in {row["client_id"] for row in rows}:
            suppressing.honour([row for row in rows if row["client_id"] == client_id], now=now)
        insert(rows, letters, actor=caller.actor)
        announce(rows)
    for message, row in zip([one for one in firsts if one.pk not in results], rows, strict=True):
        if message.attachment_count:
            _take_signatures(message.pk, row["id"])
        words = row["reason"] if row["status"] == Status.CANCELLED else ""
        results[message.pk] = Resent(message_id=row["id"], words=words)
    return results


def _digest_of(message_ids: Sequence[int], changes: Changes) -> bytes:
    """Equal for equal commands, whoever sends them over whichever face."""
    said = {"resend": message_ids, **{name: str(value) for name, value in changes.given().items()}}
    return sha256(json.dumps(said, sort_keys=True).encode()).digest()


def _locked(caller: Caller, wanted: Sequence[int]) -> dict[int, str]:
    """Status by id of the messages that the caller sees; none of them is purged or moved meanwhile."""
    visible = Message.objects.visible_to(caller).filter(id__in=wanted).order_by("id")
    return dict(visible.select_for_update(of=("self",)).values_list("id", "status"))


def _check(wanted: Sequence[int], found: Mapping[int, str]) -> None:
    if unseen := [pk for pk in wanted if pk not in found]:
        raise not_found(f"message {', '.join(map(str, unseen))}")
    if still_open := [pk for pk in wanted if found[pk] not in CLOSED]:
        states = ", ".join(f"{pk} is {found[pk]}" for pk in still_open)
        raise refuse(Code.STATE_CONFLICT, f"cannot be sent again: message {states}")


def _repeat_of(caller: Caller, wanted: Sequence[int], key: str | None, digest: bytes) -> list[Accepted]:
    """What the first resend under this key made, in the order wanted; nothing where this is the first."""
    if key is None:
        return []
    first = Message.objects.filter(client_id=caller.client_id, idempotency_key=key).first()
    if first is None:
        return []
    if bytes(first.digest) != digest:
        raise used_before(first, by_request=key == first.request_id)
    # Those of one resend share their moment; only the first of them holds the key.
    made = Message.objects.filter(
        client_id=caller.client_id,
        created_at=first.created_at,
        request_id=first.request_id,
        related_message_id__in=wanted,
    )
    uuids = {one["related_message_id"]: one for one in made.values("related_message_id", "id", "uuid")}
    return [
        Accepted(message_id=uuids[pk]["id"], uuid=uuids[pk]["uuid"], is_repeat=True) for pk in wanted if pk in uuids
    ]


def _stored(caller: Caller, wanted: Sequence[int], changes: Changes, new: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of the new messages, one content at a time in memory; raises Refusal with all that is wrong."""
    rows: list[dict[str, Any]] = []
    problems: dict[Problem, None] = {}
    versions: Versions = {}
    now = timezone.now()
    for place, pk in enumerate(wanted):
        message = Message.objects.select_related("template_version").get(pk=pk)
        try:
            kept = Attachment.objects.filter(message=message).count()
            letter = replace(
                _letter_of(message, kept),
                request_id=new["request_id"],
                delivery_id=new["delivery_id"],
                **changes.given(),
            )
            examined = examine(caller, letter, versions, is_again=True)
        except Refusal as refusal:
            problems |= dict.fromkeys(_placed(refusal, place, changes))
            continue
        if problems:
            continue
        row = to_row(caller, examined, now=now) | {"digest": new["digest"], "reason": new["reason"]}
        if rows:
            # The request is known by its first message, and stands with all of them.
            row["idempotency_key"] = None
        if caller.client_id is None:
            row["client_id"] = message.client_id
        suppressing.honour([row], now=now)
        insert([row], [letter], actor=caller.actor)
        if message.attachment_count:
            _take_signatures(message.pk, row["id"])
        rows.append({name: row[name] for name in ("id", "uuid", "channel", "status", "job_id")})
    if problems:
        raise Refusal(problems)
    return rows


def _letter_of(message: Message, kept: int) -> Letter:
    """What it said; ``kept`` says how many of its attachments are still there."""
    if message.is_push:
        raise refuse(Code.STATE_CONFLICT, "it is a push, which is not sent again: push anew")
    if message.erased_at or not message.content or kept < message.attachment_count:
        raise refuse(Code.STATE_CONFLICT, "its content is no longer kept")
    version = message.template_version
    return replace(
        Letter.again(message.content),
        related_message_id=message.pk,
        message_type_version=version.version if version else None,
    )


def _take_signatures(first: int, second: int) -> None:
    """Documents that went out signed go again as they went: a second signature would make them other documents, which
    an archive that holds the first ones does not take."""
    signed = Attachment.objects.filter(message=first, signed_blob__isnull=False)
    for position, blob in signed.values_list("position", "signed_blob_id"):
        Attachment.objects.filter(message=second, position=position).update(signed_blob_id=blob)


def _placed(refusal: Refusal, place: int, changes: Changes) -> Iterator[Problem]:
    """The problems at the message they concern; at what was changed, once for all messages."""
    named = changes.given()
    for problem in refusal.problems:
        is_changed = bool(problem.field) and (problem.field[0] in named or problem.field[0] == "params")
        yield problem if is_changed else problem.at("message_ids", place)
