"""A tight loop that reports its progress at each step, beside the same loop that says nothing."""

from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.measuring import Bar, Figure

# What is added up in a step, and what that takes about.
_STEPS = ((1_200, "10 µs"), (10_000, "100 µs"))
# A pair of loops lasts about a tenth of a second.
_LOOP_WORK = 6_000_000


def measure(bench: Bench) -> Iterator[Figure]:
    seconds = bench.seconds(10, 3)
    with bench.site() as site:
        for work, words in _STEPS:
            found = [
                site.run_inside("report_progress", str(_LOOP_WORK // work), str(work), str(seconds))
                for _ in range(bench.rounds)
            ]
            steps = _LOOP_WORK // work
            yield Figure(
                name=f"job progress at each step of {words}",
                unit="µs/step",
                ours=[1e6 * told / steps for one in found for told in one["telling"]],
                peer=[1e6 * alone / steps for one in found for alone in one["silent"]],
                peer_name="in silence",
                bar=Bar(value=1.02, is_ratio=True, is_ceiling=True),
            )
