"""A job ends that 1,000 registrations want to know of: its end with all their deliveries, committed."""

from collections.abc import Iterator

from benchmarks import told
from benchmarks.bench import Bench
from benchmarks.measuring import Bar, Figure

_REGISTRATIONS = 1_000


def measure(bench: Bench) -> Iterator[Figure]:
    samples, flaws = [], []
    with bench.site() as site:
        site.environment["HAMMY_OUTBOUND_NETWORKS"] = "127.0.0.0/8"
        site.run_inside("register_receivers", *["443"] * _REGISTRATIONS)
        for _ in range(5 if bench.is_quick else 20):
            told.forget(site)
            samples.append(1e3 * site.run_inside("end_jobs", "1")["seconds"])
            if (made := site.store.count("SELECT count(*) FROM notifications_delivery")) != _REGISTRATIONS:
                flaws.append(f"{made} deliveries instead of {_REGISTRATIONS}")
    yield Figure(
        name="fan-out to 1,000 registrations",
        unit="ms",
        ours=[max(samples)],
        bar=Bar(value=100.0, is_ceiling=True),
        flaws=flaws,
    )
