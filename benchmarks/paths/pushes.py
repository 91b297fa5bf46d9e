"""Pushes to browsers: encrypted, signed and handed to a push service by two worker processes; a large audience."""

import time
from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.measuring import Bar, Figure, alternate
from benchmarks.site import Site

# From the first hand-over's claim until the last is recorded.
_MICROSECONDS = """
SELECT (extract(epoch FROM max(closed_at) - (
    SELECT min(created_at) FROM sending_messageevent WHERE name = 'SENDING'
)) * 1000000)::bigint FROM sending_message
"""
_OPEN = """
SELECT count(*) FROM (SELECT 1 FROM sending_message WHERE job_id IS NOT NULL AND closed_at IS NULL LIMIT 1) AS one
"""
_FORGET = "TRUNCATE sending_message, sending_messageevent, sending_push, jobs_job, jobs_jobevent CASCADE"


def measure(bench: Bench) -> Iterator[Figure]:
    browsers, audience = (5_000, 100_000) if bench.is_quick else (20_000, 1_000_000)
    flaws: list[str] = []
    with bench.receivers(1, status=201) as receivers, bench.site(receivers=receivers) as site:
        place = f"http://127.0.0.1:{receivers.ports[0]}/push"
        site.run_inside("subscribe_browsers", str(browsers), place)
        ours, peer = alternate(
            bench.rounds,
            lambda _: _bring(site, browsers, flaws),
            lambda _: float(site.run_inside("push_plainly", str(min(browsers, 2000)))),
        )
        site.store.write(_FORGET)
        site.run_inside("subscribe_browsers", str(audience - browsers), place)
        found = site.run_inside("expand_audience")
        if found["told"] != audience:
            flaws.append(f"{found['told']} messages for an audience of {audience}")
    yield Figure(
        name="pushes",
        unit="pushes/s",
        ours=ours,
        peer=peer,
        peer_name="a loop round pywebpush",
        bar=Bar(value=2.0, is_ratio=True),
        flaws=flaws,
    )
    yield Figure(name="pushes, in themselves", unit="pushes/s", ours=ours, bar=Bar(value=1500), flaws=flaws)
    yield Figure(name=f"audience of {audience:,} expanded", unit="messages/s", ours=[found["rate"]], flaws=flaws)
    yield Figure(
        name=f"audience of {audience:,}: memory added by the last nine tenths",
        unit="MB",
        ours=[found["added"]],
        bar=Bar(value=10, is_ceiling=True),
        flaws=flaws,
    )


def _wait(site: Site) -> None:
    """Until no message waits: counting thousands again and again would cost what is to be measured."""
    until = time.monotonic() + 300
    while site.store.count(_OPEN):
        if time.monotonic() > until:
            raise TimeoutError(f"pushes wait after 300 s\n{site.tail('worker')}")
        time.sleep(0.2)


def _bring(site: Site, count: int, flaws: list[str]) -> float:
    site.store.write(_FORGET)
    site.run_inside("push_to_all")
    worker, beat = site.start("worker"), site.start("beat")
    try:
        _wait(site)
    finally:
        beat.stop()
        worker.stop()
    if (sent := site.sent()) != count:
        flaws.append(f"{sent} of {count} pushes were sent")
    return count / (site.store.count(_MICROSECONDS) / 1e6)
