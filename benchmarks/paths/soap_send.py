"""One letter per sendMail, fully checked, idempotent and durable, beside a bare Spyne service with one INSERT."""

from collections.abc import Iterator
from dataclasses import replace

from benchmarks import letters, load
from benchmarks.accepting import CONNECTIONS, ROUND
from benchmarks.bench import Bench
from benchmarks.load import Result, Shot
from benchmarks.measuring import Bar, Figure, alternate
from benchmarks.peers import sides


def measure(bench: Bench) -> Iterator[Figure]:
    seconds = bench.seconds(6, 3)
    with bench.site() as site, sides.sending_spyne(bench, site) as peer_port:
        site.start_web()
        shot = letters.soap(site.headers())

        def flat_out(port: int, what: Shot, number: int) -> Result:
            return load.closed(
                port=port, shot=what, connections=CONNECTIONS, seconds=seconds, first_number=number * ROUND
            )

        ours, peers = alternate(
            bench.rounds,
            lambda number: flat_out(site.port, shot, number),
            lambda number: flat_out(peer_port, replace(shot, path="/"), number),
        )
        # A refusal over SOAP is an answer like any other: what was taken is counted where it lies.
        stored = site.store.count("SELECT count(*) FROM sending_message")
        answered = sum(result.statuses[200] for result in ours)
        yield Figure(
            name="sendMail over SOAP",
            unit="requests/s",
            ours=[result.rate for result in ours],
            peer=[result.rate for result in peers],
            peer_name=sides.BARE_SPYNE,
            bar=Bar(value=0.8, is_ratio=True),
            flaws=[
                *(flaw for result in (*ours, *peers) for flaw in result.flaws),
                *([f"{stored} stored for {answered} counted answers"] if stored < answered else []),
            ],
        )
