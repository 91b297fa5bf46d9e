"""Letters that are alike but for whom they go to, as a campaign's: what they have in common is examined once.

Only those that nothing is wrong with are taken here. Any other goes the way of every letter (sending.services), which
says what it is refused for, or that it was taken before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db import IntegrityError, transaction
from django.utils import timezone

from gateway.caller import Caller
from gateway.errors import Refusal
from sending import services, storing, suppressing
from sending.acceptance import Examined, Versions, delivery_key, due_at, examine, to_row
from sending.channels import channel
from sending.channels.base import Channel
from sending.letter import OF_ADDRESSEE, Addressee, Letter, digest_of
from sending.rendering import compiled
from sending.taking import Accepted, announce

# So many that something is wrong with are looked at for what the others have in common.
_MOST_LOOKED_AT = 10


def submit(
    *, caller: Caller, common: Letter, addressees: Sequence[Addressee], job_id: int | None = None
) -> list[Accepted | Refusal]:
    """Take the ``common`` letter to each of these or refuse it on its own, as ``services.submit_many`` would; the
    results in the order of ``addressees``. In one transaction: a database that fails is raised, and took none."""
    caller.require("send")
    with transaction.atomic():
        results: dict[int, Accepted | Refusal] = {}
        if mould := _mould(caller, common, addressees, job_id):
            for chunk in services.chunks(range(len(addressees))):
                results |= _taken(mould, {index: addressees[index] for index in chunk}, actor=caller.actor)
        others = [index for index in range(len(addressees)) if index not in results]
        if others:
            letters = [common.to(addressees[index]) for index in others]
            results |= zip(others, services.submit_many(caller=caller, letters=letters, job_id=job_id), strict=True)
    return [results[index] for index in range(len(addressees))]


def _taken(mould: "_Mould", addressees: Mapping[int, Addressee], *, actor: str) -> dict[int, Accepted]:
    """Those that could be taken at once, in one statement, by their places; none where one of them was before."""
    found = {index: row for index, to in addressees.items() if (row := mould.row(to)) is not None}
    rows = list(found.values())
    if not rows:
        return {}
    suppressing.honour(rows, now=mould.now)
    try:
        storing.insert(rows, actor=actor)
    except IntegrityError:
        return {}
    return dict(zip(found, announce(rows), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mould:
    """What the first letter that nothing was wrong with has in common with the others: its columns, what it says, and
    the sender that is added to that; ``properties`` are those that its template needs of each."""

    examined: Examined
    by: Channel
    properties: frozenset[str]
    columns: Mapping[str, Any]
    content: Mapping[str, Any]
    sender: Mapping[str, Any]
    now: datetime

    def row(self, to: Addressee) -> dict[str, Any] | None:
        """The row of Message of one letter, by column; None where something is wrong with it."""
        if not self.properties <= to.properties.keys() or any(self.by.recipient_problems(to)):
            return None
        content = {**self.content, **to.content()}
        return {
            **self.columns,
            "uuid": uuid4(),
            "idempotency_key": delivery_key(to.delivery_id),
            "digest": digest_of(content),
            "partner_ref": to.partner_ref,
            "recipient_name": to.recipient_name,
            "recipient_email_address": to.recipient_email_address,
            "content": {**content, **self.sender},
            "due_at": due_at(self.examined.held_for, common=self.examined.letter, own=to.due_at, now=self.now),
        }


def _mould(caller: Caller, common: Letter, addressees: Sequence[Addressee], job_id: int | None) -> _Mould | None:
    if common.attachments or common.archiving_expected or common.runs_as_job or common.request_id:
        # Each has files, a job or an id to itself, or is archived where its own properties say.
        return None
    examined = _first_good(caller, common, addressees)
    if examined is None:
        return None
    properties: frozenset[str] | None = frozenset()
    if examined.version_id is not None:
        properties = compiled(examined.version_id).needed_properties()
    if properties is None:
        return None
    now = timezone.now()
    columns = to_row(caller, examined, now=now, job_id=job_id)
    said = examined.content
    return _Mould(
        examined=examined,
        by=channel(examined.letter.channel),
        properties=properties,
        columns=columns,
        content={name: value for name, value in said.items() if name not in OF_ADDRESSEE},
        sender={name: value for name, value in columns["content"].items() if name not in said},
        now=now,
    )


def _first_good(caller: Caller, common: Letter, addressees: Sequence[Addressee]) -> Examined | None:
    versions: Versions = {}
    for to in addressees[:_MOST_LOOKED_AT]:
        try:
            return examine(caller, common.to(to), versions)
        except Refusal:
            # What for is said on the way of every letter.
            continue
    return None
