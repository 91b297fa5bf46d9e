"""``pause_campaign UUID``: nothing more of it goes out until it is resumed."""

from typing import Any

from campaigns import services
from campaigns.management.operating import OperatingCommand
from campaigns.models import Campaign
from gateway.caller import Caller
from jobs.models import Job


class Command(OperatingCommand):
    help = "Let nothing more of a campaign go out until it is resumed; its letters are made and wait."

    def operate(self, caller: Caller, campaign: Campaign, options: dict[str, Any]) -> Job:
        return services.pause(caller=caller, uuid=campaign.uuid)
