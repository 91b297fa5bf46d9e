"""Forget messages closed long ago."""

import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from sending import blobs, services


class Command(BaseCommand):
    help = "Forget closed messages older than so many days (default: HAMMY_RETENTION_DAYS), and files nobody names."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=float, default=None)
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        days = settings.HAMMY_RETENTION_DAYS if options["days"] is None else options["days"]
        if options["days"] is None and days < 0:
            raise CommandError("HAMMY_RETENTION_DAYS keeps messages for ever; name --days")
        if days < 0:
            raise CommandError("--days: must be 0 or more")
        count = services.purge(closed_before=timezone.now() - timedelta(days=days))
        files = blobs.sweep()
        result = {"done": "purged", "count": count, "files": files}
        self.stdout.write(json.dumps(result) if options["json"] else f"purged: {count} messages, {files} files")
