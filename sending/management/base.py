"""What the commands over messages share: which messages, why, by whom, and how the result is printed."""

import json
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError

from gateway import wakeups
from gateway.caller import Caller
from gateway.errors import Refusal
from gateway.management.house import house_caller
from sending.models import Message
from sending.states import Status

_PART = 1000


class MessageCommand(BaseCommand):
    """A command that moves messages: named by id, or every one of a batch that is in one of the right statuses."""

    statuses: ClassVar[frozenset[Status]]
    service: ClassVar[Callable[..., int]]
    done: ClassVar[str]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("message_ids", nargs="*", type=int, metavar="MESSAGE_ID")
        which = f"every {' or '.join(sorted(self.statuses))} message"
        parser.add_argument("--batch-id", help=f"{which} of this batch")
        parser.add_argument("--channel", help=f"{which} of this channel")
        parser.add_argument("--reason", default="", help="kept with the event")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        caller = house_caller()
        reason = options["reason"] or f"by command {self.done}"
        filters = {name: options[name] for name in ("batch_id", "channel") if options[name]}
        if bool(filters) == bool(options["message_ids"]):
            raise CommandError("name messages by id, or choose them with --batch-id or --channel")
        if filters:
            count = self._move_chosen(caller, filters, reason)
        else:
            try:
                count = self.service(caller=caller, message_ids=options["message_ids"], reason=reason)
            except Refusal as refusal:
                raise CommandError(str(refusal)) from refusal
        wakeups.flush(timeout=5)
        if options["json"]:
            self.stdout.write(json.dumps({"done": self.done, "count": count}))
        else:
            self.stdout.write(f"{self.done}: {count}")

    def _move_chosen(self, caller: Caller, filters: dict[str, Any], reason: str) -> int:
        """Move all that fit, in portions, so that no transaction grows with the command; how many moved."""
        chosen = Message.objects.filter(status__in=sorted(self.statuses), **filters).order_by("id")
        ids = list(chosen.values_list("id", flat=True))
        count = 0
        for start in range(0, len(ids), _PART):
            count += self._move_part(caller, ids[start : start + _PART], reason)
        return count

    def _move_part(self, caller: Caller, ids: list[int], reason: str) -> int:
        try:
            return self.service(caller=caller, message_ids=ids, reason=reason)
        except Refusal:
            # Workers go on meanwhile: what they have taken since it was chosen must not keep the others back.
            if len(ids) == 1:
                return 0
        half = len(ids) // 2
        return self._move_part(caller, ids[:half], reason) + self._move_part(caller, ids[half:], reason)
