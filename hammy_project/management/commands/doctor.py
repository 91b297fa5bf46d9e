"""Looks over the site and says what ails it."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from hammy_project import doctor
from hammy_project.doctor import Level


class Command(BaseCommand):
    help = (
        "Looks at clock, database, broker, mail servers, signing certificate, templates, disks and what is stuck; "
        "exit code 1 when something failed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help='a list of {"subject", "level", "words"}')

    def handle(self, *args: Any, **options: Any) -> None:
        styles = {Level.OK: self.style.SUCCESS, Level.WARNING: self.style.WARNING, Level.FAILURE: self.style.ERROR}
        findings = []
        for finding in doctor.examine(doctor.PROBES):
            findings.append(finding)
            if not options["json"]:
                self.stdout.write(
                    f"{styles[finding.level](finding.level.ljust(8))} {finding.subject:<28} {finding.words}"
                )
        if options["json"]:
            self.stdout.write(json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False))
        if any(finding.level == Level.FAILURE for finding in findings):
            raise SystemExit(1)
