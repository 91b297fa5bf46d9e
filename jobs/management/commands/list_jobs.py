"""``list_jobs``: the newest jobs, narrowed by status, class or tree."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gateway.dates import format_moment
from gateway.errors import Refusal
from gateway.management.house import house_caller
from jobs import services
from jobs.management.shown import counted, facts, job_id
from jobs.models import Job
from jobs.states import Status
from jobs.trees import below

_MOST = 1000


class Command(BaseCommand):
    help = "List jobs, the newest first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--status", action="append", default=[], help="only these; may be given several times")
        parser.add_argument("--job-class", action="append", default=[], metavar="NAME", help="the same")
        parser.add_argument("--root", metavar="ID", help="only this job and the tree below it")
        parser.add_argument("--limit", type=int, default=20, help=f"at most {_MOST} (20)")
        parser.add_argument("--json", action="store_true", help="print a JSON list")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["limit"] <= _MOST:
            raise CommandError(f"--limit: must be between 1 and {_MOST}")
        if unknown := [status for status in options["status"] if status not in set(Status)]:
            raise CommandError(f"--status {unknown[0]}: must be one of {', '.join(Status)}")
        jobs = Job.objects.all()
        if options["root"]:
            try:
                jobs = below(services.find(house_caller(), job_id(options["root"])))
            except Refusal as refusal:
                raise CommandError(f"--root: {refusal}") from refusal
        for column, wanted in (("status", options["status"]), ("job_class", options["job_class"])):
            jobs = jobs.filter(**{f"{column}__in": wanted}) if wanted else jobs
        found = jobs.order_by("-created_at", "-id")[: options["limit"]]
        if options["json"]:
            self.stdout.write(json.dumps([facts(job) for job in found], ensure_ascii=False))
            return
        for job in found:
            moment = format_moment(job.created_at)
            self.stdout.write(f"{job.pk}  {moment}  {job.status:<9}  {job.job_class}  {counted(job)}".rstrip())
