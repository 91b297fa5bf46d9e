"""A local mail server that keeps all it is given."""

import asyncio
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from hammy_project import mailbox


class Command(BaseCommand):
    help = "Takes mail over SMTP on this machine and keeps each letter as a file under VAR_DIR/mailbox."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=2525, help="0 takes any free one")
        parser.add_argument("--folder", type=Path, default=None, help="where the letters go")

    def handle(self, *args: Any, host: str, port: int, folder: Path | None, **options: Any) -> None:
        target = folder or settings.VAR_DIR / "mailbox"

        def tell(taken: int) -> None:
            self.stdout.write(f"Taking mail at {host}:{taken}, keeping it in {target}")
            self.stdout.flush()

        try:
            asyncio.run(mailbox.serve(host=host, port=port, folder=target, on_ready=tell))
        except OSError as error:
            raise CommandError(f"Cannot take mail at {host}:{port}: {error.strerror}") from error
