"""Read mail that came back."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from gateway import wakeups
from gateway.management.house import house_caller
from sending import bouncing
from sending.bouncing import Verdict
from sending.mailboxes import ImapMailbox, Mailbox, MailboxError, MaildirFolder, MboxFile


class Command(BaseCommand):
    help = "Read bounces from a mailbox: marks letters BOUNCED, and suppresses addresses that do not exist."

    def add_arguments(self, parser: ArgumentParser) -> None:
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument("--mbox", type=Path, metavar="FILE", help="a mailbox file")
        where.add_argument("--maildir", type=Path, metavar="FOLDER", help="a maildir")
        where.add_argument("--imap", action="store_true", help="the mailbox of HAMMY_BOUNCE_IMAP_URL")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with self._box(options) as box:
                counts = bouncing.read(house_caller(), box)
        except MailboxError as error:
            raise CommandError(str(error)) from error
        wakeups.flush(timeout=5)
        result = {verdict.value: counts[verdict] for verdict in Verdict}
        if options["json"]:
            self.stdout.write(json.dumps(result))
        else:
            self.stdout.write(", ".join(f"{name}: {count}" for name, count in result.items()))

    def _box(self, options: dict[str, Any]) -> Mailbox:
        if options["mbox"]:
            return MboxFile(options["mbox"])
        if options["maildir"]:
            return MaildirFolder(options["maildir"])
        if settings.HAMMY_BOUNCE_IMAP is None:
            raise CommandError("HAMMY_BOUNCE_IMAP_URL is not set")
        return ImapMailbox(settings.HAMMY_BOUNCE_IMAP)
