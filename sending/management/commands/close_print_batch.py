"""Close the print run that takes letters now."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from gateway.management.house import house_caller
from sending import printing


class Command(BaseCommand):
    help = "Have the open print batch take no more letters and go to the print house."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reason", default="by command", help="kept with the batch")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        batch = printing.close_open(caller=house_caller(), reason=options["reason"])
        if options["json"]:
            result = {"batch": str(batch), "status": batch.status, "letters": batch.letters} if batch else None
            self.stdout.write(json.dumps(result))
        elif batch is None:
            self.stdout.write("no print batch is open")
        elif batch.handed_over_at:
            self.stdout.write(f"{batch}: handed over with {batch.letters} letters")
        else:
            self.stdout.write(f"{batch}: closes as soon as the letters in workers' hands are in")
