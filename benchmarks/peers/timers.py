"""What else does things at a time, as the harness runs it."""

import contextlib
import struct
from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.peers.queues import until
from benchmarks.processes import Process

CELERY_BEAT = "django-celery-beat"
_PATIENCE_SECONDS = 600.0


class CeleryBeat:
    """Beat with the scheduler of django-celery-beat, and one worker with two processes."""

    def __init__(self, bench: Bench, address: str, broker_url: str) -> None:
        self._folder = bench.folder
        self._moments = bench.folder / "celery_beat.moments"
        self._environment = {
            "DATABASE_URL": address,
            "BROKER_URL": broker_url,
            "MOMENTS": str(self._moments),
            "DJANGO_SETTINGS_MODULE": "benchmarks.peers.beat_tasks.settings",
        }
        self._run("migrate", "-m", "django", "migrate", "-v", "0")

    def fire(self, count: int, lead: float) -> float:
        """Have so many tasks due at one moment, ``lead`` seconds from now; seconds from that moment until the last has
        run."""
        self._moments.write_bytes(b"")
        celery = ["-m", "celery", "-A", "benchmarks.peers.beat_tasks.app"]
        with (
            self._process("worker", *celery, "worker", "-c", "2"),
            self._process("beat", *celery, "beat", "--schedule", str(self._folder / "beat"), "--pidfile="),
        ):
            fill = self._folder / "celery_beat-fill.log"
            fill.write_bytes(b"")
            self._run("fill", "-m", "benchmarks.peers.beat_tasks.fill", str(count), str(lead))
            due = float(fill.read_text().split()[-1])
            until(lambda: self._moments.stat().st_size >= 8 * count, self._folder / "celery_beat-beat.log")
        return max(moment for (moment,) in struct.iter_unpack("d", self._moments.read_bytes())) - due

    def _run(self, name: str, *arguments: str) -> None:
        with self._process(name, *arguments) as process:
            process.wait(_PATIENCE_SECONDS)

    def _process(self, name: str, *arguments: str) -> Process:
        return Process(arguments, log=self._folder / f"celery_beat-{name}.log", environment=self._environment)


@contextlib.contextmanager
def celery_beat(bench: Bench) -> Iterator[CeleryBeat]:
    """A fresh django-celery-beat."""
    with bench.backing.fresh_database("celery_beat") as address, bench.backing.fresh_vhost("celery_beat") as broker_url:
        yield CeleryBeat(bench, address, broker_url)
