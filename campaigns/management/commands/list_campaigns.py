"""``list_campaigns``: the newest campaigns with what became of their letters."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from campaigns import services
from campaigns.management.shown import facts
from campaigns.states import CampaignStatus
from gateway.dates import format_moment
from gateway.management.house import house_caller
from gateway.plain_text import on_one_line

_MOST = 1000


class Command(BaseCommand):
    help = "List campaigns, the newest first, with their legs and how many letters of each are in which status."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--status", action="append", default=[], help="only these; may be given several times")
        parser.add_argument("--limit", type=int, default=20, help=f"at most {_MOST} (20)")
        parser.add_argument("--json", action="store_true", help="print a JSON list")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["limit"] <= _MOST:
            raise CommandError(f"--limit: must be between 1 and {_MOST}")
        if unknown := [status for status in options["status"] if status not in set(CampaignStatus)]:
            raise CommandError(f"--status {unknown[0]}: must be one of {', '.join(CampaignStatus)}")
        found = services.campaigns(caller=house_caller()).select_related("client").order_by("-created_at", "-id")
        if options["status"]:
            found = found.filter(status__in=options["status"])
        campaigns = list(found[: options["limit"]])
        if options["json"]:
            self.stdout.write(json.dumps([facts(campaign) for campaign in campaigns], ensure_ascii=False))
            return
        for campaign in campaigns:
            moment = format_moment(campaign.created_at)
            self._say(f"{campaign.uuid}  {moment}  {campaign.status:<7}  {campaign.title}")
            for leg in facts(campaign)["legs"]:
                counts = ", ".join(f"{status} {count}" for status, count in leg["statuses"].items())
                words = f"  leg {leg['legId']}  {leg['template']} to {leg['group']}  {counts or 'not sent'}"
                self._say(words + (f", left out {leg['leftOut']}" if leg["leftOut"] else ""))

    def _say(self, line: str) -> None:
        # People and clients wrote some of it.
        self.stdout.write(on_one_line(line))
