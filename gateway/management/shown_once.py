"""How the commands that make keys print them, this once."""

import json

from django.core.management.base import BaseCommand

from gateway.clients import Keys


def show(command: BaseCommand, keys: Keys, *, as_json: bool) -> None:
    """One JSON object, or a line a key with a word of warning beside it."""
    if as_json:
        command.stdout.write(json.dumps(keys.as_json(), ensure_ascii=False))
        return
    for name, value in keys.as_json().items():
        command.stdout.write(f"{name:14} {value}")
    command.stderr.write("Keep these now: they cannot be shown again.")
