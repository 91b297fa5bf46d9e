"""The most memory of a web server that finds jobs, of a process that forgets a fifth: of 1,000,000 and of 10,000."""

from collections.abc import Iterator

from benchmarks import stored_jobs
from benchmarks.bench import Bench
from benchmarks.door import JOBS, Door
from benchmarks.measuring import Bar, Figure
from benchmarks.processes import peak_bytes
from benchmarks.site import Site

_FEW = 10_000
_FIFTH_DAYS = 365 * 4 / 5


def measure(bench: Bench) -> Iterator[Figure]:
    many = 100_000 if bench.is_quick else 1_000_000
    found: dict[int, float] = {}
    pruned: dict[int, float] = {}
    flaws: list[str] = []
    for count in (_FEW, many):
        with bench.site() as site:
            bench.say(f"storing {count:,} jobs")
            stored_jobs.store(site, count, has_open=False)
            found[count] = _find(site, count)
            forgetting = site.run_inside("prune_jobs", str(_FIFTH_DAYS))
            pruned[count] = forgetting["peakBytes"] / 1e6
            left = site.store.count("SELECT count(*) FROM jobs_job")
            if left + forgetting["pruned"] != count or abs(forgetting["pruned"] - count / 5) > count / 1000:
                flaws.append(f"{forgetting['pruned']} forgotten and {left} left of {count}")
            bench.say(f"{forgetting['pruned']:,} forgotten in {forgetting['seconds']:.1f} s")
    for name, peaks in (("finding", found), ("forgetting a fifth", pruned)):
        yield Figure(
            name=f"job memory: {name}, {many:,} stored",
            unit="MB",
            ours=[peaks[many]],
            peer=[peaks[_FEW]],
            peer_name=f"with {_FEW:,}",
            bar=Bar(value=1.05, is_ratio=True, is_ceiling=True),
            flaws=flaws,
        )


def _find(site: Site, count: int) -> float:
    """Megabytes of the larger process of the web server after pages from everywhere, small ones and the largest."""
    web = site.start_web()
    # A connection stays with the process that took it.
    for _ in range(8):
        door = Door(site)
        for offset in range(0, count, count // 20):
            door.get(f"{JOBS}?offset={offset}&statuses=FINISHED")
            door.get(f"{JOBS}?offset={offset}&limit=1000")
    peak = max(peak_bytes(pid) for pid in web.children()) / 1e6
    web.stop()
    return peak
