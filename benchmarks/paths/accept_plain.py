"""One letter per request as plain JSON, fully checked, idempotent and durable, beside a bare one-row create."""

from collections.abc import Iterator

from benchmarks import accepting, letters
from benchmarks.bench import Bench
from benchmarks.measuring import Figure


def measure(bench: Bench) -> Iterator[Figure]:
    yield from accepting.figures(bench, "accept-plain", letters.plain)
