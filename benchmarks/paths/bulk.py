"""Letters accepted a thousand per request, each as fully checked as alone, beside post_office's own bulk queueing."""

from collections.abc import Iterator

from benchmarks import letters, load
from benchmarks.accepting import ROUND
from benchmarks.bench import Bench
from benchmarks.filling import BATCH
from benchmarks.measuring import Bar, Figure, alternate
from benchmarks.peers import sides

_CONNECTIONS = 2


def measure(bench: Bench) -> Iterator[Figure]:
    seconds = bench.seconds(8, 4)
    flaws: list[str] = []
    with bench.sink() as sink, bench.site() as site, sides.post_office(bench, sink) as peer:
        site.start_web()
        shot = letters.batch(site.headers(), BATCH)

        def ours(number: int) -> float:
            result = load.closed(
                port=site.port,
                shot=shot,
                connections=_CONNECTIONS,
                seconds=seconds,
                warm_up=0.5,
                first_number=number * ROUND,
            )
            flaws.extend(result.flaws)
            return result.rate * BATCH

        rates, peer_rates = alternate(bench.rounds, ours, lambda _: peer.fill(10 * BATCH))
        asked = sum(rates) * seconds
        stored = site.store.count("SELECT count(*) FROM sending_message")
        if stored < asked:
            flaws.append(f"{stored} stored of {asked:.0f} answered")
        yield Figure(
            name="bulk accept",
            unit="messages/s",
            ours=rates,
            peer=peer_rates,
            peer_name=f"{sides.POST_OFFICE} send_many",
            bar=Bar(value=5000),
            flaws=flaws,
        )
