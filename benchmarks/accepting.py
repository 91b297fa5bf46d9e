"""How accepting is measured, whatever the format: flat out beside the peer, then both at half of ours."""

from collections.abc import Callable, Iterator

from benchmarks import letters, load
from benchmarks.bench import Bench
from benchmarks.load import Result, Shot
from benchmarks.measuring import Bar, Figure, alternate
from benchmarks.peers import sides

CONNECTIONS = 8
# Each round has request ids of its own.
ROUND = 10_000_000


def figures(bench: Bench, name: str, shot_for: Callable[[dict[str, str]], Shot]) -> Iterator[Figure]:
    """Throughput as a ratio to the peer's, latency at half the throughput."""
    with bench.site() as site, sides.json_api(bench, site) as peer_port:
        site.start_web()
        shot = shot_for(site.headers())
        note = letters.peer("/notes/")
        seconds = bench.seconds(6, 3)

        def flat_out(port: int, what: Shot, number: int) -> Result:
            return load.closed(
                port=port, shot=what, connections=CONNECTIONS, seconds=seconds, first_number=number * ROUND
            )

        ours, peers = alternate(
            bench.rounds,
            lambda number: flat_out(site.port, shot, number),
            lambda number: flat_out(peer_port, note, number),
        )
        stored = site.store.count("SELECT count(*) FROM sending_message")
        answered = sum(result.statuses[200] for result in ours)
        yield Figure(
            name=name,
            unit="requests/s",
            ours=[result.rate for result in ours],
            peer=[result.rate for result in peers],
            peer_name=sides.JSON_API,
            bar=Bar(value=1.0, stretch=1.5, is_ratio=True),
            flaws=[
                *(flaw for result in (*ours, *peers) for flaw in result.flaws),
                *([f"{stored} stored for {answered} counted answers"] if stored < answered else []),
            ],
        )
        half = sorted(result.rate for result in ours)[len(ours) // 2] / 2

        def at_half(port: int, what: Shot, number: int) -> Result:
            return load.open_loop(port=port, shot=what, rate=half, seconds=seconds, first_number=(50 + number) * ROUND)

        ours, peers = alternate(
            bench.rounds,
            lambda number: at_half(site.port, shot, number),
            lambda number: at_half(peer_port, note, number),
        )
        flaws = [flaw for result in ours for flaw in result.flaws]
        for share, bar in ((0.5, None), (0.99, Bar(value=50, is_ceiling=True))):
            yield Figure(
                name=f"{name}: p{share * 100:.0f} at half that",
                unit="ms",
                ours=[result.latency(share) for result in ours],
                peer=[result.latency(share) for result in peers],
                peer_name=sides.JSON_API,
                bar=bar,
                flaws=flaws,
            )
