"""Erase one person's data."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gateway import wakeups
from gateway.management.house import house_caller
from sending import forgetting, persons
from sending.management.choosing import told

_OPTIONS = {
    "email_address": "--email", "partner_ref": "--partner-ref", "alias": "--alias",
    "registration_id": "--registration-id", "reason": "--reason",
}  # fmt: skip


class Command(BaseCommand):
    help = "Erase what was written to a person and who they are, as a job; with --dry-run only count."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", default="", metavar="ADDRESS")
        parser.add_argument("--partner-ref", default="")
        parser.add_argument("--alias", default="", help="whose browsers are known by it")
        parser.add_argument("--registration-id", default="", help="whose browser it is")
        parser.add_argument("--client", default="", metavar="NAME", help="in this client's letters alone")
        parser.add_argument("--reason", default="", help="kept with the job; required unless with --dry-run")
        parser.add_argument("--dry-run", action="store_true", help="count, and erase nothing")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        caller = house_caller()
        with told(_OPTIONS):
            whom = {
                "email_address": options["email"],
                "partner_ref": options["partner_ref"],
                "alias": options["alias"],
                "registration_id": options["registration_id"],
                "client_name": options["client"],
            }
            person = persons.named(**whom)
            if options["dry_run"]:
                counts = forgetting.counted(caller, person)
                words = ", ".join(f"{name}: {count}" for name, count in counts.items())
                self.stdout.write(json.dumps(counts) if options["json"] else words)
                return
            if not options["reason"]:
                raise CommandError("--reason: required")
            job = forgetting.start(caller=caller, **whom, reason=options["reason"])
        wakeups.flush(timeout=5)
        result = {"jobId": job.pk, "jobUuid": str(job.uuid)}
        self.stdout.write(json.dumps(result) if options["json"] else f"started: job {job.pk}  {job.uuid}")
