"""Let letters go to an address again."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gateway.management.house import house_caller
from sending import suppressing
from sending.management.choosing import add_client_argument, client_id, told


class Command(BaseCommand):
    help = "Let letters go to addresses again, for all clients or with --client for one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("addresses", nargs="+", metavar="ADDRESS")
        add_client_argument(parser)
        parser.add_argument("--reason", default="by command unsuppress", help="written to the log")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        client = client_id(options["client"])
        ids: list[int] = []
        for address in options["addresses"]:
            try:
                found = suppressing.matching(address=address, client_id=client)
            except ValueError as error:
                raise CommandError(f"{address}: {error}") from error
            if not found:
                raise CommandError(f"{address}: not suppressed")
            ids += [entry.pk for entry in found]
        with told():
            count = suppressing.unsuppress(caller=house_caller(), ids=ids, reason=options["reason"])
        result = {"done": "no longer suppressed", "count": count}
        self.stdout.write(json.dumps(result) if options["json"] else f"no longer suppressed: {count}")
