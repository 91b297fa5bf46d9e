"""Decide messages of which nobody knows whether they went out."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gateway import wakeups
from gateway.dates import format_moment
from gateway.errors import Refusal
from gateway.management.house import house_caller
from sending import services
from sending.models import Message


class Command(BaseCommand):
    help = "Decide UNCERTAIN messages: they were sent, are to be sent again, or are given up. Without ids: list them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("message_ids", nargs="*", type=int, metavar="MESSAGE_ID")
        parser.add_argument("--verdict", choices=["sent", "send_again", "give_up"])
        parser.add_argument("--reason", default="by command settled", help="kept with the event")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["message_ids"]:
            self._list(as_json=options["json"])
            return
        if not options["verdict"]:
            raise CommandError("--verdict: must be one of sent, send_again, give_up")
        try:
            for message_id in options["message_ids"]:
                services.settle(
                    caller=house_caller(), message_id=message_id, verdict=options["verdict"], reason=options["reason"]
                )
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        wakeups.flush(timeout=5)
        count = len(options["message_ids"])
        self.stdout.write(json.dumps({"done": "settled", "count": count}) if options["json"] else f"settled: {count}")

    def _list(self, *, as_json: bool) -> None:
        rows = [
            {
                "messageId": row.pk,
                "recipient": row.recipient_email_address,
                "since": format_moment(row.closed_at) if row.closed_at else "",
                "reason": row.reason,
            }
            for row in Message.objects.uncertain().order_by("id")
        ]
        if as_json:
            self.stdout.write(json.dumps(rows))
            return
        for row in rows:
            self.stdout.write(f"{row['messageId']}  {row['since']}  {row['recipient']}  {row['reason']}")
        self.stdout.write(f"{len(rows)} uncertain")
