"""Letters taken from a queue of RabbitMQ by two consumers and answered there, beside the same letters over REST."""

import time
from collections.abc import Iterator

from benchmarks import letters, load, queueing
from benchmarks.accepting import CONNECTIONS, ROUND
from benchmarks.bench import Bench
from benchmarks.measuring import Bar, Figure, alternate

_CONSUMERS = 2
_REST = "our own REST face, plain JSON"


def measure(bench: Bench) -> Iterator[Figure]:
    count = int(bench.seconds(30_000, 10_000))
    flaws: list[str] = []
    with bench.site() as site, queueing.Client(site) as client:
        site.start_web()
        shot = letters.plain(site.headers())

        def by_queue(number: int) -> float:
            client.fill(count, first=(50 + number) * ROUND)
            consumers = [site.start("consumer") for _ in range(_CONSUMERS)]
            try:
                return client.answered_per_second(count, seconds=180)
            finally:
                for consumer in consumers:
                    consumer.stop()

        def by_rest(number: int) -> float:
            result = load.closed(
                port=site.port,
                shot=shot,
                connections=CONNECTIONS,
                seconds=bench.seconds(6, 3),
                first_number=number * ROUND,
            )
            flaws.extend(result.flaws)
            return result.rate

        began = time.time()
        ours, peer = alternate(bench.rounds, by_queue, by_rest)
        taken = site.store.count("SELECT count(*) FROM sending_message WHERE request_id LIKE 'request-q%'")
        if taken != count * bench.rounds:
            flaws.append(f"{taken} taken of {count * bench.rounds} sent, within {time.time() - began:.0f} s")
        flaws.extend(client.flaws())
        for bar in (Bar(value=5000), Bar(value=2.5, is_ratio=True)):
            yield Figure(
                name="amqp-accept" + (" as a ratio" if bar.is_ratio else ""),
                unit="messages/s",
                ours=ours,
                peer=peer,
                peer_name=_REST,
                bar=bar,
                flaws=flaws,
            )
