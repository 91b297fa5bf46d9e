"""``cancel_campaign UUID``: what of a campaign did not go out is withdrawn."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from campaigns import services
from campaigns.management.shown import campaign_in
from gateway import wakeups
from gateway.errors import Refusal
from gateway.management.house import house_caller
from sending.states import Status


class Command(BaseCommand):
    help = "End all runs of a campaign; says how many of their letters were out already."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("uuid", metavar="UUID", help="the campaign's")
        parser.add_argument("--reason", default="", help="kept with the events")
        parser.add_argument("--json", action="store_true", help="print the counts as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        caller = house_caller()
        campaign = campaign_in(caller, options["uuid"])
        try:
            reports = services.cancel(caller=caller, uuid=campaign.uuid, reason=options["reason"])
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        wakeups.flush(timeout=5)
        counts = {
            "out": sum(report.out for report in reports),
            "withdrawn": sum(report.withdrawn for report in reports),
            "beingSent": sum(report.statuses.get(Status.SENDING, 0) for report in reports),
        }
        if options["json"]:
            self.stdout.write(json.dumps(counts))
            return
        self.stdout.write("out: {out}, withdrawn: {withdrawn}, being sent: {beingSent}".format(**counts))
