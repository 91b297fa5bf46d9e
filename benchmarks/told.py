"""Deliveries of a measured site: how many still wait, and how fast they went."""

import time

from benchmarks.site import Site

# One of them is enough: counting twenty thousand again and again would cost what is to be measured.
_WAITING = """
SELECT count(*) FROM (
    SELECT 1 FROM notifications_delivery WHERE status = 'PENDING' AND url IN ({urls}) LIMIT 1
) AS one
"""
_LOOK_SECONDS = 0.2
# From the first call until the last is recorded.
_MICROSECONDS = """
SELECT (extract(epoch FROM max(closed_at) - (SELECT min(began_at) FROM notifications_attempt)) * 1000000)::bigint
FROM notifications_delivery WHERE url IN ({urls})
"""
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
        time.sleep(_LOOK_SECONDS)
    if odd := site.store.count(_ODD.format(**places)):
        flaws.append(f"{odd} deliveries were not brought and written down at the first try")
    return count * len(ports) / (site.store.count(_MICROSECONDS.format(**places)) / 1e6)
