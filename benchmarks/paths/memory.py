"""Memory of the worker's processes after 10,000 and after 100,000 messages."""

import time
from collections.abc import Iterator

from benchmarks import filling
from benchmarks.bench import Bench
from benchmarks.measuring import Bar, Figure
from benchmarks.processes import Process, resident_bytes
from benchmarks.site import Site


def measure(bench: Bench) -> Iterator[Figure]:
    early, late = (2_000, 10_000) if bench.is_quick else (10_000, 100_000)
    with bench.sink() as sink, bench.site(sink=sink) as site:
        site.start_web()
        headers = site.headers()
        filling.accept(site, headers, late)
        worker = site.start("worker")
        before = _when(site, worker, early)
        after = _when(site, worker, late)
        yield Figure(name=f"memory: worker processes after {early:,}", unit="MB", ours=[sum(before.values()) / 1e6])
        yield Figure(name=f"memory: worker processes after {late:,}", unit="MB", ours=[sum(after.values()) / 1e6])
        yield Figure(
            name="memory: the latter over the former",
            unit="×",
            ours=[sum(after.values()) / sum(before.values())],
            bar=Bar(value=1.05, is_ceiling=True),
            flaws=[] if before.keys() == after.keys() else ["a worker process was replaced meanwhile"],
        )


def _when(site: Site, worker: Process, count: int) -> dict[int, int]:
    """The bytes of each process of the worker once so many messages are sent."""
    until = time.monotonic() + 600
    while (sent := site.sent()) < count:
        if time.monotonic() > until:
            raise TimeoutError(f"{sent} of {count} sent\n{site.tail('worker')}")
        time.sleep(0.25)
    return {pid: resident_bytes(pid) for pid in (worker.pid, *worker.children())}
