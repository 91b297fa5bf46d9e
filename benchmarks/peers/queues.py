"""The queues of jobs beside which ours is measured, as the harness runs them."""

import contextlib
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.backing import query
from benchmarks.bench import Bench
from benchmarks.processes import Process

PROCRASTINATE = "procrastinate"
BARE_CELERY = "bare Celery"
_PATIENCE_SECONDS = 600.0


class Procrastinate:
    """One worker that runs ten jobs at a time, in a database of its own."""

    def __init__(self, bench: Bench, address: str) -> None:
        self._address = address
        self._log = bench.folder / "procrastinate.log"
        self._environment = {"DATABASE_URL": address}
        self._command = ["-m", "procrastinate", "--app=benchmarks.peers.procrastinate_queue.app.app"]
        self._run(*self._command, "schema", "--apply")

    def drain(self, count: int) -> float:
        """Queue so many jobs and run them; jobs per second from the first start until the last end is recorded."""
        query(self._address, "TRUNCATE procrastinate_jobs CASCADE")
        self._run("-m", "benchmarks.peers.procrastinate_queue.fill", str(count))
        worker = [*self._command, "worker", "--concurrency", "10"]
        with Process(worker, log=self._log, environment=self._environment):
            ended = until(lambda: not self._left(), self._log)
        (started,) = query(
            self._address, "SELECT extract(epoch FROM min(at)) FROM procrastinate_events WHERE type = 'started'"
        )[0]
        return count / (ended - float(str(started)))

    def _left(self) -> bool:
        left = "SELECT EXISTS (SELECT FROM procrastinate_jobs WHERE status IN ('todo', 'doing'))"
        return bool(query(self._address, left)[0][0])

    def _run(self, *arguments: str) -> None:
        with Process(arguments, log=self._log, environment=self._environment) as process:
            process.wait(_PATIENCE_SECONDS)


class BareCelery:
    """One worker with two processes."""

    def __init__(self, bench: Bench, broker_url: str) -> None:
        self._log = bench.folder / "bare_celery.log"
        self._moments = bench.folder / "bare_celery.moments"
        self._environment = {"BROKER_URL": broker_url, "MOMENTS": str(self._moments)}

    def drain(self, count: int) -> float:
        """Queue so many tasks and run them; tasks per second from the first to the last."""
        self._moments.write_bytes(b"")
        with Process(
            ["-m", "benchmarks.peers.bare_celery.fill", str(count)], log=self._log, environment=self._environment
        ) as fill:
            fill.wait(_PATIENCE_SECONDS)
        worker = ["-m", "celery", "-A", "benchmarks.peers.bare_celery.app", "worker", "-c", "2"]
        with Process(worker, log=self._log, environment=self._environment):
            until(lambda: self._moments.stat().st_size >= 8 * count, self._log)
        moments = [moment for (moment,) in struct.iter_unpack("d", self._moments.read_bytes())]
        return count / (max(moments) - min(moments))


@contextlib.contextmanager
def procrastinate(bench: Bench) -> Iterator[Procrastinate]:
    """A fresh procrastinate."""
    with bench.backing.fresh_database("procrastinate") as address:
        yield Procrastinate(bench, address)


@contextlib.contextmanager
def bare_celery(bench: Bench) -> Iterator[BareCelery]:
    """A fresh Celery."""
    with bench.backing.fresh_vhost("bare_celery") as address:
        yield BareCelery(bench, address)


def until(is_done: Callable[[], bool], log: Path) -> float:
    """The moment, by the clock that databases have too, at which something was done; raises TimeoutError."""
    patience = time.monotonic() + _PATIENCE_SECONDS
    while not is_done():
        if time.monotonic() > patience:
            raise TimeoutError(f"not done after {_PATIENCE_SECONDS:.0f} s:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.02)
    return time.time()
