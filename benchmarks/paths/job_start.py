"""From submitting a job until it runs, on a site that does nothing else."""

from collections.abc import Iterator

from benchmarks import stored_jobs
from benchmarks.bench import Bench
from benchmarks.measuring import Bar, Figure, percentile
from benchmarks.peers import queues

_SECONDS_APART = 0.1


def measure(bench: Bench) -> Iterator[Figure]:
    count = 50 if bench.is_quick else 200
    with bench.site() as site:
        starts = site.folder / stored_jobs.STARTS
        starts.touch()

        def run(count: int) -> list[float]:
            starts.write_bytes(b"")
            asked = stored_jobs.submit(site, count, job_class="bench.Noting", seconds=_SECONDS_APART)
            queues.until(lambda: starts.read_bytes().count(b"\n") >= count, site.log("worker"))
            started = [line.split() for line in starts.read_text().splitlines()]
            return [1000 * (float(moment) - asked[int(pk)]) for pk, moment in started]

        site.start("beat")
        site.start("worker")
        run(20)
        rounds = [run(count) for _ in range(bench.rounds)]
    for share, bar in ((0.5, Bar(value=50, is_ceiling=True)), (0.99, None)):
        yield Figure(
            name=f"job start: p{share * 100:.0f} from submit to run",
            unit="ms",
            ours=[percentile(samples, share) for samples in rounds],
            bar=bar,
        )
