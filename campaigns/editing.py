"""What may be changed of a campaign that is there already. A leg is left alone while it is being sent."""

from dataclasses import fields
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from campaigns import services
from campaigns.models import Campaign, CampaignPart, LegRun
from campaigns.services import Leg
from gateway.caller import Caller
from gateway.errors import Code, not_found, refuse
from jobs.models import Job


def rename(*, caller: Caller, uuid: UUID, title: str) -> Campaign:
    """Give a campaign another title; raises 1002 and 3000."""
    campaign = services.find(caller=caller, uuid=uuid)
    services.checked(caller, title, [])
    campaign.title, campaign.updated_at = title, timezone.now()
    campaign.save(update_fields=["title", "updated_at"])
    return campaign


def change_leg(*, caller: Caller, part_id: int, leg: Leg) -> CampaignPart:
    """Make a leg what is given; raises as ``services.create``, 3000, and 3001 while it is being sent."""
    part = leg_of(caller=caller, part_id=part_id)
    groups = services.checked(caller, part.campaign.title, [leg], sender_of=part.campaign)
    with transaction.atomic():
        part = _locked(part)
        for field in fields(Leg):
            if field.name != "group_uuid":
                setattr(part, field.name, getattr(leg, field.name))
        part.group_id = groups[leg.group_uuid]
        part.save()
        Campaign.objects.filter(pk=part.campaign_id).update(updated_at=timezone.now())
    return part


def remove_leg(*, caller: Caller, part_id: int) -> None:
    """Take a leg out of its campaign; raises 3000, and 3001 for one that was sent, whose report would be lost."""
    part = leg_of(caller=caller, part_id=part_id)
    with transaction.atomic():
        part = _locked(part)
        if part.runs.exists():
            raise refuse(Code.STATE_CONFLICT, f"the leg {part.pk} was sent, and its report would be lost")
        part.delete()
        Campaign.objects.filter(pk=part.campaign_id).update(updated_at=timezone.now())


def delete(*, caller: Caller, uuid: UUID) -> None:
    """Forget a campaign with its legs and reports, its letters stay; raises 3000, and 3001 while it is being sent."""
    campaign = services.find(caller=caller, uuid=uuid)
    with transaction.atomic():
        list(campaign.parts.select_for_update(of=("self",)).order_by("id").values_list("id"))
        if busy := services.open_runs(campaign).first():
            raise refuse(Code.STATE_CONFLICT, f"the leg {busy.part_id} is being sent, by job {busy.job_id}")
        campaign.delete()


def leg_of(*, caller: Caller, part_id: int) -> CampaignPart:
    """One leg; raises 3000."""
    visible = CampaignPart.objects.filter(campaign__in=services.campaigns(caller=caller))
    part = visible.select_related("campaign__client", "group").filter(pk=part_id).first()
    if part is None:
        raise not_found(f"leg {part_id}")
    return part


def _locked(part: CampaignPart) -> CampaignPart:
    """The leg's row, held so that nobody begins to send it; raises 3001 while somebody does."""
    locked = CampaignPart.objects.select_for_update(of=("self",)).filter(pk=part.pk).first()
    if locked is None:
        raise not_found(f"leg {part.pk}")
    runs = LegRun.objects.filter(part=part).values("job_id")
    if job := Job.objects.open().filter(id__in=runs).first():
        raise refuse(Code.STATE_CONFLICT, f"the leg {part.pk} is being sent, by job {job.pk}")
    return locked
