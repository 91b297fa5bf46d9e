"""List the browsers that subscribed to a client's pushes."""

import json
from argparse import ArgumentParser
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand

from gateway.dates import format_moment
from gateway.plain_text import on_one_line
from sending import subscribing
from sending.management.clients import add_client_argument, named
from sending.models import Subscription

_AT_ONCE = 1000


class Command(BaseCommand):
    help = "List the browsers that a client's pushes reach, the oldest first: one a line, or with --json one object."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_client_argument(parser)
        parser.add_argument("--tag", default="", help="those that have it")
        parser.add_argument("--alias", default="", help="those that are known by it")
        parser.add_argument("--json", action="store_true", help="print a JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        client = named(options["client"])
        found = subscribing.standing_of(client.pk, tag=options["tag"], alias=options["alias"])
        count, after = 0, 0
        while portion := list(found.filter(id__gt=after)[:_AT_ONCE]):
            tags = subscribing.tags_of(portion)
            for one in portion:
                row = _row(one, tags.get(one.pk, []))
                self.stdout.write(json.dumps(row, ensure_ascii=False) if options["json"] else _line(row))
            count, after = count + len(portion), portion[-1].pk
        if not options["json"]:
            self.stdout.write(f"{count} subscribed")


def _row(one: Subscription, tags: list[str]) -> dict[str, Any]:
    return {
        "registrationId": one.registration_id,
        "alias": one.alias,
        "tags": tags,
        "pushService": urlsplit(one.endpoint).hostname or "",
        "timeZone": one.time_zone,
        "language": one.language,
        "since": format_moment(one.created_at),
        "lastSeen": format_moment(one.last_seen_at),
    }


def _line(row: dict[str, Any]) -> str:
    named_by = "  ".join(filter(None, (row["alias"], ", ".join(row["tags"]))))
    words = filter(None, (row["registrationId"], row["lastSeen"], row["pushService"], named_by))
    return on_one_line("  ".join(words))
