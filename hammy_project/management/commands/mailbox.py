"""A local mail server that keeps all it is given."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from hammy_project import mailbox


class Command(BaseCommand):
    help = "Takes mail over SMTP on this machine and keeps each letter as a file under VAR_DIR/mailbox."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        mailbox.add_arguments(parser)

    def handle(self, *args: Any, host: str, port: int, folder: Path | None, **options: Any) -> None:
        if failure := mailbox.run(host=host, port=port, folder=folder or settings.VAR_DIR / "mailbox"):
            raise CommandError(failure)
