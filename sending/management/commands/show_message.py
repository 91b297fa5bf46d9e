"""Show one message with its events."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gateway.dates import format_moment
from gateway.plain_text import on_one_line
from sending.models import Message


class Command(BaseCommand):
    help = "Show what became of a message, without what it says."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("message_id", type=int, metavar="MESSAGE_ID")
        parser.add_argument("--json", action="store_true", help="print it as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        message = Message.objects.select_related("client", "template_version__template").filter(
            pk=options["message_id"]
        ).first()  # fmt: skip
        if message is None:
            raise CommandError(f"message {options['message_id']} not found")
        shown = {
            "messageId": message.pk,
            "uuid": str(message.uuid),
            "client": str(message.client or ""),
            "channel": message.channel,
            "status": message.status,
            "reason": message.reason,
            "recipient": f"{message.recipient_name} <{message.recipient_email_address}>",
            "requestId": message.request_id,
            "batchId": message.batch_id,
            "template": str(message.template_version or ""),
            "attempts": message.attempts,
            "dueAt": format_moment(message.due_at) if message.due_at else None,
        }
        events: list[dict[str, Any]] = [
            {
                "createdAt": format_moment(event.created_at),
                "eventName": event.name,
                "reason": event.reason,
                "actor": event.actor,
                "recipients": event.recipients,
                "facts": event.facts,
            }
            for event in message.events.all()
        ]
        if options["json"]:
            self.stdout.write(json.dumps({**shown, "events": events}, ensure_ascii=False))
            return
        for name, value in shown.items():
            self._say(f"{name:>10}  {value if value is not None else ''}")
        for event in events:
            self._say("{createdAt}  {eventName:<10} {reason}  {actor}".format(**event))
            for name, value in sorted((event["facts"] or {}).items()):
                self._say(f"{'':>31}{name}: {value}")

    def _say(self, line: str) -> None:
        # Clients and mail servers wrote some of it.
        self.stdout.write(on_one_line(line))
