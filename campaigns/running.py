"""Campaigns on their way: which legs are sent, and the jobs that send them. A leg's letters are made by jobs below its
own (campaigns.making), so that it counts what becomes of them from the first on."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, Max, OuterRef, QuerySet
from django.utils import timezone

from campaigns.models import Campaign, CampaignPart, LegRun, Recipient
from campaigns.states import CampaignStatus
from gateway.caller import Caller
from gateway.errors import Code, refuse
from gateway.lookup import caller_of
from jobs import states as job_states
from jobs.context import Context
from jobs.models import Job
from jobs.params import LEGS
from sending import queue
from sending.acceptance import usable_version
from sending.models import Message, Withdrawal
from sending.states import HeldFor, Status

JOB_CLASS = "hu.dbx.hammy.processor.campaign.CampaignJobRunner"
LEG_CLASS = "hu.dbx.hammy.processor.campaign.CampaignLegJobRunner"
SHARE_CLASS = "hu.dbx.hammy.processor.campaign.CampaignLegShareJobRunner"
LEG_ID = "LEG_ID"
RUN_ID, AFTER, UPTO, BEFORE = "RUN_ID", "AFTER", "UPTO", "BEFORE"
PAUSED = "its campaign is paused"
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
    # Without a cursor it is about to begin its legs, for the first time or again.
    for job in open_jobs.filter(job_class=JOB_CLASS, cursor__isnull=True).only("id", "params"):
        found |= dict.fromkeys(legs_named(job).intersection(part_ids), job.pk)
    return found


def current_jobs(campaign_ids: Collection[int]) -> dict[int, set[int]]:
    """The jobs of which each of these campaigns tells as of now: those that send it, or are about to, else the last
    that did; one that was never started is left out."""
    parts = dict(CampaignPart.objects.filter(campaign__in=campaign_ids).values_list("id", "campaign_id"))
    found: dict[int, set[int]] = {}
    for part_id, job_id in being_sent(parts).items():
        found.setdefault(parts[part_id], set()).add(job_id)
    runs = LegRun.objects.filter(part__campaign__in=set(campaign_ids) - found.keys()).order_by()
    last = runs.values_list("part__campaign_id").annotate(job=Max("run_job_id"))
    return found | {campaign_id: {job_id} for campaign_id, job_id in last}


def legs_named(job: Job) -> set[int]:
    """The legs that a campaign's job is to send, as its parameters name them."""
    named = (text.strip() for text in dict(job.params).get(LEGS, "").split(","))
    return {int(text) for text in named if text.isascii() and text.isdigit() and len(text) <= 18}


def with_letters_on_their_way(part_ids: Collection[int]) -> set[int]:
    """Those of these legs of which letters wait or are being sent: also where somebody ended their jobs by hand. What a
    cancelled job has left is withdrawn (sending.withdrawing)."""
    return set(_with_letters(part_ids).values_list("part_id", flat=True))


def left_behind(part_ids: Collection[int]) -> QuerySet[LegRun]:
    """The runs of these legs whose jobs somebody ended by hand while letters of theirs wait."""
    return _with_letters(part_ids).exclude(job_id__in=Job.objects.open().values("id"))


def on_their_way(part_ids: Collection[int]) -> set[int]:
    """Those of these legs that cannot be started now: being sent, or with letters that would be written once more."""
    return {*being_sent(part_ids), *left_behind(part_ids).values_list("part_id", flat=True)}


def refuse_while_letters_wait(part_ids: Collection[int], *, but_of: int = 0) -> None:
    """Raise 3001 for the first of these legs whose recipients a start would write to beside letters that wait. Those
    below the job ``but_of``, which is run again, are not made once more."""
    for run in left_behind(part_ids).exclude(run_job_id=but_of).order_by("part_id")[:1]:
        words = f"letters of the leg {run.part_id} wait, of job {run.job_id}: let them go out, or cancel the campaign"
        raise refuse(Code.STATE_CONFLICT, words)


