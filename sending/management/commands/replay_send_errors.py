"""Look into the error queue of letters that came by queue, and put them back to work."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from gateway.amqp.error_queue import ErrorQueue
from gateway.amqp.line import BROKEN


class Command(BaseCommand):
    help = (
        "Puts the messages of HAMMY_AMQP_ERROR_QUEUE back into HAMMY_AMQP_SEND_QUEUE, the oldest first; with --list "
        "says what is there and why, and leaves it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--list", action="store_true", help="only say what is there")
        parser.add_argument("--limit", type=int, default=1000, help="how many at most (1000)")
        parser.add_argument("--code", type=int, help="only those that were refused with this code")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.HAMMY_AMQP_URL:
            raise CommandError("there is no RabbitMQ: HAMMY_AMQP_URL is not set, nor is BROKER_URL an amqp:// address")
        if options["limit"] < 1:
            raise CommandError("--limit: must be at least 1")
        queue = ErrorQueue(
            url=settings.HAMMY_AMQP_URL,
            errors=settings.HAMMY_AMQP_ERROR_QUEUE,
            requests=settings.HAMMY_AMQP_SEND_QUEUE,
        )
        code = options["code"]
        try:
            if options["list"]:
                self._list([one.as_json() for one in queue.look(options["limit"]) if code in (None, one.code)], options)
                return
            count = queue.put_back(options["limit"], is_wanted=lambda one: code in (None, one.code))
        except BROKEN as error:
            raise CommandError(f"the broker cannot be used: {str(error).strip() or type(error).__name__}") from error
        self.stdout.write(json.dumps({"done": "put back", "count": count}) if options["json"] else f"put back: {count}")

    def _list(self, rows: list[dict[str, Any]], options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(rows))
            return
        for row in rows:
            self.stdout.write(
                f"{row['refusedAt']}  {row['code']}  {row['messageId'] or row['correlationId']}  {row['bytes']} bytes  "
                f"{row['reason']}"
            )
        self.stdout.write(f"{len(rows)} in the error queue")
