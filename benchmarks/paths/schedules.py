"""Schedules: a tick that finds nothing, a burst at one second, a lone one, making and listing them."""

import time
from collections.abc import Iterator
from statistics import median

from benchmarks import letters, load, stored_schedules
from benchmarks.bench import Bench
from benchmarks.door import Door
from benchmarks.load import Result, Shot
from benchmarks.measuring import Bar, Figure, alternate, percentile
from benchmarks.peers import sides, timers
from benchmarks.sink import Sink
from benchmarks.site import Site

_SCHEDULES = "/v4/schedules"
_LEAD_SECONDS = 6.0
_APART_SECONDS = 2.0
_CONNECTIONS = 8
_FEW = 100
# Of the site's own client, whose only ones these are.
_MADE = "SELECT count(*) FROM schedules_firing WHERE made <> ''"
# Milliseconds from the moment at which each was due until its letter was there.
_LATENESS = """
SELECT coalesce(string_agg((extract(epoch FROM message.created_at - firing.due_at) * 1000)::int::text, ' '), '')
FROM schedules_firing AS firing JOIN sending_message AS message ON message.id::text = firing.made
"""
_DUE = "SELECT (extract(epoch FROM min(due_at)) * 1000)::bigint FROM schedules_firing"


def measure(bench: Bench) -> Iterator[Figure]:
    stored, burst, alone = (100_000, 2_000, 8) if bench.is_quick else (1_000_000, 10_000, 40)
    with bench.sink() as sink, bench.site(sink=sink) as site, bench.site() as small:
        bench.say(f"storing {stored:,} schedules")
        stored_schedules.store_waiting(site, stored)
        stored_schedules.store_waiting(small, _FEW)
        yield _empty_tick(bench, site, small, stored)
        yield from _burst(bench, site, sink, burst)
        yield from _alone(bench, site, alone)
        site.start_web()
        yield _making(bench, site)
        yield from _listing(bench, site)


def _empty_tick(bench: Bench, large: Site, small: Site, stored: int) -> Figure:
    def cost(site: Site) -> float:
        return median(site.run_inside("tick_schedules", "300"))

    ours, few = alternate(bench.rounds, lambda _: cost(large), lambda _: cost(small))
    return Figure(
        name=f"schedules: empty tick with {stored:,} stored",
        unit="ms",
        ours=ours,
        peer=few,
        peer_name=f"with {_FEW}",
        bar=Bar(value=1.5, is_ratio=True, is_ceiling=True),
    )


def _burst(bench: Bench, site: Site, sink: Sink, count: int) -> Iterator[Figure]:
    flaws: list[str] = []
    mailed: list[float] = []

    def ours() -> float:
        with site.start("worker"), site.start("beat"):
            _warm_up(site)
            sink.clear()
            stored_schedules.store_due(site, count, seconds=_LEAD_SECONDS)
            sink.wait_for(count, 300)
            arrived = max(moment for moment, _, _ in sink.mails()) + time.time() - time.monotonic()
            made = site.store.count(_MADE)
        if made != count or sink.count != count:
            flaws.append(f"{made} letters were made, {sink.count} arrived, of {count}")
        mailed.append(arrived - site.store.count(_DUE) / 1000)
        return max(_lateness(site)) / 1000

    with timers.celery_beat(bench) as peer:
        made, fired = alternate(bench.rounds, lambda _: ours(), lambda _: peer.fire(count, 3 * _LEAD_SECONDS))
    bar = Bar(value=20, is_ceiling=True)
    for what, samples in (("all letters are made", made), ("all are at the mail server", mailed)):
        yield Figure(
            name=f"schedules: {count:,} due at one second until {what}",
            unit="s",
            ours=samples,
            peer=fired,
            peer_name=f"{timers.CELERY_BEAT}, tasks that do nothing",
            bar=bar if samples is made else None,
            flaws=flaws,
        )


def _alone(bench: Bench, site: Site, count: int) -> Iterator[Figure]:
    rounds: list[list[float]] = []
    for _ in range(bench.rounds):
        # Beat looks each second, at another part of it each time it is started.
        with site.start("worker"), site.start("beat"):
            _warm_up(site)
            stored_schedules.store_due(site, count, seconds=2, apart=_APART_SECONDS)
            _wait_made(site, count, 60 + count * _APART_SECONDS)
        rounds.append(_lateness(site))
    for share, bar in ((0.5, Bar(value=1200, is_ceiling=True)), (0.99, None)):
        yield Figure(
            name=f"schedules: p{share * 100:.0f} lateness of a lone one",
            unit="ms",
            ours=[percentile(samples, share) for samples in rounds],
            bar=bar,
        )


def _warm_up(site: Site) -> None:
    """Until worker and beat are there: one that was due is fired, and forgotten again."""
    stored_schedules.forget_own(site)
    stored_schedules.store_due(site, 1, seconds=-1)
    _wait_made(site, 1, 120)
    site.wait_until_settled(60)
    stored_schedules.forget_own(site)


def _wait_made(site: Site, count: int, seconds: float) -> None:
    until = time.monotonic() + seconds
    while (made := site.store.count(_MADE)) < count:
        if time.monotonic() > until:
            raise TimeoutError(f"{count - made} schedules wait\n{site.tail('worker')}")
        time.sleep(0.2)


def _lateness(site: Site) -> list[float]:
    return [float(text) for text in site.store.text(_LATENESS).split()]


def _making(bench: Bench, site: Site) -> Figure:
    site.store.write("UPDATE gateway_apiclient SET max_schedules = 1000000000 WHERE id = 1")
    headers = site.basic_headers()
    day = time.strftime("%Y-%m-%d 12:00:00", time.localtime(time.time() + 30 * 86400))
    trigger = {"single": {"time": day, "zone_type": 1}}
    document = {"name": "reminder", "enabled": True, "trigger": trigger, "push": stored_schedules.push()}
    shot = letters.shot(_SCHEDULES, document, "application/json", headers)
    with sides.json_api(bench, site) as peer_port:

        def flat_out(port: int, what: Shot) -> Result:
            return load.closed(port=port, shot=what, connections=_CONNECTIONS, seconds=bench.seconds(6, 3))

        def ours() -> Result:
            stored_schedules.forget_own(site)
            return flat_out(site.port, shot)

        made, peers = alternate(bench.rounds, lambda _: ours(), lambda _: flat_out(peer_port, letters.peer("/notes/")))
    return Figure(
        name="schedules: made over HTTP",
        unit="requests/s",
        ours=[result.rate for result in made],
        peer=[result.rate for result in peers],
        peer_name=sides.JSON_API,
        flaws=[flaw for result in (*made, *peers) for flaw in result.flaws],
    )


def _listing(bench: Bench, site: Site) -> Iterator[Figure]:
    stored_schedules.forget_own(site)
    stored_schedules.store_due(site, 1000, seconds=86_400)
    door = Door(site, site.basic_headers())
    for page in (1, 20):

        def ask(page: int = page) -> float:
            began = time.perf_counter()
            body = door.get(f"{_SCHEDULES}?page={page}")
            if b'"total_count":1000' not in body:
                raise RuntimeError("not the client's 1,000 schedules")
            return 1000 * (time.perf_counter() - began)

        rounds = [[ask() for _ in range(40)] for _ in range(bench.rounds)]
        yield Figure(
            name=f"schedules: page {page} of 20 listed", unit="ms", ours=[median(samples) for samples in rounds]
        )
