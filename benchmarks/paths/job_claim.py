"""Jobs claimed in batches and ended in sets, each with its event, by one process, with 1,000,000 others stored."""

from collections.abc import Iterator

from benchmarks import stored_jobs
from benchmarks.bench import Bench
from benchmarks.measuring import Bar, Figure

_BATCH = 200


def measure(bench: Bench) -> Iterator[Figure]:
    stored, count = (10_000, 4_000) if bench.is_quick else (1_000_000, 20_000)
    flaws: list[str] = []
    with bench.site() as site:
        bench.say(f"storing {stored:,} jobs")
        stored_jobs.store(site, stored)
        found = []
        for _ in range(bench.rounds):
            found.append(site.run_inside("claim_jobs", str(count), str(_BATCH)))
            if found[-1]["claimed"] != count or found[-1]["moved"] != count:
                flaws.append(f"{found[-1]['claimed']} claimed and {found[-1]['moved']} ended of {count}")
    for name, key, bar in (("claims", "claimRate", Bar(value=10_000)), ("ends in sets", "moveRate", None)):
        yield Figure(
            name=f"job {name}, {_BATCH} at a time",
            unit="jobs/s",
            ours=[one[key] for one in found],
            bar=bar,
            flaws=flaws,
        )
