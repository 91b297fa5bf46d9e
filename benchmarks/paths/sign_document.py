"""PDF documents signed (PAdES) by one process and the one that prepares them."""

from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.measuring import Bar, Figure

_PAGES = (1, 100)


def measure(bench: Bench) -> Iterator[Figure]:
    count = 20 if bench.is_quick else 200
    with bench.site() as site:
        for pages in _PAGES:
            found = [site.run_inside("sign_documents", str(count), str(pages)) for _ in range(bench.rounds)]
            yield Figure(
                name=f"signed documents of {pages} pages",
                unit="documents/s",
                ours=[one["ours"] for one in found],
                peer=[one["bare"] for one in found],
                peer_name="pyHanko, the key in the process that reads",
                bar=Bar(value=1.0, is_ratio=True),
            )
