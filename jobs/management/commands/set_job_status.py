"""``set_job_status STATUS ID…``: jobs cancelled, run again, or closed by hand; all of them or none."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gateway import wakeups
from gateway.errors import Refusal
from gateway.management.house import house_caller
from jobs import services
from jobs.management.shown import facts, job_id


class Command(BaseCommand):
    help = (
        "Bring jobs to a status: CANCELLED (with all below them), NEW (run again), FINISHED or FAILED (closed by hand)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("status", metavar="STATUS")
        parser.add_argument("ids", nargs="+", metavar="ID", help="a job's number or uuid")
        parser.add_argument("--reason", default="", help="kept with the event")
        parser.add_argument("--json", action="store_true", help="print the jobs as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            jobs = services.set_status(
                caller=house_caller(),
                ids=[job_id(text) for text in options["ids"]],
                status=options["status"],
                reason=options["reason"],
            )
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        wakeups.flush(timeout=5)
        if options["json"]:
            self.stdout.write(json.dumps([facts(job) for job in jobs], ensure_ascii=False))
            return
        for job in jobs:
            self.stdout.write(f"job {job.pk} is {job.status}")
