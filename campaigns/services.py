"""What may be done with campaigns, whoever asks over whichever face."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from campaigns import closing, holding, making, recipients, reporting, running
from campaigns.holding import ACTION, CAMPAIGN, HOLD_CLASS, PAUSE, RESUME
from campaigns.models import Campaign, CampaignPart, LegRun, Recipient
from campaigns.models.campaign import CampaignQuerySet
from campaigns.models.recipient import RecipientGroupQuerySet
from campaigns.reporting import Report
from campaigns.states import CampaignStatus
from gateway.caller import Caller
from gateway.errors import Code, Problem, Refusal, not_found, refuse
from jobs import services as job_services
from jobs import states as job_states
from jobs.models import Job
from jobs.params import LEGS
from sending import acceptance, withdrawing
from sending import services as send_services
from sending.letter import Letter
from sending.services import Accepted

_LONGEST_TITLE = 200
_MOST_PARTS = 100
_FURTHEST = timedelta(days=3653)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """A leg as somebody wants it."""

    group_uuid: UUID
    message_type: str
    title: str = ""
    message_type_version: int | None = None
    channel: str = "EMAIL"
    from_address: str = ""
    from_name: str = ""
    send_at: datetime | None = None
    messages_per_minute: int | None = None


def create(*, caller: Caller, title: str, legs: Sequence[Leg]) -> Campaign:
    """Make a campaign with its legs, all or nothing; raises 1001, 1002 and what its letters would be refused for."""
    caller.require("campaigns")
    groups = checked(caller, title, legs)
    with transaction.atomic():
        campaign = Campaign.objects.create(client_id=caller.client_id, title=title)
        _add_legs(campaign, legs, groups)
    return campaign


def add_legs(*, caller: Caller, uuid: UUID, legs: Sequence[Leg]) -> Campaign:
    """Put legs to a campaign; raises as ``create``, and 3000."""
    campaign = find(caller=caller, uuid=uuid)
    groups = checked(caller, campaign.title, legs, sender_of=campaign)
    with transaction.atomic():
        _add_legs(campaign, legs, groups)
    return campaign


def campaigns(*, caller: Caller) -> CampaignQuerySet:
    """The campaigns that the caller may see."""
    caller.require("campaigns")
    return Campaign.objects.visible_to(caller)


def find(*, caller: Caller, uuid: UUID) -> Campaign:
    """One campaign; raises 3000."""
    campaign = campaigns(caller=caller).filter(uuid=uuid).first()
    if campaign is None:
        raise not_found(f"campaign {uuid}")
    return campaign


def start(*, caller: Caller, uuid: UUID, leg_ids: Sequence[int] = ()) -> Job:
    """Send a campaign, or some of its legs: the job that does. Raises 3000, 1002 for legs of others and 3001 while one
    of them is being sent or has letters that wait; 2002 where whose campaign it is may not send letters."""
    campaign = find(caller=caller, uuid=uuid)
    running.sender_of(campaign).require("send")
    parts = {part.pk: part for part in campaign.parts.all()}
    if unknown := [pk for pk in leg_ids if pk not in parts]:
        raise refuse(Code.INVALID, f"{unknown[0]} is no leg of this campaign", "leg_ids")
    chosen = sorted(set(leg_ids) or parts)
    if not chosen:
        raise refuse(Code.STATE_CONFLICT, "the campaign has no legs")
    with transaction.atomic():
        list(running.locked_parts(CampaignPart.objects.filter(id__in=chosen)).values_list("id"))
        for pk, job_id in sorted(running.being_sent(chosen).items())[:1]:
            raise refuse(Code.STATE_CONFLICT, f"the leg {pk} is being sent already, by job {job_id}")
        running.refuse_while_letters_wait(chosen)
        now = timezone.now()
        # At once, so that it can be paused before its first letter.
        Campaign.objects.filter(pk=campaign.pk).exclude(status=CampaignStatus.PAUSED).update(
            status=CampaignStatus.RUNNING, started_at=now, closed_at=None, updated_at=now
        )
        params = [(LEGS, ",".join(map(str, chosen)))]
        return job_services.submit(caller=caller, job_class=running.JOB_CLASS, params=params)


def open_runs(campaign: Campaign) -> Any:
    """The runs of a campaign's legs that have not come to their end."""
    return LegRun.objects.filter(part__campaign=campaign, job_id__in=Job.objects.open().values("id"))


def pause(*, caller: Caller, uuid: UUID) -> Job:
    """Let nothing more of a campaign go out until it is resumed: letters are still made, and wait. The job that holds
    those made before. Raises 3000 and 3001."""
    return _set_paused(caller, uuid, at=timezone.now())


