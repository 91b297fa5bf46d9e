"""List suppressed addresses."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gateway.dates import format_moment
from gateway.plain_text import on_one_line
from sending import suppressing
from sending.management.choosing import add_client_argument, client_id


class Command(BaseCommand):
    help = "List suppressed addresses, for whom, since when and why."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address", nargs="?", default="", metavar="ADDRESS")
        add_client_argument(parser)
        parser.add_argument("--json", action="store_true", help="print them as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = suppressing.matching(address=options["address"], client_id=client_id(options["client"]))
        except ValueError as error:
            raise CommandError(f"{options['address']}: {error}") from error
        rows = [
            {
                "address": entry.address,
                "client": entry.client.name if entry.client else None,
                "reason": entry.reason,
                "since": format_moment(entry.created_at),
                "until": format_moment(entry.expires_at) if entry.expires_at else None,
                "messageId": entry.source_message_id,
            }
            for entry in found
        ]
        if options["json"]:
            self.stdout.write(json.dumps(rows, ensure_ascii=False))
            return
        for row in rows:
            until = f" until {row['until']}" if row["until"] else ""
            whose = f"{row['address'] or '(erased)'}  {row['client'] or 'all clients'}"
            self.stdout.write(on_one_line(f"{whose}  {row['since']}{until}  {row['reason']}"))
        self.stdout.write(f"{len(rows)} suppressed")
