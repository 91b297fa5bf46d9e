"""The embedded default (SQLite, no service): 500 letters a second with a worker keeping up, then flat out."""

import contextlib
from collections.abc import Iterator

from benchmarks import letters, load
from benchmarks.bench import Bench
from benchmarks.measuring import Bar, Figure
from benchmarks.site import Site

_OFFERED = 500
_PROGRAMS = ("web", "worker", "beat")


def measure(bench: Bench) -> Iterator[Figure]:
    seconds = bench.seconds(20, 6)
    with bench.sink() as sink, bench.site(is_embedded=True, sink=sink) as site:
        site.start_web()
        site.start("worker")
        site.start("beat")
        shot = letters.plain(site.headers())
        load.shots(port=site.port, shot=shot, count=10)
        sink.wait_for(10, 60)
        sink.clear()
        offered = load.open_loop(port=site.port, shot=shot, rate=_OFFERED, seconds=seconds, first_number=1000)
        # What is not sent when the last answer came is the worker's lag behind.
        lag = len(offered.moments) - sink.count
        with contextlib.suppress(TimeoutError):
            sink.wait_for(len(offered.moments), 60)
        left = len(offered.moments) - sink.count
        span = max(answered for _, _, answered in offered.moments) - min(due for _, due, _ in offered.moments)
        yield Figure(
            name="embedded: accepted of 500/s offered",
            unit="requests/s",
            ours=[len(offered.moments) / span],
            bar=Bar(value=0.98 * _OFFERED),
            flaws=offered.flaws,
        )
        yield Figure(name="embedded: p99 of accepting at 500/s", unit="ms", ours=[offered.latency(0.99)])
        yield Figure(
            name="embedded: unsent when the last was accepted",
            unit="mails",
            ours=[float(lag)],
            bar=Bar(value=_OFFERED, is_ceiling=True),
            flaws=[f"{left} of them were not sent within a minute"] if left else [],
        )
        sent_before = sink.count
        flat_out = load.closed(port=site.port, shot=shot, connections=16, seconds=seconds, first_number=1_000_000)
        sent = sink.count - sent_before
        yield Figure(name="embedded: accepts flat out", unit="requests/s", ours=[flat_out.rate], flaws=flat_out.flaws)
        yield Figure(name="embedded: mails sent meanwhile", unit="mails/s", ours=[sent / (seconds + 1)])
        yield Figure(
            name="embedded: answers that failed, flat out",
            unit="answers",
            ours=[float(offered.failed + flat_out.failed)],
            bar=Bar(value=0, is_ceiling=True),
        )
        yield Figure(
            name='embedded: "database is locked" in the logs',
            unit="lines",
            ours=[float(_locked(site))],
            bar=Bar(value=0, is_ceiling=True),
        )


def _locked(site: Site) -> int:
    return sum(site.log(program).read_bytes().count(b"database is locked") for program in _PROGRAMS)
