"""``list_clients``: who may call, and with what rights."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from gateway import clients


class Command(BaseCommand):
    help = "Lists the clients; keys and secrets are never shown."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON list")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = clients.list_clients()
        if options["json"]:
            self.stdout.write(json.dumps(rows, ensure_ascii=False))
            return
        for row in rows:
            state = "active" if row["isActive"] else "inactive"
            self.stdout.write(f"{row['name']}  {state}  {row['usableKeys']} keys  {', '.join(row['rights'])}")
