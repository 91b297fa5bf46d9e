"""``trigger_job NAME``: a defined trigger's job, now."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gateway import wakeups
from gateway.errors import Refusal
from gateway.management.house import house_caller
from jobs import services
from jobs.management.shown import facts
from jobs.management.waiting import check_finished, wait_here


class Command(BaseCommand):
    help = "Run a defined trigger now; with --wait the exit code is 0 only when its job is FINISHED."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--param", action="append", default=[], metavar="K=V", help="overrides the trigger's own")
        parser.add_argument("--leg", action="append", default=[], metavar="ID", help="only these legs")
        parser.add_argument("--wait", action="store_true", help="show how it goes until it has ended")
        parser.add_argument("--json", action="store_true", help="print the job as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            job = services.trigger_job(
                caller=house_caller(),
                name=options["name"],
                leg_ids=options["leg"],
                params=[_pair(text) for text in options["param"]],
            )
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        wakeups.flush(timeout=5)
        if not options["json"]:
            self.stdout.write(f"job {job.pk} {job.uuid}")
        if options["wait"]:
            wait_here(self, job, is_silent=options["json"])
        if options["json"]:
            self.stdout.write(json.dumps(facts(job), ensure_ascii=False))
        if options["wait"]:
            check_finished(job)


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise CommandError(f"--param {text}: must be KEY=VALUE")
    return key, value
