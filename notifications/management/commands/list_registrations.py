"""``list_registrations``: who wants to be told of jobs, and how it fares with each."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from gateway.management.house import house_caller
from gateway.plain_text import on_one_line
from notifications import services
from notifications.management.shown import client_id, facts
from notifications.models import Target
from notifications.models.delivery import next_due
from notifications.states import Health


class Command(BaseCommand):
    help = "List who wants to be told when jobs are done, with the health of each end point."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--client", metavar="NAME", help="this client's alone")
        parser.add_argument("--health", choices=[str(health) for health in Health], help="only these")
        parser.add_argument("--json", action="store_true", help="print a JSON list")

    def handle(self, *args: Any, **options: Any) -> None:
        found = services.registrations(caller=house_caller()).annotate(next_due=next_due("target"))
        if (client := client_id(options["client"])) is not None:
            found = found.filter(client=client)
        if options["health"]:
            found = found.filter(target__in=Target.objects.faring(Health(options["health"])))
        rows = [facts(registration) for registration in found.order_by("created_at", "id")]
        if options["json"]:
            self.stdout.write(json.dumps(rows, ensure_ascii=False))
            return
        for row in rows:
            said = [
                f"{row['id']}  {row['client']}  {row['health']}  {row['endPoint']}",
                f"{row['failuresSinceLastSuccess']} failures" if row["failuresSinceLastSuccess"] else "",
                f"last success {row['lastSuccessAt'] or 'never'}",
                f"next try {row['nextTryAt']}" if row["nextTryAt"] else "",
                row["reason"] or "",
            ]
            self.stdout.write(on_one_line("  ".join(filter(None, said))))
        self.stdout.write(f"{len(rows)} registered")
