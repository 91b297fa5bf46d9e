"""From the answer to the sender until the mail server has the mail, on a site that does nothing else."""

from collections.abc import Iterator

from benchmarks import letters, load
from benchmarks.bench import Bench
from benchmarks.measuring import Bar, Figure, percentile

_PER_SECOND = 10


def measure(bench: Bench) -> Iterator[Figure]:
    count = 50 if bench.is_quick else 200
    rounds: list[list[float]] = []
    flaws: list[str] = []
    with bench.sink() as sink, bench.site(sink=sink) as site:
        site.start_web()
        site.start("beat")
        site.start("worker")
        shot = letters.plain(site.headers(), letters.mail())
        load.shots(port=site.port, shot=shot, count=20)
        sink.wait_for(20, 60)
        for number in range(bench.rounds):
            sink.clear()
            result = load.open_loop(
                port=site.port,
                shot=shot,
                rate=_PER_SECOND,
                seconds=count / _PER_SECOND,
                connections=2,
                first_number=1000 * (number + 1),
            )
            flaws += result.flaws
            sink.wait_for(count, 30)
            arrived = {recipient: moment for moment, _, recipient in sink.mails()}
            # A mail may arrive before its sender has read the answer.
            rounds.append(
                [
                    max(0.0, 1000 * (arrived[f"customer{number:010d}@example.com"] - answered))
                    for number, _, answered in result.moments
                ]
            )
    for share, ceiling in ((0.5, 20), (0.99, 60)):
        yield Figure(
            name=f"latency: p{share * 100:.0f} from answer to mail server",
            unit="ms",
            ours=[percentile(samples, share) for samples in rounds],
            bar=Bar(value=ceiling, is_ceiling=True),
            flaws=flaws,
        )
