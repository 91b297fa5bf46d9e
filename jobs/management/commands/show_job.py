"""``show_job ID``: one job with its events and its last words."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gateway.dates import format_moment
from gateway.errors import Refusal
from gateway.management.house import house_caller
from gateway.plain_text import on_one_line
from jobs import services
from jobs.management.shown import counted, facts, job_id, pairs
from jobs.models import Job

_LINES = 20


class Command(BaseCommand):
    help = f"Show a job with its events, the last {_LINES} lines of its log and how many child jobs it has."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", metavar="ID", help="a job's number or uuid")
        parser.add_argument("--json", action="store_true", help="print it as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            job = services.find(house_caller(), job_id(options["id"]))
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        shown = {**facts(job), **_more(job)}
        if options["json"]:
            self.stdout.write(json.dumps(shown, ensure_ascii=False))
            return
        events, lines, params = (shown.pop(name) for name in ("events", "log", "jobParams"))
        del shown["total"]
        for name, value in {**shown, "completed": counted(job)}.items():
            self._say(f"{name:>12}  {value if value is not None else ''}")
        for pair in params:
            self._say("{:>12}  {key} = {value}".format("", **pair))
        for event in events:
            self._say("{createdAt}  {eventName:<9} {reason}  {actor}".format(**event).rstrip())
        for line in lines:
            self._say("{createdAt}  | {text}".format(**line))

    def _say(self, line: str) -> None:
        # Clients and job classes wrote some of it.
        self.stdout.write(on_one_line(line))


def _more(job: Job) -> dict[str, Any]:
    last = reversed(job.log_lines.order_by("-id")[:_LINES])
    return {
        "client": str(job.client or ""),
        "user": job.user_name,
        "trigger": str(job.trigger or ""),
        "parentJobId": job.parent_id,
        "rootJobId": job.root_id,
        "children": job.children.count(),
        "attempts": job.attempts,
        "worker": job.worker,
        "dueAt": format_moment(job.due_at),
        "jobParams": pairs(job.params),
        "events": [
            {
                "createdAt": format_moment(event.created_at),
                "eventName": event.name,
                "reason": event.reason,
                "actor": event.actor,
            }
            for event in job.events.all()
        ],
        "log": [{"createdAt": format_moment(line.created_at), "text": line.text} for line in last],
    }
