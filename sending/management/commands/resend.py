"""Send closed messages once more, each as a new message with the same content."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from gateway import wakeups
from gateway.management.house import house_caller
from sending.management.choosing import told
from sending.resending import Changes, resend

_OPTIONS = {
    "recipient_email_address": "--recipient-email-address",
    "recipient_postal_address": "--recipient-postal-address",
}


class Command(BaseCommand):
    help = "Send closed messages once more, all of those named or none: each as a new message with the same content."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("message_ids", nargs="+", type=int, metavar="MESSAGE_ID")
        parser.add_argument("--recipient-email-address", default="", help="to this address instead")
        parser.add_argument("--recipient-postal-address", default="", help="to this postal address instead")
        parser.add_argument("--reason", default="by command resend", help="kept with the new message")
        parser.add_argument("--json", action="store_true", help="print the new messages' numbers as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        ids = list(dict.fromkeys(options["message_ids"]))
        changes = Changes(
            recipient_email_address=options["recipient_email_address"],
            recipient_postal_address=options["recipient_postal_address"],
        )
        with told(_OPTIONS):
            made = resend(caller=house_caller(), message_ids=ids, changes=changes, reason=options["reason"])
        wakeups.flush(timeout=5)
        pairs = [(first, new.message_id) for first, new in zip(ids, made, strict=True)]
        if options["json"]:
            self.stdout.write(json.dumps([{"messageId": new, "relatedMessageId": first} for first, new in pairs]))
            return
        for first, new in pairs:
            self.stdout.write(f"{first} is sent again as {new}")
