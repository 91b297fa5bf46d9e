"""What the commands over campaigns share: how one is named, and how it is shown."""

from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from campaigns import reporting, services
from campaigns.models import Campaign
from gateway.caller import Caller
from gateway.dates import format_moment
from gateway.errors import Refusal


def uuid_in(text: str, *, option: str = "") -> UUID:
    """A uuid as it was typed; CommandError for what is none, naming the option that it was given to, or itself."""
    try:
        return UUID(text)
    except ValueError:
        raise CommandError(f"{option or text}: must be a uuid") from None


def campaign_in(caller: Caller, text: str) -> Campaign:
    """The campaign of a uuid as it was typed; CommandError where there is none."""
    try:
        return services.find(caller=caller, uuid=uuid_in(text))
    except Refusal as refusal:
        raise CommandError(str(refusal)) from refusal


def facts(campaign: Campaign) -> dict[str, Any]:
    """A campaign as one JSON object, its legs counted."""
    moments = {"createdAt": campaign.created_at, "startedAt": campaign.started_at, "closedAt": campaign.closed_at}
    return {
        "uuid": str(campaign.uuid),
        "title": campaign.title,
        "status": campaign.status,
        "client": str(campaign.client or ""),
        **{name: format_moment(at) if at else None for name, at in moments.items()},
        "legs": [
            {
                "legId": report.part.pk,
                "title": report.part.title,
                "group": report.part.group.name,
                "template": report.part.message_type,
                "recipients": report.recipients,
                "leftOut": report.skipped,
                "suppressed": report.suppressed,
                "opened": report.opened,
                "statuses": dict(sorted(report.statuses.items())),
            }
            for report in reporting.reports(campaign)
        ],
    }
