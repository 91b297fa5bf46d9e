"""The peers as the harness runs them."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.backing import query
from benchmarks.bench import Bench
from benchmarks.processes import Process, free_port, wait_for_port
from benchmarks.sink import Sink
from benchmarks.site import Site

JSON_API = "bare DRF JSON:API"
BARE_SPYNE = "bare Spyne"
POST_OFFICE = "django-post_office"
_SENT = 0


@contextlib.contextmanager
def json_api(bench: Bench, site: Site) -> Iterator[int]:
    """The bare JSON:API service under the very web server of ``site``; its port."""
    with _over_notes(bench, site, "benchmarks.peers.jsonapi.wsgi:application") as port:
        yield port


@contextlib.contextmanager
def sending_spyne(bench: Bench, site: Site) -> Iterator[int]:
    """A bare Spyne service that stores a row for each letter, under the very web server of ``site``; its port."""
    with _over_notes(bench, site, "benchmarks.peers.bare_spyne.sending:application") as port:
        yield port


@contextlib.contextmanager
def _over_notes(bench: Bench, site: Site, application: str) -> Iterator[int]:
    with bench.backing.fresh_database("peer") as address:
        environment = {"DATABASE_URL": address, "DJANGO_SETTINGS_MODULE": "benchmarks.peers.jsonapi.settings"}
        port = free_port()
        log = bench.folder / "peer.log"
        with Process(
            ["-m", "django", "migrate", "--run-syncdb", "-v", "0"], log=log, environment=environment
        ) as migrate:
            migrate.wait(60)
        with _served(site, application, port, log, environment):
            yield port


@contextlib.contextmanager
def bare_spyne(bench: Bench, site: Site) -> Iterator[int]:
    """The bare Spyne service under the very web server of ``site``; its port."""
    port = free_port()
    with _served(site, "benchmarks.peers.bare_spyne.service:application", port, bench.folder / "spyne.log", {}):
        yield port


@contextlib.contextmanager
def _served(site: Site, application: str, port: int, log: Path, environment: Mapping[str, str]) -> Iterator[None]:
    command = [*site.command("web")[:-1], application]
    command[command.index("--port") + 1] = str(port)
    with Process(command, log=log, environment=environment):
        wait_for_port(port)
        yield


class PostOffice:
    """A queue of mails in a database of its own, sent by post_office's own command."""

    def __init__(self, bench: Bench, sink: Sink, address: str) -> None:
        self._bench, self._sink, self._address = bench, sink, address
        self._log = bench.folder / "post_office.log"
        self._environment = {
            "DATABASE_URL": address,
            "SINK_PORT": str(sink.port),
            "DJANGO_SETTINGS_MODULE": "benchmarks.peers.post_office.settings",
        }

    def fill(self, count: int) -> float:
        """Queue mails of 2 KB; mails per second."""
        self._log.write_bytes(b"")
        self._run("-m", "benchmarks.peers.post_office.fill", str(count), seconds=600)
        return float(self._log.read_text().split()[-1])

    def drain(self, count: int) -> float:
        """Send what is queued; mails per second from the first arrival until the last is recorded."""
        self._sink.clear()
        lock = self._bench.folder / "post_office.lock"
        self._run("-m", "django", "send_queued_mail", "--processes", "1", "--lockfile", str(lock), seconds=600)
        ended = time.monotonic()
        if left := query(self._address, "SELECT count(*) FROM post_office_email WHERE status <> %s", _SENT)[0][0]:
            raise RuntimeError(f"{left} mails of post_office were not sent:\n{self._log.read_text()[-2000:]}")
        return count / (ended - self._sink.mails()[0][0])

    def _run(self, *arguments: str, seconds: float) -> None:
        with Process(arguments, log=self._log, environment=self._environment) as process:
            process.wait(seconds)


@contextlib.contextmanager
def post_office(bench: Bench, sink: Sink) -> Iterator[PostOffice]:
    """A fresh post_office."""
    with bench.backing.fresh_database("post_office") as address:
        yield PostOffice(bench, sink, address)
