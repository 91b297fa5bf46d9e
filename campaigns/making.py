"""The letters of a leg, one for each recipient, made once whatever dies.

They are made in portions; each portion, those left out and the place to go on from are kept in one transaction.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from campaigns.models import CampaignPart, LegRun, Recipient, SkippedRecipient
from campaigns.running import Share, hold, sender_of
from gateway.caller import Caller
from gateway.errors import Code, Problem, Refusal
from jobs.context import Context
from sending import alike
from sending.channels import channel as kept_channel
from sending.channels import channels
from sending.letter import Addressee, Letter
from sending.models import Message
from sending.taking import Accepted

_PORTION = 2000
# Of what the recipients of a portion bring for their letters, in characters; looked at so many at a time.
_MOST_SAID, _STEP = 4_000_000, 250
# The first of a run, so that it soon keeps something, however often workers die.
_FIRST_PORTION = 100
# The fields of a letter as those know them who look after recipients and legs.
_WORDS = {
    "recipient_name": "name",
    "recipient_email_address": "e-mail",
    "recipient_postal_address": "postal address",
    "partner_ref": "partner",
    "message_type": "template",
    "message_type_version": "version",
    "from_address": "sender address",
    "from_name": "sender name",
}


def make_letters(context: Context[Any], run: LegRun, share: Share) -> bool:
    """Letters for a share of a run's recipients, in portions, for a few seconds; whether those were all. After the
    first portion of a run others have a turn: somebody is to hand those letters over."""
    caller = sender_of(run.part.campaign, user_name=context.job.user_name)
    until = time.monotonic() + settings.HAMMY_WAKE_SECONDS
    cursor: dict[str, int] = context.cursor or {"after": share.after, "done": 0}
    everybody = Recipient.objects.filter(group_id=run.part.group_id, id__lte=share.upto).order_by("id")
    is_first = context.cursor is None and not share.before
    size = min(_FIRST_PORTION, _PORTION)
    # The clock is looked at behind a portion: on however busy a machine a run gets on.
    while True:
        portion = _portion(everybody.filter(id__gt=cursor["after"]), size)
        size = _PORTION
        if not portion:
            return True
        with transaction.atomic():
            part = CampaignPart.objects.get(pk=run.part_id)
            _make(caller, run, part, portion, before=share.before + cursor["done"])
            cursor = {"after": portion[-1].id, "done": cursor["done"] + len(portion)}
            context.checkpoint(cursor=cursor)
        if cursor["after"] >= share.upto:
            return True
        if is_first or time.monotonic() >= until:
            return False


class Row(NamedTuple):
    """What is read of a recipient: making a model of each cost more than finding it."""

    id: int
    name: str
    email_address: str
    postal_address: str
    partner_ref: str
    language: str
    time_zone: str
    properties: dict[str, str]


def _portion(recipients: QuerySet[Recipient], size: int) -> list[Row]:
    """The next recipients: up to ``size``, as many as may be held at a time."""
    portion: list[Row] = []
    said = 0
    while len(portion) < size and said < _MOST_SAID:
        rows = recipients.values_list(*Row._fields)[len(portion) : min(len(portion) + _STEP, size)]
        step = [Row(*row) for row in rows]
        for recipient in step:
            portion.append(recipient)
            said += sum(map(len, recipient.properties.values())) + len(recipient.postal_address)
            if said >= _MOST_SAID:
                return portion
        if len(step) < _STEP:
            break
    return portion


def _make(caller: Caller, run: LegRun, part: CampaignPart, portion: Sequence[Row], *, before: int) -> None:
    """The letters of a portion, which ``before`` others come before."""
    now = timezone.now()
    addressees = list(_addressees(run, part, portion, before=before, now=now))
    common = _in_common(run, part, now=now)
    results = alike.submit(caller=caller, common=common, addressees=addressees, job_id=run.job_id)
    refused = [(to, result) for to, result in zip(portion, results, strict=True) if isinstance(result, Refusal)]
    if passing := next((refusal for _, refusal in refused if _has(refusal, Code.UNAVAILABLE)), None):
        # No fault of the recipient's: the whole portion is made again.
        raise OperationalError(str(passing))
    left_out = [
        SkippedRecipient(run=run, recipient_id=recipient.id, reason="; ".join(in_words(refusal.problems)))
        for recipient, refusal in refused
        # Who was changed since has a letter already, that says something else.
        if not _has(refusal, Code.DUPLICATE_REQUEST)
    ]
    # Whoever was written to in this run and has changed since has his letter.
    if left_out:
        # Run again, it finds those that were left out before.
        SkippedRecipient.objects.bulk_create(left_out, ignore_conflicts=True)
    made = [result.message_id for result in results if isinstance(result, Accepted)]
    if part.paused_at is not None:
        hold(Message.objects.filter(id__in=made), actor=caller.actor)


def in_words(problems: Iterable[Problem]) -> list[str]:
    """What a recipient's letter is refused for, told of the recipient and the leg instead of the letter."""
    return [
        replace(problem, field=tuple(_WORDS.get(str(part), part) for part in problem.field)).detail
        for problem in problems
    ]


