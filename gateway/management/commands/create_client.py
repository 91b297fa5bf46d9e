"""``create_client NAME``: a calling system and its keys, shown once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gateway import clients
from gateway.caller import RIGHTS
from gateway.errors import Refusal
from gateway.management.shown_once import show


class Command(BaseCommand):
    help = "Makes a client and prints its keys, this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--rights", default="send", help=f"all, or some of {','.join(RIGHTS)} (send)")
        parser.add_argument("--no-user-token", action="store_true", help="REST calls need no token of a user")
        parser.add_argument("--networks", default="", help="where calls may come from, as 10.0.0.0/8,192.0.2.7")
        parser.add_argument("--requests-per-minute", type=int, help="unlimited when absent")
        parser.add_argument("--max-upload-bytes", type=int, help="of one multipart request; the site's when absent")
        parser.add_argument("--max-schedules", type=int, help="that may wait at a time; the site's when absent")
        parser.add_argument(
            "--external-folder", default="", help="its own folder below the external root, as crm; all when absent"
        )
        parser.add_argument("--portal", action="append", default=[], metavar="CLIENT", help="may show its messages")
        parser.add_argument(
            "--origin", action="append", default=[], help="of pages whose browsers may subscribe to its pushes"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            _client, keys = clients.create_client(
                name=options["name"],
                rights=list(RIGHTS) if options["rights"] == "all" else _parts(options["rights"]),
                needs_user_token=not options["no_user_token"],
                allowed_networks=_parts(options["networks"]),
                requests_per_minute=options["requests_per_minute"],
                max_upload_bytes=options["max_upload_bytes"],
                max_schedules=options["max_schedules"],
                external_folder=options["external_folder"],
                portals=options["portal"],
                origins=options["origin"],
            )
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        show(self, keys, as_json=options["json"])


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
