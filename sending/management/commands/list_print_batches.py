"""The print runs, the newest first."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gateway.dates import format_moment
from sending.models import PrintBatch

_MOST = 1000


class Command(BaseCommand):
    help = "List print batches, the newest first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--limit", type=int, default=20, help=f"at most {_MOST} (20)")
        parser.add_argument("--json", action="store_true", help="print a JSON list")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["limit"] <= _MOST:
            raise CommandError(f"--limit: must be between 1 and {_MOST}")
        found = [_facts(batch) for batch in PrintBatch.objects.order_by("-id")[: options["limit"]]]
        if options["json"]:
            self.stdout.write(json.dumps(found, ensure_ascii=False))
            return
        for facts in found:
            counts = f"{facts['letters']} letters, {facts['pages']} pages"
            self.stdout.write(
                f"{facts['batch']}  {facts['status']:<7}  {facts['openedAt']}  {counts}  {facts['reason']}"
            )
        self.stdout.write(f"{len(found)} print batches")


def _facts(batch: PrintBatch) -> dict[str, Any]:
    """What is told of one; the sums are those of its manifest, 0 until it is closed."""
    return {
        "batch": str(batch),
        "status": batch.status,
        "openedAt": format_moment(batch.opened_at),
        "closedAt": format_moment(batch.closed_at) if batch.closed_at else None,
        "handedOverAt": format_moment(batch.handed_over_at) if batch.handed_over_at else None,
        "letters": batch.letters,
        "pages": batch.pages,
        "sheets": batch.sheets,
        "reason": batch.reason,
    }