def resume(*, caller: Caller, uuid: UUID) -> Job:
    """Let a paused campaign go on, each letter as long after its turn as the pause was; the job that does. Raises 3000
    and 3001."""
    return _set_paused(caller, uuid, at=None)


def cancel(*, caller: Caller, uuid: UUID, reason: str = "") -> list[Report]:
    """End all runs of a campaign: what did not go out is withdrawn. What became of these runs' letters by then. Raises
    3000, and 3001 when nothing of it is being sent."""
    campaign = find(caller=caller, uuid=uuid)
    part_ids = list(campaign.parts.values_list("id", flat=True))
    sent_by, left_behind = running.being_sent(part_ids), list(running.left_behind(part_ids))
    if not sent_by and not left_behind:
        raise refuse(Code.STATE_CONFLICT, "nothing of the campaign is being sent")
    roots = sorted(set(sent_by.values()))
    # A job may send legs of other campaigns beside: then those of this one are cancelled alone.
    shared = set(
        LegRun.objects.filter(run_job_id__in=roots)
        .exclude(part__campaign=campaign)
        .values_list("run_job_id", flat=True)
    )
    mine = open_runs(campaign).filter(run_job_id__in=shared).values_list("job_id", flat=True)
    ids = [*(root for root in roots if root not in shared), *mine]
    # Jobs may be cancelled by who may run them; this one may run the campaign.
    house = Caller.house(caller.actor)
    # Those that were withdrawn before, or ended before, are not withdrawn now.
    open_ids = open_runs(campaign).filter(run_job_id__in=roots).values_list("job_id", flat=True)
    ended = [run.job_id for run in left_behind]
    before = reporting.cancelled([*open_ids, *ended])
    if ids:
        job_services.set_status(caller=house, ids=ids, status=job_states.Status.CANCELLED, reason=reason)
    if ended:
        words = f"its campaign was cancelled: {reason}" if reason else "its campaign was cancelled"
        with transaction.atomic():
            withdrawing.take_back(ended, reason=words, actor=house.actor)
        closing.follow({campaign.pk})
    runs = {*roots, *(run.run_job_id for run in left_behind)}
    return reporting.reports(campaign, run_job_ids=runs, cancelled_before=before)


def send_test(*, caller: Caller, part_id: int, recipient_id: int, to: str, campaign: UUID | None = None) -> Accepted:
    """Send the letter that one recipient would get to somebody else, who looks at it: by the leg's own channel, where
    that is e-mail. Raises 3000 and what the letter is refused for."""
    part, recipient = part_and_recipient(
        caller=caller, part_id=part_id, recipient_id=recipient_id, campaign=campaign
    )  # fmt: skip
    if not can_be_tried(part):
        raise refuse(Code.INVALID, "only a letter by e-mail can be tried", "leg_id")
    sender = running.sender_of(part.campaign, user_name=caller.user_name)
    return send_services.submit(caller=sender, letter=letter_for(part, recipient, to=to))


def can_be_tried(part: CampaignPart) -> bool:
    """Whether its letters go to an e-mail address, whoever the recipient is: then one can go to another."""
    return "recipient_email_address" in making.demanded(part.channel, partner_ref="x")


def letter_for(part: CampaignPart, recipient: Recipient, *, to: str = "") -> Letter:
    """The letter that a recipient would get now; with ``to`` at another address."""
    common = Letter(
        channel=part.channel,
        message_type=part.message_type,
        message_type_version=part.message_type_version,
        from_address=part.from_address,
        from_name=part.from_name,
        letter_type=making.letter_type_of(part.channel),
    )
    letter = common.to(making.addressee(recipient))
    return replace(letter, recipient_email_address=to) if to else letter


def part_and_recipient(
    *, caller: Caller, part_id: int, recipient_id: int, campaign: UUID | None = None
) -> tuple[CampaignPart, Recipient]:
    """A leg, of that campaign where one is named, and a recipient of its group; raises 3000."""
    caller.require("campaigns")
    visible = CampaignPart.objects.filter(campaign__in=Campaign.objects.visible_to(caller))
    part = visible.select_related("campaign__client", "group").filter(pk=part_id).first()
    if part is None or campaign not in (None, part.campaign.uuid):
        raise not_found(f"leg {part_id}")
    recipient = Recipient.objects.filter(pk=recipient_id, group_id=part.group_id).first()
    if recipient is None:
        raise not_found(f"recipient {recipient_id}")
    return part, recipient


