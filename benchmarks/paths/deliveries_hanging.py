"""What 30 receivers are told a second while 20 others leave every call without an answer."""

from collections.abc import Iterator

from benchmarks import told
from benchmarks.bench import Bench
from benchmarks.measuring import Bar, Figure, alternate
from benchmarks.receivers import Receivers
from benchmarks.site import Site

_RECEIVERS, _HANGING = 50, 20


def measure(bench: Bench) -> Iterator[Figure]:
    jobs = 200 if bench.is_quick else 500
    flaws: list[str] = []
    with bench.receivers(_RECEIVERS, hanging=_HANGING) as receivers, bench.site(receivers=receivers) as site:
        site.run_inside("register_receivers", *map(str, receivers.ports))
        ours, peer = alternate(
            bench.rounds,
            lambda _: _bring(site, receivers, jobs, flaws, is_hanging=True),
            lambda _: _bring(site, receivers, jobs, flaws, is_hanging=False),
        )
    yield Figure(
        name="deliveries beside 20 that hang",
        unit="deliveries/s",
        ours=ours,
        peer=peer,
        peer_name="none hangs",
        bar=Bar(value=0.9, is_ratio=True),
        flaws=flaws,
    )


def _bring(site: Site, receivers: Receivers, jobs: int, flaws: list[str], *, is_hanging: bool) -> float:
    told.forget(site)
    hanging = ", ".join(f"'{told.url(port)}'" for port in receivers.ports[-_HANGING:])
    paused = "NULL" if is_hanging else "now()"
    # A target that is paused is not called.
    site.store.write(f"UPDATE notifications_target SET paused_at = {paused} WHERE address IN ({hanging})")
    site.run_inside("end_jobs", str(jobs))
    notifier, beat = site.start("notifier"), site.start("beat")
    rate = told.rate(site, receivers.ports[:-_HANGING], jobs, flaws)
    beat.stop()
    notifier.stop()
    return rate
