"""Letters with an upload of 10 MB, durable and digested, beside copying the same file and syncing the copy."""

import os
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.measuring import Bar, Figure, alternate
from benchmarks.processes import forget_peak, peak_bytes
from benchmarks.uploads import MEGABYTE, Uploader, per_second, random_bytes

_SIZE = 10


def measure(bench: Bench) -> Iterator[Figure]:
    content = random_bytes(_SIZE)
    source = bench.folder / "source"
    source.write_bytes(content)
    times, numbers = (20 if bench.is_quick else 60), count()
    with bench.site() as site:
        web = site.start_web()
        uploader = Uploader(site)
        kept = site.folder / "files"
        copies = site.folder / "copies"

        def ours(_: int) -> float:
            _empty(kept / "blobs")
            return per_second(times, lambda number: uploader.upload(number, content), numbers)

        def peer(_: int) -> float:
            _empty(copies)
            copies.mkdir()
            return per_second(times, lambda number: _copy(source, copies / str(number)), numbers)

        # The first letter costs what only a first one costs.
        uploader.upload(next(numbers), content)
        for child in web.children():
            forget_peak(child)
        before = {child: peak_bytes(child) for child in web.children()}
        our_rates, peer_rates = alternate(bench.rounds, ours, peer)
        grown = max(peak_bytes(child) - peak for child, peak in before.items())
        stored = site.store.count("SELECT count(*) FROM sending_attachment")
        expected = 1 + times * bench.rounds
        yield Figure(
            name="multipart-10mb",
            unit="MB/s",
            ours=[rate * _SIZE for rate in our_rates],
            peer=[rate * _SIZE for rate in peer_rates],
            peer_name="copy + fsync",
            bar=Bar(value=0.5, is_ratio=True),
            flaws=[] if stored == expected else [f"{stored} stored of {expected}"],
        )
        yield Figure(name="multipart-10mb: requests", unit="requests/s", ours=our_rates)
        yield Figure(
            name="multipart-10mb: memory added",
            unit="MB",
            ours=[grown / MEGABYTE],
            bar=Bar(value=5, is_ceiling=True),
        )


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    handle = os.open(target, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
