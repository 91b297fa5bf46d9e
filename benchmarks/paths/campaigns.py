"""A campaign on its way: its letters made, its first mails, what its progress costs."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.measuring import Bar, Figure
from benchmarks.processes import Process, processor_seconds
from benchmarks.sink import Sink
from benchmarks.site import Site
from benchmarks.stores import ServerStore

_NEWEST = "SELECT coalesce(max(id), 0) FROM sending_message"
_MADE = "SELECT count(*) FROM sending_message WHERE id > {}"
# When the last letter was made, in milliseconds since 1970.
_LAST = "SELECT (extract(epoch FROM max(created_at)) * 1000)::bigint FROM sending_message"
_WARMING = 500
# So many that its letters are made by jobs of their own.
_WATCHED = 12_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """A campaign measured: letters made a second, processor time for a letter in µs, milliseconds until a mail."""

    made: float
    workers: float
    database: float
    first_mail: float = 0.0


def measure(bench: Bench) -> Iterator[Figure]:
    people = 20_000 if bench.is_quick else 100_000
    with bench.sink() as sink, bench.site(sink=sink) as site:
        yield from _progress(bench, site, sink)
        worker = site.start("worker")
        site.start("beat")
        alone, sent, flaws = [], [], []
        # What a site does first is slower: connections, templates, plans.
        _campaign(site, worker, _WARMING)
        _settle(site, sink, _WARMING)
        for _ in range(bench.rounds):
            sent.append(_campaign(site, worker, people, sink=sink))
            flaws += _settle(site, sink, people)
        for _ in range(bench.rounds):
            # Letters of another day: nothing is sent meanwhile.
            alone.append(_campaign(site, worker, people, days=1))
    name = f"campaign of {people:,}"
    yield from _figures(f"{name}, nothing sent", alone)
    yield from _figures(f"{name}, workers sending meanwhile", sent, flaws, bar=Bar(value=10_000))
    yield Figure(
        name=f"{name}: from the start until the first mail is there",
        unit="ms",
        ours=[run.first_mail for run in sent],
        bar=Bar(value=2000, is_ceiling=True),
        flaws=flaws,
    )


def _figures(
    name: str, runs: list[_Run], flaws: list[str] | None = None, *, bar: Bar | None = None
) -> Iterator[Figure]:
    more = flaws or []
    yield Figure(name=f"{name}: letters made", unit="letters/s", ours=[run.made for run in runs], bar=bar, flaws=more)
    yield Figure(name=f"{name}: workers' time for one", unit="µs", ours=[run.workers for run in runs], flaws=more)
    yield Figure(name=f"{name}: database's time for one", unit="µs", ours=[run.database for run in runs], flaws=more)


def _campaign(site: Site, worker: Process, people: int, *, days: int = 0, sink: Sink | None = None) -> _Run:
    """A campaign until its letters are made; with ``sink`` until all mails are there, too."""
    assert isinstance(site.store, ServerStore)
    workers, database = processor_seconds(worker.children()), processor_seconds(site.store.backends())
    newest = site.store.count(_NEWEST)
    started = site.run_inside("start_campaign", str(people), *([str(days)] if days else []))
    _wait(site, _MADE.format(newest), people)
    first_mail = 0.0
    if sink is not None:
        sink.wait_for(people, 900)
        arrived = min(moment for moment, _, _ in sink.mails()) + time.time() - time.monotonic()
        first_mail = 1000 * (arrived - started["began"])
    return _Run(
        made=people / (site.store.count(_LAST) / 1000 - started["began"]),
        workers=1e6 * _since(workers, worker.children()) / people,
        database=1e6 * _since(database, site.store.backends()) / people,
        first_mail=first_mail,
    )


def _since(before: Mapping[int, float], pids: Iterable[int]) -> float:
    return sum(seconds - before.get(pid, 0.0) for pid, seconds in processor_seconds(pids).items())


def _settle(site: Site, sink: Sink, people: int) -> list[str]:
    """Wait for the end of a campaign; what was wrong with it."""
    sink.wait_for(people, 600)
    site.wait_until_settled(120)
    recipients = {recipient for _, _, recipient in sink.mails()}
    flaws = [] if len(recipients) == sink.count == people else [f"{sink.count} mails to {people} people"]
    sink.clear()
    return flaws


def _progress(bench: Bench, site: Site, sink: Sink) -> Iterator[Figure]:
    found = [site.run_inside("campaign_progress", str(_WATCHED)) for _ in range(bench.rounds)]
    yield Figure(
        name=f"campaign of {_WATCHED:,}, made and sent by one process: share of its processor time for its progress",
        unit="%",
        ours=[one["share"] for one in found],
        bar=Bar(value=2, is_ceiling=True),
        flaws=[flaw for one in found for flaw in one["flaws"]],
    )
    sink.clear()


def _wait(site: Site, question: str, count: int) -> None:
    until = time.monotonic() + 600
    while (made := site.store.count(question)) < count:
        if time.monotonic() > until:
            raise TimeoutError(f"{made} of {count} letters are made\n{site.tail('worker')}")
        time.sleep(0.1)
