"""Mails built and signed (S/MIME) by one process, and what a plain mail costs."""

from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.measuring import Bar, Figure

_SIZES = (2_000, 200_000)


def measure(bench: Bench) -> Iterator[Figure]:
    count = 200 if bench.is_quick else 2_000
    with bench.site() as site:
        for size in _SIZES:
            found = [site.run_inside("sign_mails", str(count), str(size)) for _ in range(bench.rounds)]
            yield Figure(
                name=f"signatures of bodies of {size:,} bytes",
                unit="signatures/s",
                ours=[one["entity"] for one in found],
                peer=[one["bare"] for one in found],
                peer_name="cryptography's signature alone",
                bar=Bar(value=0.7, is_ratio=True),
            )
            yield Figure(name=f"signed mails of {size:,} bytes", unit="mails/s", ours=[one["signed"] for one in found])
            yield Figure(name=f"plain mails of {size:,} bytes", unit="mails/s", ours=[one["plain"] for one in found])
