"""``import_recipients FILE``: a file of recipients into a group, by a job."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError

from campaigns import csv_reading, importing, looking, recipients
from campaigns.columns import WORDS
from campaigns.csv_reading import SEPARATORS, Unreadable
from campaigns.import_counts import Counts, counts_in
from campaigns.management.shown import uuid_in
from campaigns.models import RecipientGroup
from campaigns.reading import outward
from campaigns.states import Duplicates
from gateway import wakeups
from gateway.caller import Caller
from gateway.errors import Refusal
from gateway.incoming import Incoming, StoredBytes, TooMany
from gateway.management.house import house_caller
from gateway.plain_text import on_one_line
from jobs.management.shown import facts
from jobs.management.waiting import wait
from jobs.states import Status
from sending.stores.base import StoreRefusal

_PIECE = 256 * 1024
_HANDLING = {"allow": Duplicates.ALLOW, "skip": Duplicates.SKIP, "update": Duplicates.UPDATE}


class Command(BaseCommand):
    help = "Import a file of recipients into a group; with --wait the exit code is 0 only when its job is FINISHED."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="a file, or a path below the external root")
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--group", metavar="UUID", help="the group that it goes into")
        which.add_argument("--create-group", metavar="NAME", help="make a group of this name first")
        parser.add_argument(
            "--duplicates", choices=sorted(_HANDLING), default="skip", help="who is there already (skip)"
        )
        parser.add_argument("--separator", default="", metavar="CHARACTER", help="; , | or tab; else it is found out")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
        parser.add_argument("--wait", action="store_true", help="show how it goes until it has ended")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        caller = house_caller()
        separator = "\t" if options["separator"] == "tab" else options["separator"]
        if separator and separator not in SEPARATORS:
            raise CommandError("--separator: must be one of ; , | or tab")
        try:
            with Incoming() as incoming:
                stored, path = _taken(caller, options["file"], incoming)
                with Path(stored.path).open("rb") as file:
                    reading = importing.reading_of(file, separator=separator)
                    if options["dry_run"]:
                        self._tell(looking.look(file, reading, _group_now(caller, options)), options)
                        return
                job = self._begin(caller, stored, path, separator, options)
        except Unreadable as error:
            raise CommandError(f"{options['file']}: {error}") from error
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        except StoreRefusal as refusal:
            raise CommandError(f"the file cannot be kept: it {refusal.sentence}") from refusal
        except OSError as error:
            raise CommandError(f"the file cannot be read or kept: {error}") from error
        wakeups.flush(timeout=5)
        if not options["json"]:
            self.stdout.write(f"job {job.pk} {job.uuid}")
        if options["wait"]:
            wait(job, tell=self._say_nothing if options["json"] else self._say, is_terminal=False)
        counts = counts_in(job.cursor) if options["wait"] else None
        if options["json"]:
            self.stdout.write(json.dumps(facts(job) | _by_name(counts), ensure_ascii=False))
        elif counts is not None:
            self.stdout.write(counts.sentence)
        if options["wait"] and job.status != Status.FINISHED:
            raise CommandError(f"job {job.pk} is {job.status}{f': {job.reason}' if job.reason else ''}")

    def _begin(self, caller: Caller, stored: StoredBytes, path: str, separator: str, options: dict[str, Any]) -> Any:
        group = _group(caller, options)
        try:
            return importing.begin(
                caller=caller,
                group=group,
                path=path or importing.keep_upload(caller=caller, group=group, stored=stored),
                file_name=Path(options["file"]).name,
                duplicates=_HANDLING[options["duplicates"]],
                separator=separator,
                checksum=importing.sha1_of(stored.path),
            )
        except BaseException:
            if options["create_group"]:
                recipients.delete_group(caller=caller, uuid=group.uuid)
            raise

    def _tell(self, sample: looking.Look, options: dict[str, Any]) -> None:
        if options["json"]:
            shown = {
                "encoding": sample.sheet.encoding,
                "separator": sample.sheet.separator,
                "columns": sample.meaning,
                "properties": sample.properties,
                "records": sample.total,
                "first": [{"line": line.number, "problem": line.problem or None} for line in sample.lines],
                "lookedAt": sample.looked_at,
                "duplicates": sample.duplicates,
                "invalid": sample.invalid,
                "firstInvalid": [{"line": line.number, "problem": line.problem} for line in sample.faults],
            }
            self.stdout.write(json.dumps(shown, ensure_ascii=False))
            return
        self.stdout.write(f"encoding: {sample.sheet.encoding_name}")
        self.stdout.write(f"separator: {'tab' if sample.sheet.separator == chr(9) else sample.sheet.separator}")
        for header, what in sample.meaning.items():
            self.stdout.write(on_one_line(f"column {header}: {WORDS.get(what, what) or 'left out'}"))
        if sample.properties:
            self.stdout.write(on_one_line(f"properties: {', '.join(sample.properties)}"))
        self.stdout.write(f"records: {sample.total}")
        among = "" if sample.looked_at == sample.total else f", of the first {sample.looked_at}"
        self.stdout.write(f"invalid: {sample.invalid}{among}")
        self.stdout.write(f"duplicates: {sample.duplicates}{among}")
        for line in sample.faults:
            self.stdout.write(on_one_line(f"line {line.number}: {line.problem}"))
        if sample.invalid > len(sample.faults):
            self.stdout.write(f"and {sample.invalid - len(sample.faults)} more")

    def _say(self, text: str) -> None:
        self.stdout.write(text, ending="")
        self.stdout.flush()

    @staticmethod
    def _say_nothing(text: str) -> None:
        """For who reads JSON."""


def _by_name(counts: Counts | None) -> dict[str, int]:
    """As ``GET imports`` names them; nothing where nothing was waited for."""
    if counts is None:
        return {}
    return {
        "newLineCount": counts.new,
        "changedLineCount": counts.changed,
        "duplicateLineCount": counts.skipped,
        "invalidLineCount": counts.invalid,
    }


def _taken(caller: Caller, name: str, incoming: Incoming) -> tuple[StoredBytes, str]:
    """A copy of the file, and its path below the external root, where it lies there; a path of its own comes first."""
    path = Path(name)
    if path.is_file():
        with path.open("rb") as file:
            return _received(file, incoming), ""
    try:
        return importing.fetched(caller, name, incoming), name
    except Unreadable:
        # Of a place that no path below the root could name, what the root says of it is beside the point.
        if path.is_dir():
            raise Unreadable("it is a folder") from None
        if path.exists():
            raise Unreadable("it is no file") from None
        if path.is_absolute() or ".." in path.parts:
            raise Unreadable("there is no such file") from None
        raise


def _received(file: BinaryIO, incoming: Incoming) -> StoredBytes:
    try:
        return incoming.receive(iter(lambda: file.read(_PIECE), b""), most=csv_reading.LONGEST_FILE)
    except TooMany:
        raise Unreadable(f"it is larger than {csv_reading.LONGEST_FILE} bytes") from None


def _group(caller: Caller, options: dict[str, Any]) -> RecipientGroup:
    if options["create_group"]:
        with outward({"name": "--create-group"}):
            return recipients.create_group(caller=caller, name=options["create_group"])
    return recipients.group_of(caller=caller, uuid=uuid_in(options["group"], option="--group"))


def _group_now(caller: Caller, options: dict[str, Any]) -> RecipientGroup | None:
    """The same with nothing made: None where it would be."""
    if not options["create_group"]:
        return _group(caller, options)
    with outward({"name": "--create-group"}):
        recipients.check_new_group(caller=caller, name=options["create_group"])
    return None