def _has(refusal: Refusal, code: Code) -> bool:
    return any(problem.code == code for problem in refusal.problems)


def _in_common(run: LegRun, part: CampaignPart, *, now: datetime) -> Letter:
    """What all letters of a run are alike in."""
    return Letter(
        channel=part.channel,
        batch_id=str(run.part.campaign.uuid),
        message_type=part.message_type,
        message_type_version=run.message_type_version,
        from_address=part.from_address,
        from_name=part.from_name,
        campaign_part_id=part.pk,
        letter_type=letter_type_of(part.channel),
        send_at=part.send_at if part.send_at and part.send_at > now else None,
    )


def _addressees(
    run: LegRun, part: CampaignPart, portion: Sequence[Row], *, before: int, now: datetime
) -> Iterator[Addressee]:
    begin = max(now, part.send_at) if part.send_at else now
    # By which each is taken once, however often a portion is made, or the campaign's job is run.
    delivery = f"leg {part.pk} of {run.run_job_id}"
    for index, row in enumerate(portion, start=before):
        yield addressee(row, delivery_id=f"{delivery} {row.id}", due_at=_slot(run, part, begin, index))


@cache
def demanded(channel: str, *, partner_ref: str = "") -> frozenset[str]:
    """The fields that a channel says every letter of a template needs: asked of one that has none."""
    if channel not in channels():
        return frozenset()
    asked = Letter(channel=channel, recipient_name="x", message_type="x", partner_ref=partner_ref)
    return frozenset(str(problem.field[0]) for problem in kept_channel(channel).check(asked) if problem.field)


def letter_type_of(channel: str) -> str:
    """What a leg's printed letters are; "" where letters are not printed."""
    return str(settings.HAMMY_LETTER_TYPES[0]) if "letter_type" in demanded(channel) else ""


def addressee(recipient: Recipient | Row, *, delivery_id: str = "", due_at: datetime | None = None) -> Addressee:
    """To whom a recipient's letter goes, and what it knows of him."""
    known = {"language": recipient.language, "timeZone": recipient.time_zone, **recipient.properties}
    return Addressee(
        recipient_name=recipient.name,
        recipient_email_address=recipient.email_address,
        recipient_postal_address=recipient.postal_address,
        partner_ref=recipient.partner_ref,
        properties={key: value for key, value in known.items() if value},
        delivery_id=delivery_id,
        due_at=due_at,
    )


def _slot(run: LegRun, part: CampaignPart, begin: datetime, index: int) -> datetime | None:
    """When the letter number ``index`` of a throttled leg is due: its turn, counted from the start of the run."""
    if part.messages_per_minute is None:
        return None
    start = max(run.created_at, part.send_at) if part.send_at else run.created_at
    late = part.paused_seconds + 60 * index / part.messages_per_minute
    return max(begin, start + timedelta(seconds=late))
