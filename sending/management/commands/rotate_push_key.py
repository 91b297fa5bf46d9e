"""``rotate_push_key CLIENT``: a fresh key for those that subscribe from now on."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from sending import vapid
from sending.management.clients import add_client_argument, named


class Command(BaseCommand):
    help = "Gives a client a fresh push key; browsers that subscribed with the one before are reached by that."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_client_argument(parser)
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        key = vapid.rotate(client_id=named(options["client"]).pk)
        printed = json.dumps({"publicKey": key.public_key}) if options["json"] else f"public key: {key.public_key}"
        self.stdout.write(printed)
