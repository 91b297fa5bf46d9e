"""``start_campaign UUID``: a campaign, or some of its legs, now."""

from argparse import ArgumentParser
from typing import Any

from campaigns import services
from campaigns.management.operating import OperatingCommand
from campaigns.models import Campaign
from campaigns.reading import outward
from gateway.caller import Caller
from jobs.models import Job


class Command(OperatingCommand):
    help = "Send a campaign now, or with --leg some of its legs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--leg", action="append", default=[], type=int, metavar="ID", help="only these legs")

    def operate(self, caller: Caller, campaign: Campaign, options: dict[str, Any]) -> Job:
        with outward({"leg_ids": "--leg"}):
            return services.start(caller=caller, uuid=campaign.uuid, leg_ids=options["leg"])
