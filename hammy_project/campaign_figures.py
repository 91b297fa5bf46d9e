"""How campaigns fare, for the console's first page: those on their way, each with how far it is."""

from typing import Any

from django.urls import reverse

from campaigns import watching
from campaigns.admin import progress, wording
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from gateway.console import labels

_OPEN = (CampaignStatus.PAUSED, CampaignStatus.RUNNING)
_SHOWN = 10


def measure() -> dict[str, Any]:
    """How many are running and paused, and the newest of them with their progress."""
    rows = Campaign.objects.filter(status__in=_OPEN).order_by("-id").values_list("id", "title", "status")[:_SHOWN]
    found = list(rows)
    how_far = progress.of_campaigns([pk for pk, _, _ in found])
    standing = watching.standing()
    return {
        "running": standing.running,
        "stranded": standing.stranded,
        "paused": standing.paused,
        "rows": [(pk, title, status, how_far.get(pk)) for pk, title, status in found],
    }


def worded(figures: dict[str, Any]) -> dict[str, Any]:
    """The figures in the visitor's language, with links to what they count."""
    address = reverse("admin:campaigns_campaign_changelist")
    return {
        "running": figures["running"],
        "stranded": figures["stranded"],
        "running_url": f"{address}?status={CampaignStatus.RUNNING}",
        "paused": figures["paused"],
        "paused_url": f"{address}?status={CampaignStatus.PAUSED}",
        "rows": [
            {
                "title": title,
                "url": reverse("admin:campaigns_campaign_change", args=[pk]),
                "state": labels.label(wording.STATUSES[status], wording.STATUS_COLOURS[status]),
                "progress": progress.shown(how_far, wording.STATUS_COLOURS[status]),
            }
            for pk, title, status, how_far in figures["rows"]
        ],
    }
