"""``import_templates SOURCE``: templates from files, as drafts."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gateway.errors import Refusal
from gateway.management.house import house_caller
from gateway.plain_text import on_one_line
from sending import exchanging
from sending.template_archives import below, unzipped
from sending.template_files import Fault


class Command(BaseCommand):
    help = "Take in the templates of a folder or an archive: all of them or, with every fault told, none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", metavar="SOURCE", type=Path, help="a folder or a ZIP archive")
        parser.add_argument("--enable", action="store_true", help="give drafts the status that the files tell")
        parser.add_argument("--dry-run", action="store_true", help="tell what would be done, and do nothing")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        source: Path = options["source"]
        faults: list[Fault] = []
        try:
            if source.is_dir():
                files = below(source, faults)
            else:
                with source.open("rb") as content:
                    files = unzipped(content, faults)
            taken = exchanging.take_in(
                caller=house_caller(),
                files=files,
                faults=faults,
                enable=options["enable"],
                dry_run=options["dry_run"],
            )
        except OSError as error:
            raise CommandError(f"{source}: {error.strerror}") from error
        except Refusal as refusal:
            raise CommandError("\n".join(problem.detail for problem in refusal.problems)) from refusal
        if options["json"]:
            self.stdout.write(json.dumps([asdict(one) for one in taken], ensure_ascii=False))
            return
        for one in taken:
            self.stdout.write(on_one_line(str(one)))
            for doubt in one.doubts:
                self.stdout.write(on_one_line(f"    {doubt}"))
        count = sum(one.is_new for one in taken)
        self.stdout.write(f"{'would be imported' if options['dry_run'] else 'imported'}: {count} versions")