def _with_letters(part_ids: Collection[int]) -> QuerySet[LegRun]:
    letters = Message.objects.filter(job_id=OuterRef("job_id"), job_id__isnull=False, closed_at=None)
    cancelled = Job.objects.filter(pk=OuterRef("job_id"), status=job_states.Status.CANCELLED)
    taken_back = Withdrawal.objects.filter(job_id=OuterRef("job_id"), before=None)
    return LegRun.objects.filter(Exists(letters), ~Exists(cancelled), ~Exists(taken_back), part__in=part_ids)


def begin_legs(context: Context[Any], part_ids: Collection[int]) -> list[LegRun]:
    """Begin to send legs, each by a job below this one, all or none; inside a transaction. Raises 1002 for a leg that
    is gone, 3001 for one that is being sent, and 3002 for a template that cannot be used."""
    # All who change what stands here lock in this order: a tree of jobs from its root down, legs, campaigns.
    jobs = {pk: context.start_child(LEG_CLASS, [(LEG_ID, str(pk))]) for pk in sorted(part_ids)}
    parts = list(locked_parts(CampaignPart.objects.filter(id__in=jobs)))
    if missing := sorted(jobs.keys() - {part.pk for part in parts}):
        raise refuse(Code.INVALID, f"there is no leg {missing[0]}", LEGS)
    campaigns = Campaign.objects.filter(id__in=[part.campaign_id for part in parts]).select_related("client")
    owners = {campaign.pk: campaign for campaign in locked_campaigns(campaigns)}
    return [_begin(context, part, owners[part.campaign_id], jobs[part.pk]) for part in parts]


def locked_parts(parts: QuerySet[CampaignPart]) -> QuerySet[CampaignPart]:
    """These legs, to be read under their locks, in order; inside a transaction."""
    return parts.order_by("id").select_for_update(of=("self",), no_key=True)


def locked_campaigns(campaigns: QuerySet[Campaign]) -> QuerySet[Campaign]:
    """The same for campaigns, whose legs are locked first."""
    return campaigns.order_by("id").select_for_update(of=("self",), no_key=True)


def _begin(context: Context[Any], part: CampaignPart, campaign: Campaign, job: Job) -> LegRun:
    others = LegRun.objects.filter(part=part).values("job_id")
    if open_job := Job.objects.open().filter(id__in=others).first():
        raise refuse(Code.STATE_CONFLICT, f"the leg {part.pk} is being sent already, by job {open_job.pk}")
    refuse_while_letters_wait([part.pk], but_of=context.job.pk)
    sender = sender_of(campaign, user_name=context.job.user_name)
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
    is_paused = campaign.status == CampaignStatus.PAUSED
    part.paused_seconds = 0.0
    if is_paused:
        part.paused_at = part.paused_at or now
    part.save(update_fields=["paused_at", "paused_seconds"])
    if not is_paused:
        Campaign.objects.filter(pk=campaign.pk).update(
            status=CampaignStatus.RUNNING, started_at=now, closed_at=None, updated_at=now
        )
    return run


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Some of a run's recipients: those with numbers above ``after`` up to ``upto``; ``before`` come before them."""

    after: int
    upto: int
    before: int = 0


def shares(run: LegRun) -> list[Share]:
    """The recipients of a run, cut so that several jobs may work side by side where they are many."""
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


def nobody_written_to(job_id: int) -> str:
    """Why a leg's job made no letter although it had recipients: nobody of them can be written to; "" otherwise."""
    run = LegRun.objects.filter(job_id=job_id).first()
    if run is None or not run.recipients or run.skipped_recipients.count() < run.recipients:
        return ""
    reason = run.skipped_recipients.order_by("recipient_id").values_list("reason", flat=True).first()
    return f"none of {run.recipients} recipients can be written to; the first: {reason}"


def hold(messages: Any, *, actor: str) -> int:
    """Keep back those of these messages that did not go out; how many. When each is due stays as it is."""
    waiting = messages.filter(status__in=[Status.ACCEPTED])
    return len(queue.move(waiting, Status.HELD, reason=PAUSED, actor=actor, held_for=HeldFor.PAUSE))
