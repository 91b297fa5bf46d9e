"""One run of the harness: how thorough it is, which services it uses, and what must be cleaned up after it."""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.backing import Backing
from benchmarks.processes import Process, free_port, wait_for_port
from benchmarks.receivers import Receivers
from benchmarks.sink import Sink
from benchmarks.site import Site

ROOT = Path(__file__).resolve().parent.parent


class Bench:
    """What a measured path is given. ``rounds``: how often each side is measured; medians are taken."""

    def __init__(self, *, is_quick: bool, keeps_files: bool = False) -> None:
        self.is_quick = is_quick
        self.rounds = 1 if is_quick else 3
        self.folder = Path(tempfile.mkdtemp(prefix="hammy-bench-"))
        self.stack = ExitStack()
        if not keeps_files:
            self.stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.backing = Backing.from_environment(os.environ)
        self._count = 0

    def say(self, words: str) -> None:
        """A line of progress, apart from the result."""
        print(f"  {words}", flush=True)

    def seconds(self, thorough: float, quick: float) -> float:
        """How long to load, by how thorough this run is."""
        return quick if self.is_quick else thorough

    @contextmanager
    def site(
        self, *, is_embedded: bool = False, sink: Sink | None = None, receivers: Receivers | None = None
    ) -> Iterator[Site]:
        """A fresh installation of the product; whatever it started is stopped and its database dropped after."""
        with ExitStack() as stack:
            self._count += 1
            yield Site(
                name=f"site{self._count}",
                folder=self.folder,
                stack=stack,
                backing=None if is_embedded else self.backing,
                sink=sink,
                receivers=receivers,
            )

    @contextmanager
    def sink(self) -> Iterator[Sink]:
        """A mail server that takes everything and writes down when."""
        with ExitStack() as stack:
            self._count += 1
            arrivals = self.folder / f"arrivals{self._count}"
            port = free_port()
            stack.enter_context(
                Process(
                    ["-m", "benchmarks.sink", "--port", str(port), "--arrivals", str(arrivals)],
                    log=self.folder / f"sink{self._count}.log",
                )
            )
            wait_for_port(port)
            yield Sink(port=port, arrivals=arrivals)

    @contextmanager
    def receivers(self, count: int, *, hanging: int = 0, status: int = 204) -> Iterator[Receivers]:
        """So many places to be called at, that answer with this status; the last ``hanging`` of them never do."""
        self._count += 1
        log = self.folder / f"receivers{self._count}.log"
        arguments = ["--count", str(count), "--hanging", str(hanging), "--status", str(status)]
        with Process(["-m", "benchmarks.receivers", *arguments], log=log):
            until = time.monotonic() + 30
            while not (said := log.read_text()).endswith("\n"):
                if time.monotonic() > until:
                    raise TimeoutError("the receivers do not listen")
                time.sleep(0.05)
            yield Receivers(ports=json.loads(said), hanging=hanging)
