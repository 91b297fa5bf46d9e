"""Starts the whole site, or one of its programs."""

import os
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from hammy_project import programs, static_files
from hammy_project.supervisor import Supervisor


class Command(BaseCommand):
    help = (
        "Starts web, workers, notifier and beat (and a consumer of queues where there is a RabbitMQ, a local mailbox "
        "where EMAIL_URL is unset) and keeps them running; "
        "with a program's name, becomes that program."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        names = ["all", "web", "worker", "long-worker", "notifier", "beat", "consumer"]
        parser.add_argument("program", nargs="?", choices=names, default="all")
        parser.add_argument("--host", default=settings.WEB_HOST, help="where the web server listens")
        parser.add_argument("--port", type=int, default=settings.WEB_PORT)
        parser.add_argument("--grace", type=float, default=30.0, help="seconds that the programs get to stop")

    def handle(self, *args: Any, program: str, host: str, port: int, grace: float, **options: Any) -> None:
        if program == "all":
            self._run_all(host, port, grace)
            return
        make = {
            "web": lambda: programs.web(host=host, port=port),
            "worker": programs.worker,
            "long-worker": programs.long_worker,
            "notifier": programs.notifier,
            "beat": programs.beat,
            "consumer": programs.consumer,
        }
        chosen = make[program]()
        command = list(chosen.command)
        os.execve(command[0], command, {**os.environ, **chosen.environment})  # noqa: S606 (a command line of our own making, without a shell)

    def _run_all(self, host: str, port: int, grace: float) -> None:
        everything = [
            programs.web(host=host, port=port),
            programs.worker(),
            programs.long_worker(),
            programs.notifier(),
            programs.beat(),
        ]
        if settings.HAMMY_AMQP_URL:
            everything += [programs.consumer(number) for number in range(1, settings.CONSUMER_PROCESSES + 1)]
        wanted = [(host, port, "PORT")]
        if not settings.IS_EMAIL_URL_GIVEN:
            server = settings.HAMMY_SMTP_SERVERS[0]
            everything.append(programs.mailbox(port=server.port))
            wanted.append((server.host, server.port, "EMAIL_URL"))
        for at, number, variable in wanted:
            if not programs.is_port_free(at, number):
                raise CommandError(f"{at}:{number} is in use by another program; set {variable} to use another")
        call_command("migrate", verbosity=0)
        static_files.collect()
        supervisor = Supervisor(everything, grace_seconds=grace)
        with supervisor.signals():
            supervisor.start()
            self.stdout.write(f"Running at http://{host}:{port}/ (Ctrl-C stops everything)")
            supervisor.run()
            supervisor.stop()
