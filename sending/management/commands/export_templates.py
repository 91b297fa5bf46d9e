"""``export_templates TARGET``: templates as files, for another site or for a repository."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gateway.errors import Refusal
from sending import exchanging
from sending.template_archives import lay_down, lay_out, zipped


class Command(BaseCommand):
    help = "Write templates with all their versions below a folder, or into an archive where TARGET ends with .zip."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("target", metavar="TARGET", type=Path, help="must not exist yet, or be an empty folder")
        parser.add_argument("--template", action="append", default=[], metavar="NAME", help="only this one; repeatable")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        target: Path = options["target"]
        try:
            files = exchanging.export(names=options["template"])
            if target.suffix.lower() == ".zip":
                lay_down(zipped(files), target)
            else:
                lay_out(files, target)
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        except OSError as error:
            raise CommandError(f"{target}: {error.strerror}") from error
        result = {"done": "exported", "files": len(files), "target": str(target)}
        self.stdout.write(json.dumps(result) if options["json"] else f"exported: {len(files)} files to {target}")
