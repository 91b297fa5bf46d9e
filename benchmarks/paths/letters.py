"""Printed letters of one page, from accepted to lying in the spool, beside bare Typst setting the same page."""

import json
from collections.abc import Iterator
from typing import Any

from benchmarks import letters, load
from benchmarks.bench import Bench
from benchmarks.measuring import Bar, Figure, alternate
from benchmarks.site import Site

_MICROSECONDS = (
    "SELECT (extract(epoch FROM {}(created_at)) * 1000000)::bigint FROM sending_messageevent WHERE name = '{}'"
)
_FIRST, _LAST = _MICROSECONDS.format("min", "SENDING"), _MICROSECONDS.format("max", "SENT")
_EMPTY = "TRUNCATE sending_message, sending_messageevent, sending_printitem, sending_printbatch CASCADE"


def measure(bench: Bench) -> Iterator[Figure]:
    count = 500 if bench.is_quick else 2000
    flaws: list[str] = []
    with bench.site() as site:
        site.start_web()
        headers = site.headers()

        def ours(number: int) -> float:
            site.store.write(_EMPTY)
            _accept(site, headers, count, number)
            worker = site.start("worker")
            beat = site.start("beat")
            site.wait_until_settled(300)
            beat.stop()
            worker.stop()
            site.manage("close_print_batch")
            if (listed := _listed(site)) != count:
                flaws.append(f"the manifests list {listed} of {count} letters")
            return count / ((site.store.count(_LAST) - site.store.count(_FIRST)) / 1e6)

        def peers(_number: int) -> float:
            return float(site.run_inside("set_pages", str(count), "2"))

        our_rates, peer_rates = alternate(bench.rounds, ours, peers)
    yield Figure(
        name="letters",
        unit="letters/s",
        ours=our_rates,
        peer=peer_rates,
        peer_name="bare Typst, two processes",
        bar=Bar(value=100),
        flaws=flaws,
    )


def _printed(number: str = letters.NUMBER) -> dict[str, Any]:
    """A letter that fills most of a page."""
    content = letters.letter(number, letters.body_of(1500))
    return content | {"channel": "POST", "letterType": "NORMAL", "recipientPostalAddress": "1117 Budapest, Fő utca 1."}


def _accept(site: Site, headers: dict[str, str], count: int, number: int) -> None:
    size = min(500, count)
    shot = letters.batch(headers, size, content=_printed)
    result = load.shots(port=site.port, shot=shot, count=count // size, first_number=number * 1_000_000)
    if site.waiting() != count:
        raise RuntimeError(f"{site.waiting()} of {count} letters were taken: {result.flaws or result.complaint}")


def _listed(site: Site) -> int:
    """How many different letters the newest manifests list."""
    manifests = (site.folder / "spool").glob("*/*/manifest.json")
    return len({item["messageId"] for path in manifests for item in json.loads(path.read_text())["items"]})
