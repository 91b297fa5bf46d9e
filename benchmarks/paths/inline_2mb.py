"""Letters with 2 MB inline as base64: time and memory of the web server, beside bare decoding of the same text."""

import json
from base64 import b64encode
from collections.abc import Iterator
from itertools import count
from typing import Any

from benchmarks.bench import Bench
from benchmarks.measuring import Bar, Figure, alternate
from benchmarks.processes import forget_peak, peak_bytes
from benchmarks.uploads import MEGABYTE, Uploader, letter_with, per_second, random_bytes


def measure(bench: Bench) -> Iterator[Figure]:
    content = random_bytes(2)
    times, numbers = (50 if bench.is_quick else 200), count()
    with bench.site() as site:
        web = site.start_web()
        uploader = Uploader(site)

        def send(number: int) -> None:
            text = b64encode(b"%016x" % number + content[16:]).decode()
            uploader.send("application/json", json.dumps(letter_with(number, content=text)).encode())

        def peer(_: int) -> dict[str, Any]:
            decoded: dict[str, Any] = site.run_inside("decode_base64", str(times))
            return decoded

        send(next(numbers))
        for child in web.children():
            forget_peak(child)
        before = {child: peak_bytes(child) for child in web.children()}
        rates, decodings = alternate(bench.rounds, lambda _: per_second(times, send, numbers=numbers), peer)
        grown = max(peak_bytes(child) - peak for child, peak in before.items())
        stored = site.store.count("SELECT count(*) FROM sending_attachment")
        expected = 1 + times * bench.rounds
        flaws = [] if stored == expected else [f"{stored} stored of {expected}"]
    yield Figure(
        name="inline-2mb",
        unit="ms",
        ours=[1000 / rate for rate in rates],
        peer=[1000 / decoding["rate"] for decoding in decodings],
        peer_name="bare base64 decoding",
        flaws=flaws,
    )
    yield Figure(
        name="inline-2mb: memory added",
        unit="MB",
        ours=[grown / MEGABYTE],
        peer=[decoding["grown"] / MEGABYTE for decoding in decodings],
        peer_name="bare base64 decoding",
        bar=Bar(value=24, is_ceiling=True),
        flaws=flaws,
    )
