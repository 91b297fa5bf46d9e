"""Ends of jobs told to 50 receivers by two notifier processes, signed, every attempt written down."""

from collections.abc import Iterator

from benchmarks import told
from benchmarks.bench import Bench
from benchmarks.measuring import Bar, Figure, alternate
from benchmarks.receivers import Receivers
from benchmarks.site import Site

_RECEIVERS = 50


def measure(bench: Bench) -> Iterator[Figure]:
    jobs = 100 if bench.is_quick else 400
    flaws: list[str] = []
    with bench.receivers(_RECEIVERS) as receivers, bench.site(receivers=receivers) as site:
        site.run_inside("register_receivers", *map(str, receivers.ports))
        ours, peer = alternate(
            bench.rounds,
            lambda _: _bring(site, receivers, jobs, flaws),
            # What was brought lies there still.
            lambda _: float(site.run_inside("post_plainly")),
        )
    yield Figure(
        name="deliveries",
        unit="deliveries/s",
        ours=ours,
        peer=peer,
        peer_name="requests.Session",
        bar=Bar(value=2.0, is_ratio=True),
        flaws=flaws,
    )


def _bring(site: Site, receivers: Receivers, jobs: int, flaws: list[str]) -> float:
    told.forget(site)
    site.run_inside("end_jobs", str(jobs))
    notifier, beat = site.start("notifier"), site.start("beat")
    rate = told.rate(site, receivers.ports, jobs, flaws)
    beat.stop()
    notifier.stop()
    return rate
