"""Shows the whole way of a letter: accepted over REST, handed over by SMTP, found in a mailbox."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from hammy_project import demonstration, programs, static_files
from hammy_project.demonstration import Access, DemonstrationError, Visitor
from hammy_project.supervisor import Program, Supervisor
from sending.models import Message

_HOST = "127.0.0.1"
_START_SECONDS = 60.0
_ARRIVE_SECONDS = 30.0
# A program that dies so often does not get better by starting again.
_HOPELESS_DEATHS = 3
_LINE = 78


class Command(BaseCommand):
    help = "Starts everything, sends one letter over REST as a client would, and shows what became of it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="stop afterwards; exit code 0 only if it arrived")
        parser.add_argument("--port", type=int, default=settings.WEB_PORT, help="or the next free one above it")
        parser.add_argument("--mail-port", type=int, default=2525, help="or the next free one above it")

    def handle(self, *args: Any, once: bool, port: int, mail_port: int, **options: Any) -> None:
        web_port = programs.free_port(_HOST, port)
        smtp_port = programs.free_port(_HOST, mail_port, but=web_port)
        for wanted, taken in ((port, web_port), (mail_port, smtp_port)):
            if wanted != taken:
                self.stdout.write(f"Port {wanted} is in use; taking {taken}.")
        self._heading("Preparing")
        self._say(f"database, admin, client and template, under {settings.VAR_DIR}")
        call_command("migrate", verbosity=0)
        static_files.collect()
        access = demonstration.prepare(settings.VAR_DIR / "demo.json")
        supervisor = Supervisor(_programs(web_port, smtp_port))
        address = f"http://{_HOST}:{web_port}"
        with supervisor.signals():
            try:
                supervisor.start()
                self._show(supervisor, address, access)
                self._heading("Have a look")
                self._say(f"Console   {address}/admin/")
                self._say(f"Login     {demonstration.USER_NAME} / {access.password}")
                self._say(f"API       {address}/hammy/docs")
                self._say(f"Mails     {_mailbox()}")
                self._say(f"Logs      {_logs()}")
                if not once and not supervisor.is_stopping:
                    self._say("\nEverything keeps running. Ctrl-C stops it.")
                    supervisor.run()
            except DemonstrationError as error:
                raise CommandError(f"The letter did not arrive: {error}\nThe logs are in {_logs()}") from error
            finally:
                self._say("\nStopping everything")
                supervisor.stop()
        if once:
            self.stdout.write(self.style.SUCCESS("The letter arrived."))

    def _show(self, supervisor: Supervisor, address: str, access: Access) -> None:
        self._say("web, worker, beat and a mailbox are starting")
        _await(supervisor, _START_SECONDS, lambda: demonstration.is_alive(address), "the web server did not start")
        visitor = Visitor(address, access)
        token = visitor.log_in()
        body = demonstration.letter()

        self._heading("The request")
        self._say(f"POST {visitor.address}/send/v2/send")
        self._say(f"X-Client-Hash-Key: {access.client_hash_key[:8]}…")
        self._say(f"Authorization: JWT {token[:8]}…")
        self._say("Content-Type: application/json\n")
        self._say(json.dumps(body, indent=2, ensure_ascii=False))
        answer = visitor.send(body)
        self._heading("The answer")
        self._say(json.dumps(answer, indent=2, ensure_ascii=False))

        message_id = int(answer["messageId"])
        status = ""

        def is_closed() -> bool:
            nonlocal status
            attributes = visitor.message(message_id)
            status = f"{attributes['status']} {attributes['reason'] or ''}".strip()
            return attributes["closedAt"] is not None

        try:
            _await(supervisor, _ARRIVE_SECONDS, is_closed, "it is still waiting")
        finally:
            self._heading("What became of it")
            for event in visitor.events(message_id):
                self._say(f"{event['createdAt']}  {event['eventName']:<10} {event['reason'] or event['actor'] or ''}")
        if not status.startswith("SENT"):
            raise DemonstrationError(f"the message is {status}")
        self._show_mail(supervisor, message_id)

    def _show_mail(self, supervisor: Supervisor, message_id: int) -> None:
        search = demonstration.find_mail(_mailbox(), str(Message.objects.get(pk=message_id).uuid))
        found: list[Path] = []

        def is_found() -> bool:
            found.extend(filter(None, [search()]))
            return bool(found)

        _await(supervisor, _START_SECONDS / 10, is_found, "the mailbox does not hold it")
        self._heading("The mail")
        self._say(f"{found[0]}\n")
        for line in demonstration.readable(found[0]):
            self._say(f"| {line}")

    def _heading(self, text: str) -> None:
        self.stdout.write(self.style.MIGRATE_HEADING(f"\n── {text} {'─' * (_LINE - len(text))}"))

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _await(supervisor: Supervisor, seconds: float, until: Callable[[], bool], otherwise: str) -> None:
    """Wait for a condition; DemonstrationError when the time is over, a program keeps dying, or a signal came."""

    def is_over() -> bool:
        return until() or _dying(supervisor) != ""

    is_done = supervisor.wait(seconds, is_over)
    if name := _dying(supervisor):
        raise DemonstrationError(f"{name} keeps dying")
    if supervisor.is_stopping:
        raise DemonstrationError("stopped before it could")
    if not is_done:
        raise DemonstrationError(f"{otherwise} after {seconds:.0f} s")


def _dying(supervisor: Supervisor) -> str:
    return next((name for name, deaths in supervisor.deaths.items() if deaths >= _HOPELESS_DEATHS), "")


def _programs(web_port: int, smtp_port: int) -> list[Program]:
    environment = {
        "EMAIL_URL": f"smtp://{_HOST}:{smtp_port}",
        "HAMMY_PUBLIC_URL": os.environ.get("HAMMY_PUBLIC_URL", f"http://{_HOST}:{web_port}"),
    }
    everything = [
        programs.mailbox(port=smtp_port),
        programs.web(host=_HOST, port=web_port),
        programs.worker(),
        programs.long_worker(),
        programs.notifier(),
        programs.beat(),
    ]
    _logs().mkdir(parents=True, exist_ok=True)
    return [
        replace(program, environment={**program.environment, **environment}, log_file=_logs() / f"{program.name}.log")
        for program in everything
    ]


def _mailbox() -> Path:
    return Path(settings.VAR_DIR) / "mailbox"


def _logs() -> Path:
    return Path(settings.VAR_DIR) / "logs"
