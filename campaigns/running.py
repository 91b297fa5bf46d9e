"""Campaigns on their way: each leg's letters, one for each recipient, made once whatever dies.

A leg's job makes them in portions; each portion, those left out and the place to go on from are kept in one
transaction.
"""

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import Count, Exists, Max, OuterRef, QuerySet
from django.utils import timezone

from campaigns.models import Campaign, CampaignPart, LegRun, Recipient, SkippedRecipient
from campaigns.states import CampaignStatus
from gateway.caller import Caller
from gateway.errors import Code, Refusal, refuse
from gateway.lookup import caller_of
from jobs.context import Context
from jobs.models import Job
from jobs.params import LEGS
from sending import queue, services
from sending.acceptance import usable_version
from sending.channels import channel as kept_channel
from sending.channels import channels
from sending.letter import Letter, Property
from sending.models import Message
from sending.services import Accepted
from sending.states import HeldFor, Status

JOB_CLASS = "hu.dbx.hammy.processor.campaign.CampaignJobRunner"
LEG_CLASS = "hu.dbx.hammy.processor.campaign.CampaignLegJobRunner"
SHARE_CLASS = "hu.dbx.hammy.processor.campaign.CampaignLegShareJobRunner"
LEG_ID = "LEG_ID"
RUN_ID, AFTER, UPTO, BEFORE = "RUN_ID", "AFTER", "UPTO", "BEFORE"
PAUSED = "its campaign is paused"
_PORTION = 1000
# Of what the recipients of a portion bring for their letters, in characters; looked at so many at a time.
_MOST_SAID, _STEP = 4_000_000, 250
# The first of a run, so that it soon keeps something, however often workers die.
_FIRST_PORTION = 100
# More recipients than these are made letters for by several jobs, side by side.
_SHARE = 10_000


def parts_of(caller: Caller, leg_ids: Sequence[str]) -> list[CampaignPart]:
    """The legs of these ids in that order, each once; raises 1001 for none, 1002 naming those that are not there, and
    2002 where the caller may not run campaigns or whose they are may not send letters."""
    caller.require("campaigns")
    if not leg_ids:
        raise refuse(Code.REQUIRED, "required: the ids of the legs to send", LEGS)
    wanted = [int(text) for text in leg_ids if text.isascii() and text.isdigit() and len(text) <= 18]
    visible = CampaignPart.objects.filter(campaign__in=Campaign.objects.visible_to(caller), id__in=wanted)
    found = {str(part.pk): part for part in visible.select_related("campaign__client", "group")}
    if missing := [text for text in leg_ids if text not in found]:
        raise refuse(Code.INVALID, f"there is no leg {', '.join(missing)[:200]}", LEGS)
    parts = [found[text] for text in dict.fromkeys(leg_ids)]
    for campaign in {part.campaign_id: part.campaign for part in parts}.values():
        sender_of(campaign).require("send")
    return parts


def sender_of(campaign: Campaign, *, user_name: str = "") -> Caller:
    """In whose name a campaign's letters are sent, whoever started it: its client's, or the house's."""
    if campaign.client is None:
        return Caller.house(user_name)
    return replace(caller_of(campaign.client), user_name=user_name)


def being_sent(part_ids: Collection[int]) -> dict[int, int]:
    """Those of these legs that are being sent, or are about to be, each with the job above it."""
    open_jobs = Job.objects.open()
    runs = LegRun.objects.filter(part__in=part_ids, job_id__in=open_jobs.values("id"))
    found = dict(runs.values_list("part_id", "run_job_id"))
    begun = Exists(LegRun.objects.filter(run_job_id=OuterRef("pk")))
    for job in open_jobs.filter(~begun, job_class=JOB_CLASS).only("id", "params"):
        named = {text.strip() for text in dict(job.params).get(LEGS, "").split(",")}
        found |= {pk: job.pk for pk in part_ids if str(pk) in named}
    return found


