"""``prune_jobs``: trees of jobs that ended long ago are forgotten."""

import json
from argparse import ArgumentParser
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from gateway.dates import parse_moment
from jobs import maintenance


class Command(BaseCommand):
    help = (
        "Forget jobs that ended before a moment, whole trees at a time, with their events and logs "
        "(default: HAMMY_JOB_RETENTION_DAYS)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--before", metavar="DATE", help="as 2025-02-10 or 2025-02-10T23:55:00+01:00")
        which.add_argument("--days", type=float, metavar="N", help="older than so many days")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        count = maintenance.prune(finished_before=_moment(options["before"], options["days"]))
        self.stdout.write(json.dumps({"done": "pruned", "count": count}) if options["json"] else f"pruned: {count}")


def _moment(before: str | None, days: float | None) -> datetime:
    if before is not None:
        try:
            return parse_moment(before)
        except ValueError as error:
            raise CommandError(f"--before: {error}") from error
    if days is None:
        days = settings.HAMMY_JOB_RETENTION_DAYS
        if days < 0:
            raise CommandError("HAMMY_JOB_RETENTION_DAYS keeps jobs for ever; name --before or --days")
    if not 0 <= days <= timedelta.max.days:
        raise CommandError("--days: must be 0 or more")
    try:
        return timezone.now() - timedelta(days=days)
    except OverflowError as error:
        raise CommandError("--days: must be a moment after the year 1") from error