def _set_paused(caller: Caller, uuid: UUID, *, at: datetime | None) -> Job:
    campaign = find(caller=caller, uuid=uuid)
    wanted = CampaignStatus.RUNNING if at else CampaignStatus.PAUSED
    with transaction.atomic():
        parts = list(running.locked_parts(campaign.parts.all()))
        campaign = running.locked_campaigns(Campaign.objects.all()).get(pk=campaign.pk)
        if campaign.status != wanted:
            raise refuse(Code.STATE_CONFLICT, f"the campaign is {campaign.status}, and not {wanted}")
        for part in parts:
            if part.paused_at and at is None and part.messages_per_minute:
                holding.shift(part, (timezone.now() - part.paused_at).total_seconds())
            part.paused_at = at
            part.save(update_fields=["paused_at", "paused_seconds"])
        campaign.status = CampaignStatus.PAUSED if at else CampaignStatus.RUNNING
        campaign.updated_at = timezone.now()
        campaign.save(update_fields=["status", "updated_at"])
        params = [(CAMPAIGN, str(campaign.uuid)), (ACTION, PAUSE if at else RESUME)]
        return job_services.submit(caller=caller, job_class=HOLD_CLASS, params=params)


def checked(
    caller: Caller, title: str, legs: Sequence[Leg], *, sender_of: Campaign | None = None
) -> Mapping[UUID, int]:
    """The groups of the legs by their uuids; raises all that is wrong. What goes out in the name of the campaign
    ``sender_of`` is judged as its client's."""
    sender = running.sender_of(sender_of, user_name=caller.user_name) if sender_of else caller
    problems: list[Problem] = []
    if not title.strip() or len(title) > _LONGEST_TITLE or not title.isprintable():
        words = f"must be one line of 1 to {_LONGEST_TITLE} characters"
        problems.append(Problem(code=Code.INVALID, sentence=words, field=("title",)))
    if len(legs) > _MOST_PARTS:
        problems.append(Problem(code=Code.INVALID, sentence=f"must be at most {_MOST_PARTS} legs", field=("legs",)))
    wanted = {leg.group_uuid for leg in legs}
    usable = usable_groups(caller=caller, client_id=sender.client_id)
    groups = dict(usable.filter(uuid__in=wanted).values_list("uuid", "id"))
    # Legs that differ in nothing but whom they go to, and when, are looked at once.
    told: dict[Leg, list[Problem]] = {}
    for index, leg in enumerate(legs[:_MOST_PARTS]):
        if leg.group_uuid not in groups:
            problems.append(
                Problem(code=Code.INVALID, sentence="there is no such group", field=("legs", index, "group_uuid"))
            )
        if leg.messages_per_minute is not None and leg.messages_per_minute < 1:
            words = "must be at least 1"
            problems.append(Problem(code=Code.INVALID, sentence=words, field=("legs", index, "messages_per_minute")))
        if leg.send_at is not None and leg.send_at > timezone.now() + _FURTHEST:
            words = "must be within ten years"
            problems.append(Problem(code=Code.INVALID, sentence=words, field=("legs", index, "send_at")))
        alike = replace(leg, group_uuid=UUID(int=0), title="", send_at=None, messages_per_minute=None)
        if alike not in told:
            told[alike] = _leg_problems(sender, alike)
        problems += [problem.at("legs", index) for problem in told[alike]]
    if problems:
        raise Refusal(problems)
    return groups


def usable_groups(*, caller: Caller, client_id: int | None) -> RecipientGroupQuerySet:
    """The groups that a leg may name which the caller makes for a client's campaign; None is the house."""
    mine = recipients.groups(caller=caller)
    # Whoever may see all must not show one client's people to another.
    return mine if client_id is None else mine.filter(Q(client_id=client_id) | Q(client_id=None))


def _leg_problems(caller: Caller, leg: Leg) -> list[Problem]:
    """What a letter of this leg's would be refused for whoever its recipient is."""
    problems: list[Problem] = []
    try:
        acceptance.usable_version(caller, message_type=leg.message_type, version=leg.message_type_version)
    except Refusal as refusal:
        problems += refusal.problems
    message_type = "" if problems else leg.message_type
    letter = Letter(
        channel=leg.channel, from_address=leg.from_address, from_name=leg.from_name, message_type=message_type
    )
    try:
        acceptance.examine(caller, letter)
    except Refusal as refusal:
        problems += [one for one in refusal.problems if one.field[:1] in (("channel",), ("from_address",))]
    return problems


def _add_legs(campaign: Campaign, legs: Sequence[Leg], groups: Mapping[UUID, int]) -> None:
    for leg in legs:
        CampaignPart.objects.create(campaign=campaign, **columns_of(leg, groups))


def columns_of(leg: Leg, groups: Mapping[UUID, int]) -> dict[str, Any]:
    """A leg by the columns of CampaignPart."""
    values = {field.name: getattr(leg, field.name) for field in fields(Leg) if field.name != "group_uuid"}
    return {"group_id": groups[leg.group_uuid], **values}
