"""The plot of the commands that move one campaign: find it, ask the service, say which job does it."""

import json
from abc import abstractmethod
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from campaigns.management.shown import campaign_in
from campaigns.models import Campaign
from gateway import wakeups
from gateway.caller import Caller
from gateway.errors import Refusal
from gateway.management.house import house_caller
from jobs.management.shown import facts
from jobs.models import Job


class OperatingCommand(BaseCommand):
    """One campaign, named by its uuid."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("uuid", metavar="UUID", help="the campaign's")
        parser.add_argument("--json", action="store_true", help="print the job as JSON")

    @abstractmethod
    def operate(self, caller: Caller, campaign: Campaign, options: dict[str, Any]) -> Job:
        """Do it; the job that does the work."""

    def handle(self, *args: Any, **options: Any) -> None:
        caller = house_caller()
        campaign = campaign_in(caller, options["uuid"])
        try:
            job = self.operate(caller, campaign, options)
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        wakeups.flush(timeout=5)
        self.stdout.write(json.dumps(facts(job), ensure_ascii=False) if options["json"] else f"job {job.pk} {job.uuid}")
