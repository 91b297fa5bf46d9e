"""What the commands over messages share: which messages, why, by whom, and how the result is printed."""

import getpass
import json
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError

from gateway import wakeups
from gateway.caller import Caller
from gateway.errors import Refusal
from sending.models import Message
from sending.states import Status

_PART = 1000


class MessageCommand(BaseCommand):
    """A command that moves messages: named by id, or every one of a batch that is in the right status."""

    status: ClassVar[Status]
    service: ClassVar[Callable[..., int]]
    done: ClassVar[str]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("message_ids", nargs="*", type=int, metavar="MESSAGE_ID")
        parser.add_argument("--batch-id", help=f"every {self.status} message of this batch")
        parser.add_argument("--channel", help=f"every {self.status} message of this channel")
        parser.add_argument("--reason", default="", help="kept with the event")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        caller = house_caller()
        reason = options["reason"] or f"by command {self.done}"
        count = 0
        try:
            for ids in self._parts(options):
                count += self.service(caller=caller, message_ids=ids, reason=reason)
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        wakeups.flush(timeout=5)
        if options["json"]:
            self.stdout.write(json.dumps({"done": self.done, "count": count}))
        else:
            self.stdout.write(f"{self.done}: {count}")

    def _parts(self, options: dict[str, Any]) -> list[list[int]]:
        """The ids in portions, so that no transaction grows with the command."""
        filters = {name: options[name] for name in ("batch_id", "channel") if options[name]}
        if bool(filters) == bool(options["message_ids"]):
            raise CommandError("name messages by id, or choose them with --batch-id or --channel")
        if not filters:
            return [options["message_ids"]]
        ids = list(Message.objects.filter(status=self.status, **filters).order_by("id").values_list("id", flat=True))
        return [ids[start : start + _PART] for start in range(0, len(ids), _PART)]


def house_caller() -> Caller:
    """The person at the command line, as events name them."""
    return Caller.house(f"{getpass.getuser()} (command)")
