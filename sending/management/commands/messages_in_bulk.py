"""Cancel, hold, release, requeue or resend all messages that match."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gateway import wakeups
from gateway.errors import Problem, Refusal
from gateway.management.house import house_caller
from sending import choosing, in_bulk
from sending.states import Operation

# Each filter by its option; those that may be several are given several times or with commas between them.
_FILTERS = {
    "--id": "ids",
    "--status": "status",
    "--channel": "channel",
    "--held-for": "heldFor",
    "--request-id": "requestId",
    "--batch-id": "batchId",
    "--partner-ref": "partnerRef",
    "--message-type": "messageType",
    "--created-from": "createdAtFrom",
    "--created-to": "createdAtTo",
    "--client": "client",
    "--campaign-part-id": "campaignPartId",
    "--job-id": "jobId",
    "--opened": "opened",
    "--id-below": "idBelow",
    "--search": "search",
}
_SEVERAL = ("ids", "status", "channel", "heldFor")
_OPTIONS = {name: option for option, name in _FILTERS.items()}


class Command(BaseCommand):
    help = "Cancel, hold, release, requeue or resend all messages that match, as a job; with --dry-run only count."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("operation", type=str.upper, choices=[str(one) for one in Operation], metavar="OPERATION")
        for option, name in _FILTERS.items():
            more: dict[str, Any] = {"action": "append"} if name in _SEVERAL else {}
            parser.add_argument(option, dest=name, metavar=option.lstrip("-").replace("-", "_").upper(), **more)
        parser.add_argument("--reason", default="", help="kept with each message; required unless with --dry-run")
        parser.add_argument("--expected", type=int, help="how many a dry run counted: the job's log says if it differs")
        parser.add_argument("--dry-run", action="store_true", help="count, and do nothing")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        caller, operation = house_caller(), Operation(options["operation"])
        try:
            wanted = choosing.read({name: options[name] for name in _FILTERS.values()})
            if options["dry_run"]:
                found = in_bulk.count(caller=caller, operation=operation, wanted=wanted)
                self._print_count(found, as_json=options["json"])
                return
            job = in_bulk.begin(
                caller=caller,
                operation=operation,
                wanted=wanted,
                reason=options["reason"],
                expected=options["expected"],
            )
        except Refusal as refusal:
            raise CommandError("; ".join(map(_spelt, refusal.problems))) from refusal
        wakeups.flush(timeout=5)
        result = {"jobId": job.pk, "jobUuid": str(job.uuid)}
        self.stdout.write(json.dumps(result) if options["json"] else f"started: job {job.pk}  {job.uuid}")

    def _print_count(self, found: in_bulk.Found, *, as_json: bool) -> None:
        if as_json:
            facts = {"count": found.count, "eligible": found.eligible, "statuses": dict(found.statuses)}
            self.stdout.write(json.dumps(facts))
            return
        statuses = ", ".join(f"{status}: {count}" for status, count in found.statuses.items())
        self.stdout.write(f"match: {found.count}, eligible: {found.eligible}" + (f" ({statuses})" if statuses else ""))


def _spelt(problem: Problem) -> str:
    """With the option's name in the place of the filter's."""
    match problem.field:
        case ("filter", str(name)):
            return f"{_OPTIONS.get(name, name)}: {problem.sentence}"
        case ("filter",):
            return "name messages by at least one of the filters; without any it would be all there are"
        case (str(name),):
            return f"--{name}: {problem.sentence}"
    return problem.detail
