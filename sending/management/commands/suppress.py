"""Send no more letters to an address."""

import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from gateway.management.house import house_caller
from sending import suppressing
from sending.management.choosing import add_client_argument, client_id, told


class Command(BaseCommand):
    help = "Send no more letters to addresses: what is accepted for them is cancelled at once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("addresses", nargs="+", metavar="ADDRESS")
        add_client_argument(parser)
        parser.add_argument("--days", type=float, help="for so many days; without it for ever")
        parser.add_argument("--reason", default="by command suppress", help="kept with the address")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        client, days = client_id(options["client"]), options["days"]
        if days is not None and days <= 0:
            raise CommandError("--days: must be above 0")
        expires_at = None if days is None else timezone.now() + timedelta(days=days)
        with told(), transaction.atomic():
            for address in options["addresses"]:
                suppressing.suppress(
                    caller=house_caller(),
                    address=address,
                    reason=options["reason"],
                    client_id=client,
                    expires_at=expires_at,
                )
        count = len(options["addresses"])
        self.stdout.write(
            json.dumps({"done": "suppressed", "count": count}) if options["json"] else f"suppressed: {count}"
        )
