"""10,000 accepted mails of 2 KB to the mail server by two worker processes, beside django-post_office."""

from collections.abc import Iterator

from benchmarks import filling
from benchmarks.bench import Bench
from benchmarks.measuring import Bar, Figure, alternate
from benchmarks.peers import sides


def measure(bench: Bench) -> Iterator[Figure]:
    count = 2000 if bench.is_quick else 10_000
    flaws: list[str] = []
    with bench.sink() as sink, bench.site(sink=sink) as site, sides.post_office(bench, sink) as peer:
        site.start_web()
        headers = site.headers()

        def ours(number: int) -> float:
            filling.accept(site, headers, count, first_number=number)
            sink.clear()
            worker = site.start("worker")
            sink.wait_for(1, 60)
            ended = site.wait_until_settled(300)
            worker.stop()
            mails = sink.mails()
            if (came := len({recipient for _, _, recipient in mails})) != count or len(mails) != count:
                flaws.append(f"{len(mails)} mails came to {came} of {count} recipients")
            return count / (ended - mails[0][0])

        def peers(_number: int) -> float:
            peer.fill(count)
            return peer.drain(count)

        our_rates, peer_rates = alternate(bench.rounds, ours, peers)
        yield Figure(
            name="drain",
            unit="mails/s",
            ours=our_rates,
            peer=peer_rates,
            peer_name=sides.POST_OFFICE,
            bar=Bar(value=2.0, stretch=3.0, is_ratio=True),
            flaws=flaws,
        )
