"""``replay_deliveries``: one delivery brought once more, or what was made since a moment."""

import json
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from gateway import wakeups
from gateway.dates import parse_moment
from gateway.errors import Refusal
from gateway.management.house import house_caller
from notifications import services
from notifications.management.shown import client_id, uuid_in
from notifications.models import Delivery, Target

_LARGEST_ID = 2**63 - 1


class Command(BaseCommand):
    help = "Bring deliveries once more: one of them, or those made since a moment that failed or were missed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", nargs="?", metavar="ID", help="a delivery's webhook-id or number")
        parser.add_argument("--since", metavar="MOMENT", help="as 2025-02-10 or 2025-02-10T23:55:00+01:00")
        where = parser.add_mutually_exclusive_group()
        where.add_argument("--registration", metavar="UUID", help="with --since: what goes there alone")
        where.add_argument("--target", metavar="UUID", help="the same for a target, a place called back")
        where.add_argument("--client", metavar="NAME", help="with --since: what is for this client alone")
        parser.add_argument("--all", action="store_true", help="with --since: also what was delivered")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        narrowed = [name for name in ("registration", "target", "client", "all") if options[name]]
        if bool(options["id"]) == bool(options["since"]):
            raise CommandError("name one delivery, or --since MOMENT")
        if options["id"] and narrowed:
            raise CommandError(f"--{narrowed[0]} goes with --since, not with one delivery")
        try:
            count = self._one(options["id"]) if options["id"] else self._since(options)
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        wakeups.flush(timeout=5)
        self.stdout.write(json.dumps({"done": "replayed", "count": count}) if options["json"] else f"replayed: {count}")

    @staticmethod
    def _one(text: str) -> int:
        delivery = _named(text)
        if delivery is None:
            raise CommandError(f"there is no delivery {text}")
        services.replay(delivery=delivery)
        return 1

    @staticmethod
    def _since(options: dict[str, Any]) -> int:
        try:
            since = parse_moment(options["since"])
        except ValueError as error:
            raise CommandError(f"--since: {error}") from error
        target: Target | None = None
        if options["registration"]:
            wanted = uuid_in("--registration", options["registration"])
            target = services.find(caller=house_caller(), uuid=wanted).target
        elif options["target"]:
            target = Target.objects.filter(uuid=uuid_in("--target", options["target"])).first()
            if target is None:
                raise CommandError(f"--target: there is no target {options['target']}")
        if target is not None and target.disabled_at is not None:
            raise CommandError(f"nothing goes there, it is disabled: {target.disabled_for}")
        return services.replay_since(
            since=since, target=target, client_id=client_id(options["client"]), only_failed=not options["all"]
        )


def _named(text: str) -> Delivery | None:
    if text.isascii() and text.isdigit():
        return Delivery.objects.filter(pk=int(text)).first() if int(text) <= _LARGEST_ID else None
    try:
        uuid = UUID(text.removeprefix("msg_"))
    except ValueError:
        raise CommandError(f"{text}: must be a delivery's webhook-id or number") from None
    return Delivery.objects.filter(uuid=uuid).first()
