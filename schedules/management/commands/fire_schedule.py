"""``fire_schedule UUID``: what a schedule does, now."""

import json
from argparse import ArgumentParser
from typing import Any, cast

from django.core.management.base import BaseCommand, CommandError

from gateway import wakeups
from gateway.errors import Refusal
from gateway.management.house import house_caller
from jobs.management.waiting import check_finished, wait_here
from jobs.models import Job
from schedules import services
from schedules.management.shown import uuid_in


class Command(BaseCommand):
    help = (
        "Fire a schedule now, beside its times, which stay as they are; with --wait the exit code is 0 only when its "
        "job is FINISHED."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("uuid", metavar="UUID")
        parser.add_argument("--wait", action="store_true", help="show how it goes until its job has ended")
        parser.add_argument("--json", action="store_true", help="print job and what was made as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            firing = services.fire(caller=house_caller(), uuid=uuid_in(options["uuid"]))
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        wakeups.flush(timeout=5)
        # What is fired has a job.
        job = Job.objects.get(pk=cast(int, firing.job_id))
        if not options["json"]:
            self.stdout.write(f"job {job.pk} {job.uuid}")
        if options["wait"]:
            wait_here(self, job, is_silent=options["json"])
            firing.refresh_from_db(fields=["made"])
        if options["json"]:
            said = {
                "jobId": job.pk, "jobUuid": str(job.uuid), "status": job.status, "time": firing.slot,
                "kind": firing.kind, "made": firing.made or None,
            }  # fmt: skip
            self.stdout.write(json.dumps(said, ensure_ascii=False))
        elif firing.made:
            self.stdout.write(f"{firing.kind} {firing.made}")
        if options["wait"]:
            check_finished(job)
