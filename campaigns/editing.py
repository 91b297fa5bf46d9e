"""Campaigns and legs changed and deleted, while nothing of them is being sent."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from campaigns import running, services
from campaigns.models import Campaign, CampaignPart
from campaigns.services import Leg
from campaigns.states import CampaignStatus
from gateway.caller import Caller
from gateway.errors import Code, Problem, Refusal, not_found, refuse

# A leg as it is to be, with the id of the one that it takes the place of; None for a new one.
Legs = Sequence[tuple[int | None, Leg]]


def update(*, caller: Caller, uuid: UUID, title: str | None = None, legs: Legs | None = None) -> Campaign:
    """Change what is given of a campaign, all or nothing; ``legs`` are all that it has then. Raises 3000, what
    ``services.create`` raises, 1002 for the id of no leg of it, and 3001 where a leg is being sent, or one that was
    sent would be gone: its report is kept."""
    campaign = services.find(caller=caller, uuid=uuid)
    wanted = [leg for _, leg in legs or ()]
    groups = services.checked(caller, campaign.title if title is None else title, wanted, sender_of=campaign)
    with transaction.atomic():
        parts = _locked(campaign)
        if legs is not None:
            _check_ids(legs, parts)
            _refuse_while_sent(parts)
            _delete([part for part in parts.values() if part.pk not in {pk for pk, _ in legs}])
            for pk, leg in legs:
                _put(parts.get(pk or 0, CampaignPart(campaign=campaign)), services.columns_of(leg, groups))
        campaign.title = campaign.title if title is None else title
        _touch(campaign)
    return campaign


def change_leg(*, caller: Caller, part_id: int, leg: Leg) -> CampaignPart:
    """Make a leg what is given; raises as ``services.create``, 3000, and 3001 while it is being sent."""
    part = leg_of(caller=caller, part_id=part_id)
    groups = services.checked(caller, part.campaign.title, [leg], sender_of=part.campaign)
    with transaction.atomic():
        part = _locked_leg(part)
        _put(part, services.columns_of(leg, groups))
        _touch(part.campaign)
    return part


def remove_leg(*, caller: Caller, part_id: int) -> None:
    """Take a leg out of its campaign; raises 3000, and 3001 while it is being sent and for one that was sent, whose
    report is kept."""
    part = leg_of(caller=caller, part_id=part_id)
    with transaction.atomic():
        part = _locked_leg(part)
        campaign = part.campaign
        _delete([part])
        _touch(campaign)


def delete(*, caller: Caller, uuid: UUID) -> None:
    """Forget a campaign that was never started; raises 3000, and 3001 for another."""
    campaign = services.find(caller=caller, uuid=uuid)
    with transaction.atomic():
        parts = _locked(campaign)
        _refuse_while_sent(parts)
        campaign.refresh_from_db(fields=["status"])
        if campaign.status != CampaignStatus.DRAFT:
            raise refuse(Code.STATE_CONFLICT, f"the campaign is {campaign.status}; only a DRAFT can be deleted")
        campaign.delete()


def leg_of(*, caller: Caller, part_id: int) -> CampaignPart:
    """One leg; raises 3000."""
    visible = CampaignPart.objects.filter(campaign__in=services.campaigns(caller=caller))
    part = visible.select_related("campaign__client", "group").filter(pk=part_id).first()
    if part is None:
        raise not_found(f"leg {part_id}")
    return part


def _locked(campaign: Campaign) -> dict[int, CampaignPart]:
    """Its legs, which nobody begins to send meanwhile."""
    return {part.pk: part for part in campaign.parts.select_for_update(of=("self",)).order_by("id")}


def _locked_leg(part: CampaignPart) -> CampaignPart:
    """The leg, which nobody begins to send meanwhile; raises 3001 while somebody does."""
    rows = CampaignPart.objects.select_for_update(of=("self",)).select_related("campaign")
    locked = rows.filter(pk=part.pk).first()
    if locked is None:
        raise not_found(f"leg {part.pk}")
    _refuse_while_sent([locked.pk])
    return locked


def _check_ids(legs: Legs, parts: dict[int, CampaignPart]) -> None:
    problems = []
    ids = [pk for pk, _ in legs]
    for index, pk in enumerate(ids):
        if pk is not None and (pk not in parts or pk in ids[:index]):
            words = "is there twice" if pk in ids[:index] else "is no leg of this campaign"
            problems.append(Problem(code=Code.INVALID, sentence=words, field=("legs", index, "leg_id")))
    if problems:
        raise Refusal(problems)


def _refuse_while_sent(part_ids: Collection[int]) -> None:
    for pk, job_id in sorted(running.being_sent(part_ids).items())[:1]:
        raise refuse(Code.STATE_CONFLICT, f"the leg {pk} is being sent, by job {job_id}")


def _put(part: CampaignPart, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(part, name, value)
    part.save()


def _delete(parts: Sequence[CampaignPart]) -> None:
    for part in parts:
        if part.runs.exists():
            raise refuse(Code.STATE_CONFLICT, f"the leg {part.pk} was sent, and its report is kept", "legs")
        part.delete()


def _touch(campaign: Campaign) -> None:
    campaign.updated_at = timezone.now()
    campaign.save(update_fields=["title", "updated_at"])
