"""``list_due``: which schedules are due, or will be soon."""

import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from gateway.management.house import house_caller
from gateway.models import ApiClient
from gateway.plain_text import on_one_line
from schedules import services
from schedules.management.shown import facts

_MOST = 1000
# Schedules begin within a year and end within another.
_MOST_HOURS = 2 * 366 * 24


class Command(BaseCommand):
    help = "List the schedules that are due, or whose next time comes within some hours, the first one first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--hours", type=float, default=0.0, metavar="N", help="how far ahead (0: due now)")
        parser.add_argument("--client", metavar="NAME", help="this client's alone")
        parser.add_argument("--limit", type=int, default=100, metavar="N", help=f"at most {_MOST} (100)")
        parser.add_argument("--json", action="store_true", help="print a JSON list")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["limit"] <= _MOST:
            raise CommandError(f"--limit: must be between 1 and {_MOST}")
        if not 0 <= options["hours"] <= _MOST_HOURS:
            raise CommandError(f"--hours: must be between 0 and {_MOST_HOURS}")
        until = timezone.now() + timedelta(hours=options["hours"])
        found = services.schedules(caller=house_caller()).filter(due_at__lte=until).order_by("due_at", "id")
        if options["client"] is not None:
            found = found.filter(client=_client(options["client"]))
        limit = options["limit"]
        schedules = list(found.select_related("client").defer("push", "trigger", "times")[: limit + 1])
        rows = [facts(schedule) for schedule in schedules[:limit]]
        if options["json"]:
            self.stdout.write(json.dumps(rows, ensure_ascii=False))
            return
        for row in rows:
            late = f"  {row['lateSeconds']:.0f} s late" if row["lateSeconds"] else ""
            line = "{dueAt}  {scheduleId}  {client}  {kind}  {status}  {name}".format(**row)
            self.stdout.write(on_one_line(line + late))
        self.stdout.write(f"{len(rows)} listed{', and there are more' if len(schedules) > limit else ''}")


def _client(name: str) -> int:
    found = ApiClient.objects.filter(name=name).values_list("id", flat=True).first() if "\0" not in name else None
    if found is None:
        raise CommandError(f"--client: there is no client {name}")
    return found
