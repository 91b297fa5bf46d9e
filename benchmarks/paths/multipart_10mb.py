"""Letters with an upload of 10 MB, durable and digested, beside copying the same file and syncing the copy."""

import os
import shutil
from collections.abc import Iterator
from functools import partial
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
    times, numbers, taken = (10 if bench.is_quick else 40), count(), 0
    with bench.site() as site:
        web = site.start_web()
        uploads = [partial(uploader.upload, content=content) for uploader in (Uploader(site), Uploader(site))]
        copies = site.folder / "copies"

        def copy(number: int) -> None:
            _copy(source, copies / str(number))

        def ours(_: int, connections: int) -> float:
            _empty(site.folder / "files" / "blobs")
            return per_second(times, *uploads[:connections], numbers=numbers)

        def peer(_: int, copiers: int) -> float:
            _empty(copies)
            copies.mkdir()
            return per_second(times, *[copy] * copiers, numbers=numbers)

        # The first letters cost what only first ones cost.
        per_second(1, *uploads, numbers=numbers)
        for child in web.children():
            forget_peak(child)
        before = {child: peak_bytes(child) for child in web.children()}
        for connections in (1, 2):
            rates, copied = alternate(
                bench.rounds, partial(ours, connections=connections), partial(peer, copiers=connections)
            )
            taken += times * connections * bench.rounds
            yield Figure(
                name=f"multipart-10mb: {connections} at once",
                unit="MB/s",
                ours=[rate * _SIZE for rate in rates],
                peer=[rate * _SIZE for rate in copied],
                peer_name="copy + fsync",
                bar=Bar(value=0.4, is_ratio=True),
            )
            yield Figure(name=f"multipart-10mb: {connections} at once", unit="requests/s", ours=rates)
        grown = max(peak_bytes(child) - peak for child, peak in before.items())
        stored = site.store.count("SELECT count(*) FROM sending_attachment")
        yield Figure(
            name="multipart-10mb: memory added",
            unit="MB",
            ours=[grown / MEGABYTE],
            bar=Bar(value=5, is_ceiling=True),
            flaws=[] if stored == taken + len(uploads) else [f"{stored} stored of {taken + len(uploads)}"],
        )


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    handle = os.open(target, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