def begin_leg(context: Context[Any], part: CampaignPart) -> LegRun:
    """Begin to send a leg, by a job below this one; inside a transaction. Raises 3001 while it is being sent, and 3002
    for a template that cannot be used."""
    # The job first: a tree is locked from its root down.
    job = context.start_child(LEG_CLASS, [(LEG_ID, str(part.pk))])
    part = (
        CampaignPart.objects.select_for_update(of=("self",), no_key=True)
        .select_related("campaign__client")
        .get(pk=part.pk)
    )
    others = LegRun.objects.filter(part=part).values("job_id")
    if open_job := Job.objects.open().filter(id__in=others).first():
        raise refuse(Code.STATE_CONFLICT, f"the leg {part.pk} is being sent already, by job {open_job.pk}")
    sender = sender_of(part.campaign, user_name=context.job.user_name)
    version = usable_version(sender, message_type=part.message_type, version=part.message_type_version)
    group = Recipient.objects.filter(group_id=part.group_id).aggregate(count=Count("id"), last=Max("id"))
    run = LegRun.objects.create(
        part=part,
        job_id=job.pk,
        run_job_id=context.job.pk,
        message_type_version=version.version,
        recipients=group["count"],
        last_recipient_id=group["last"] or 0,
    )
    now = timezone.now()
    part.paused_seconds = 0.0
    if part.campaign.status == CampaignStatus.PAUSED:
        part.paused_at = part.paused_at or now
    part.save(update_fields=["paused_at", "paused_seconds"])
    if part.campaign.status != CampaignStatus.PAUSED:
        Campaign.objects.filter(pk=part.campaign_id).update(
            status=CampaignStatus.RUNNING, started_at=now, closed_at=None, updated_at=now
        )
    return run


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Some of a run's recipients: those with numbers above ``after`` up to ``upto``; ``before`` come before them."""

    after: int
    upto: int
    before: int = 0


def whole(run: LegRun) -> Share:
    """All recipients of a run."""
    return Share(after=0, upto=run.last_recipient_id)


def shares(run: LegRun) -> list[Share]:
    """The recipients of a run, cut so that several jobs may work side by side."""
    everybody = Recipient.objects.filter(group_id=run.part.group_id, id__lte=run.last_recipient_id).order_by("id")
    found: list[Share] = []
    after = before = 0
    while after < run.last_recipient_id:
        upto = everybody.filter(id__gt=after).values_list("id", flat=True)[_SHARE - 1 : _SHARE].first()
        found.append(Share(after=after, upto=upto or run.last_recipient_id, before=before))
        after, before = found[-1].upto, before + _SHARE
    return found


def begin_shares(context: Context[Any], run: LegRun) -> None:
    """A job below the leg's for each share of its recipients, all or none."""
    with transaction.atomic():
        for share in shares(run):
            values = {RUN_ID: run.pk, AFTER: share.after, UPTO: share.upto, BEFORE: share.before}
            context.start_child(SHARE_CLASS, [(key, str(value)) for key, value in values.items()])
        context.checkpoint(cursor={"is_shared": True})


def is_large(run: LegRun) -> bool:
    """Whether several jobs should make its letters."""
    return run.recipients > _SHARE


def make_letters(context: Context[Any], run: LegRun, share: Share) -> bool:
    """Letters for a share of a run's recipients, in portions, for a few seconds; whether those were all."""
    caller = sender_of(run.part.campaign, user_name=context.job.user_name)
    until = time.monotonic() + settings.HAMMY_WAKE_SECONDS
    cursor: dict[str, int] = context.cursor or {"after": share.after, "done": 0}
    everybody = Recipient.objects.filter(group_id=run.part.group_id, id__lte=share.upto).order_by("id")
    size = min(_FIRST_PORTION, _PORTION)
    while time.monotonic() < until:
        portion = _portion(everybody.filter(id__gt=cursor["after"]), size)
        size = _PORTION
        if not portion:
            return True
        with transaction.atomic():
            part = CampaignPart.objects.get(pk=run.part_id)
            _make(caller, run, part, portion, before=share.before + cursor["done"])
            cursor = {"after": portion[-1].pk, "done": cursor["done"] + len(portion)}
            context.checkpoint(cursor=cursor)
    return False


