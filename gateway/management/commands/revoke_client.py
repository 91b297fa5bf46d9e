"""``revoke_client NAME``: none of its keys works any more."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gateway import clients
from gateway.errors import Refusal


class Command(BaseCommand):
    help = "Ends every key of a client at once and deactivates it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = clients.revoke_client(name=options["name"])
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        if options["json"]:
            self.stdout.write(json.dumps({"name": options["name"], "revoked": count}, ensure_ascii=False))
        else:
            self.stdout.write(f"{options['name']}: {count} keys revoked, client inactive")
