"""Deliveries of a measured site: how many still wait, and how fast they went."""

import time

from benchmarks.site import Site

_WAITING = "SELECT count(*) FROM notifications_delivery WHERE status = 'PENDING' AND url IN ({urls})"
_BEGAN = "SELECT (extract(epoch FROM min(began_at)) * 1000000)::bigint FROM notifications_attempt"
# Deliveries that did not arrive at the first try, or not with one attempt written down.
_ODD = """
SELECT count(*) FROM notifications_delivery AS delivery WHERE url IN ({urls}) AND (status <> 'DELIVERED' OR 1 <> (
    SELECT count(*) FROM notifications_attempt WHERE delivery_id = delivery.id AND status = 204 AND number = 1
))
"""


def url(port: int) -> str:
    """Where a receiver is told."""
    return f"http://127.0.0.1:{port}/jobs/completed"


def forget(site: Site) -> None:
    """Nothing was ever told."""
    site.store.write("TRUNCATE notifications_attempt, notifications_delivery, notifications_event")
    site.store.write(
        "UPDATE notifications_target SET failures = 0, failing_since = NULL, held_until = NULL, claim = NULL, "
        "lease_until = NULL"
    )


def rate(site: Site, ports: list[int], count: int, flaws: list[str], *, seconds: float = 180) -> float:
    """Deliveries per second to these receivers, ``count`` each, from the first call until the last is recorded."""
    places = {"urls": ", ".join(f"'{url(port)}'" for port in ports)}
    until = time.monotonic() + seconds
    while site.store.count(_WAITING.format(**places)):
        if time.monotonic() > until:
            raise TimeoutError(f"deliveries wait after {seconds:g} s\n{site.tail('notifier')}")
        time.sleep(0.02)
    ended = time.time()
    if odd := site.store.count(_ODD.format(**places)):
        flaws.append(f"{odd} deliveries were not brought and written down at the first try")
    return count * len(ports) / (ended - site.store.count(_BEGAN) / 1e6)