def _portion(recipients: QuerySet[Recipient], size: int) -> list[Recipient]:
    """The next recipients: up to ``size``, as many as may be held at a time."""
    portion: list[Recipient] = []
    said = 0
    while len(portion) < size and said < _MOST_SAID:
        step = list(recipients[len(portion) : min(len(portion) + _STEP, size)])
        for recipient in step:
            portion.append(recipient)
            said += sum(map(len, recipient.properties.values())) + len(recipient.postal_address)
            if said >= _MOST_SAID:
                return portion
        if len(step) < _STEP:
            break
    return portion


def _make(caller: Caller, run: LegRun, part: CampaignPart, portion: Sequence[Recipient], *, before: int) -> None:
    """The letters of a portion, which ``before`` others come before."""
    letters = list(_letters(run, part, portion, before=before))
    results = services.submit_many(caller=caller, letters=letters, job_id=run.job_id)
    refused = [(to, result) for to, result in zip(portion, results, strict=True) if isinstance(result, Refusal)]
    if passing := next((refusal for _, refusal in refused if _has(refusal, Code.UNAVAILABLE)), None):
        # No fault of the recipient's: the whole portion is made again.
        raise OperationalError(str(passing))
    left_out = [
        SkippedRecipient(run=run, recipient_id=recipient.pk, reason=str(refusal))
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


def _has(refusal: Refusal, code: Code) -> bool:
    return any(problem.code == code for problem in refusal.problems)


def _letters(run: LegRun, part: CampaignPart, portion: Sequence[Recipient], *, before: int) -> Iterator[Letter]:
    now = timezone.now()
    begin = max(now, part.send_at) if part.send_at else now
    batch_id = str(run.part.campaign.uuid)
    for index, recipient in enumerate(portion, start=before):
        yield Letter(
            **addressed(recipient),
            channel=part.channel,
            batch_id=batch_id,
            message_type=part.message_type,
            message_type_version=run.message_type_version,
            from_address=part.from_address,
            from_name=part.from_name,
            campaign_part_id=part.pk,
            letter_type=letter_type_of(part.channel),
            send_at=part.send_at if part.send_at and part.send_at > now else None,
            due_at=_slot(run, part, begin, index),
            # By which it is taken once, however often a portion is made, or the campaign's job is run.
            delivery_id=f"leg {part.pk} of {run.run_job_id} {recipient.pk}",
        )


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


def addressed(recipient: Recipient) -> dict[str, Any]:
    """To whom a letter goes, and what it knows of him, as a letter has it."""
    known = {"language": recipient.language, "timeZone": recipient.time_zone} | recipient.properties
    return {
        "recipient_name": recipient.name,
        "recipient_email_address": recipient.email_address,
        "recipient_postal_address": recipient.postal_address,
        "partner_ref": recipient.partner_ref,
        "properties": tuple(Property(key=key, value=value) for key, value in known.items() if value),
    }


def _slot(run: LegRun, part: CampaignPart, begin: datetime, index: int) -> datetime | None:
    """When the letter number ``index`` of a throttled leg is due: its turn, counted from the start of the run."""
    if part.messages_per_minute is None:
        return None
    start = max(run.created_at, part.send_at) if part.send_at else run.created_at
    late = part.paused_seconds + 60 * index / part.messages_per_minute
    return max(begin, start + timedelta(seconds=late))


def hold(messages: Any, *, actor: str) -> int:
    """Keep back those of these messages that did not go out; how many. When each is due stays as it is."""
    waiting = messages.filter(status__in=[Status.ACCEPTED])
    return len(queue.move(waiting, Status.HELD, reason=PAUSED, actor=actor, held_for=HeldFor.PAUSE))
