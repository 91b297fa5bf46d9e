"""A file of recipients imported by one process, and its memory."""

from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.measuring import Bar, Figure


def measure(bench: Bench) -> Iterator[Figure]:
    lines = 100_000 if bench.is_quick else 1_000_000
    with bench.site() as site:
        found = [site.run_inside("import_people", str(lines)) for _ in range(bench.rounds)]
    yield Figure(
        name=f"import of {lines:,} recipients",
        unit="lines/s",
        ours=[one["ours"] for one in found],
        peer=[one["peer"] for one in found],
        peer_name="COPY of the same rows",
        bar=Bar(value=0.3, is_ratio=True),
    )
    yield Figure(
        name=f"import of {lines:,} recipients: most memory",
        unit="MB",
        ours=[one["peak"] for one in found],
        bar=Bar(value=200, is_ceiling=True),
    )
