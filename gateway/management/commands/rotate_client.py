"""``rotate_client NAME``: fresh keys; the old ones serve on for a while."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from gateway import clients
from gateway.errors import Refusal
from gateway.management.shown_once import show


class Command(BaseCommand):
    help = "Gives a client fresh keys and prints them, this once; the old ones serve on for the overlap."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument(
            "--overlap-hours",
            type=float,
            help=f"how long the old keys still serve ({settings.HAMMY_KEY_OVERLAP_HOURS})",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        overlap_hours = options["overlap_hours"]
        if overlap_hours is not None and not 0 <= overlap_hours <= clients.LONGEST_OVERLAP_HOURS:
            raise CommandError(f"--overlap-hours: must be between 0 and {clients.LONGEST_OVERLAP_HOURS}")
        try:
            keys = clients.rotate_client(name=options["name"], overlap_hours=overlap_hours)
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        show(self, keys, as_json=options["json"])
