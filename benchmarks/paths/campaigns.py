"""Recipients imported, and a campaign on its way: its letters made, its first mails, what its progress says."""

import time
from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.measuring import Bar, Figure
from benchmarks.site import Site

_MADE = "SELECT count(*) FROM sending_message"
# From the first letter's moment to the last one's, in milliseconds.
_MAKING = "SELECT (extract(epoch FROM max(created_at)) * 1000)::bigint FROM sending_message"
_FORGET = "TRUNCATE sending_message, sending_messageevent, jobs_job, jobs_jobevent CASCADE"


def measure(bench: Bench) -> Iterator[Figure]:
    lines, people = (100_000, 20_000) if bench.is_quick else (1_000_000, 100_000)
    with bench.sink() as sink, bench.site(sink=sink) as site:
        yield from _importing(bench, site, lines)
        site.start("worker")
        site.start("beat")
        made: list[float] = []
        first: list[float] = []
        flaws: list[str] = []
        for _ in range(bench.rounds):
            sink.clear()
            started = site.run_inside("start_campaign", str(people))
            _wait(site, people)
            made.append(people / (site.store.count(_MAKING) / 1000 - started["began"]))
            sink.wait_for(people, 600)
            arrived = min(moment for moment, _, _ in sink.mails()) + time.time() - time.monotonic()
            first.append(1000 * (arrived - started["began"]))
            site.wait_until_settled(120)
            if len({recipient for _, _, recipient in sink.mails()}) != people or sink.count != people:
                flaws.append(f"{sink.count} mails to {people} people")
            site.store.write(_FORGET)
    yield Figure(
        name=f"campaign of {people:,}: letters made, workers sending meanwhile",
        unit="letters/s",
        ours=made,
        bar=Bar(value=10_000),
        flaws=flaws,
    )
    yield Figure(
        name=f"campaign of {people:,}: from the start until the first mail is there",
        unit="ms",
        ours=first,
        bar=Bar(value=2000, is_ceiling=True),
        flaws=flaws,
    )


def _importing(bench: Bench, site: Site, lines: int) -> Iterator[Figure]:
    found = [site.run_inside("import_people", str(lines)) for _ in range(bench.rounds)]
    yield Figure(
        name=f"import of {lines:,} recipients",
        unit="lines/s",
        ours=[one["ours"] for one in found],
        peer=[one["peer"] for one in found],
        peer_name="COPY of the same rows",
        bar=Bar(value=0.3, is_ratio=True),
    )
    yield Figure(
        name=f"import of {lines:,} recipients: most memory",
        unit="MB",
        ours=[one["peak"] for one in found],
        bar=Bar(value=200, is_ceiling=True),
    )


def _wait(site: Site, count: int) -> None:
    until = time.monotonic() + 600
    while (made := site.store.count(_MADE)) < count:
        if time.monotonic() > until:
            raise TimeoutError(f"{made} of {count} letters are made\n{site.tail('worker')}")
        time.sleep(0.1)
