"""Campaigns, reports, estimates and previews as this door shows them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from math import ceil
from typing import Any
from uuid import UUID, uuid4

from django.db.models import prefetch_related_objects

from campaigns.campaign_v1.request import NAMES, OF_PREVIEW
from campaigns.estimating import Estimate
from campaigns.models import Campaign, CampaignPart
from campaigns.previewing import Preview
from campaigns.reading import spelt
from campaigns.reporting import Report
from gateway.dates import format_moment
from gateway.envelope import meta, resource

Members = dict[str, Any]


def campaigns(found: Iterable[Campaign], total: int) -> Members:
    """A page of campaigns with their legs."""
    return {"data": [_campaign(campaign) for campaign in found], "meta": meta(total=total)}


def campaign(found: Campaign) -> Members:
    """One campaign with its legs."""
    prefetch_related_objects([found], "parts__group")
    return {"data": _campaign(found), "meta": meta()}


def done() -> Members:
    """A command that was carried out; its answer has an id of its own."""
    return {"data": resource("campaignResponses", str(uuid4()), {}), "meta": meta()}


def report(found: Campaign, reports: Sequence[Report]) -> Members:
    """What became of a campaign's letters, leg by leg."""
    attributes = {
        "status": found.status,
        "startedAt": _moment(found.started_at),
        "closedAt": _moment(found.closed_at),
        "legs": [_report(one) for one in reports],
    }
    return {"data": resource("campaignReports", str(found.uuid), attributes), "meta": meta()}


def estimate(uuid: UUID, estimates: Sequence[Estimate]) -> Members:
    """How much a campaign is to send, and how long that takes."""
    attributes = {"legs": [_estimate(one) for one in estimates]}
    return {"data": resource("campaignEstimates", str(uuid), attributes), "meta": meta()}


def preview(found: Preview) -> Members:
    """What one recipient would get; without words, what the letter would be refused for."""
    words = found.words
    attributes = {
        "legId": str(found.part.pk),
        "channel": found.part.channel,
        "recipientName": found.recipient.name,
        "recipientEmailAddress": found.recipient.email_address or None,
        "subject": words.subject if words else None,
        "text": (words.text or None) if words else None,
        "html": (words.html or None) if words else None,
        "problems": [problem.detail for problem in spelt(found.problems, OF_PREVIEW)],
    }
    return {"data": resource("campaignPreviews", found.recipient.pk, attributes), "meta": meta()}


def _campaign(found: Campaign) -> Members:
    attributes = {
        "title": found.title,
        "status": found.status,
        "createdAt": format_moment(found.created_at),
        "updatedAt": format_moment(found.updated_at),
        "startedAt": _moment(found.started_at),
        "closedAt": _moment(found.closed_at),
        "legs": [_leg(part) for part in found.parts.all()],
    }
    return resource("campaigns", str(found.uuid), attributes)


def _leg(part: CampaignPart) -> Members:
    return {
        "legId": str(part.pk),
        "title": part.title or None,
        NAMES["group_uuid"]: str(part.group.uuid),
        "messageType": part.message_type,
        "messageTypeVersion": part.message_type_version,
        "channel": part.channel,
        "fromAddress": part.from_address or None,
        "fromName": part.from_name or None,
        "sendAt": _moment(part.send_at),
        "messagesPerMinute": part.messages_per_minute,
        "pausedAt": _moment(part.paused_at),
    }


def _report(one: Report) -> Members:
    return {
        "legId": str(one.part.pk),
        "title": one.part.title or None,
        "runs": len(one.runs),
        "recipients": one.recipients,
        "skipped": one.skipped,
        "messages": one.made,
        "out": one.out,
        "statuses": dict(sorted(one.statuses.items())),
        "suppressed": one.suppressed,
        "opened": one.opened,
    }


def _estimate(one: Estimate) -> Members:
    return {
        "legId": str(one.part.pk),
        "recipients": one.recipients,
        "withoutAddress": one.without_address,
        "suppressed": one.suppressed,
        "messages": one.letters,
        "messagesPerMinute": round(one.per_minute, 1) if one.per_minute is not None else None,
        "basis": one.basis.value or None,
        "seconds": ceil(round(one.seconds, 3)) if one.seconds is not None else None,
    }


def _moment(moment: datetime | None) -> str | None:
    return format_moment(moment) if moment else None
