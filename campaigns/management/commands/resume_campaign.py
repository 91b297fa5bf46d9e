"""``resume_campaign UUID``: a paused campaign goes on."""

from typing import Any

from campaigns import services
from campaigns.management.operating import OperatingCommand
from campaigns.models import Campaign
from gateway.caller import Caller
from jobs.models import Job


class Command(OperatingCommand):
    help = "Let a paused campaign go on, each letter as much later as the pause was long."

    def operate(self, caller: Caller, campaign: Campaign, options: dict[str, Any]) -> Job:
        return services.resume(caller=caller, uuid=campaign.uuid)
