"""How many requests a client may make in a minute, counted over all processes in Django's cache.

The window is fixed (a minute of the clock): one counter, two cheap commands, and a Retry-After that is exact,
because at the full minute the client certainly may go on. The price, up to twice the limit in two neighbouring
half minutes, is paid in bursts that the house can take.

A process draws requests from the counter by the share, a 256th of the limit, and spends what it drew without asking
again: the limit is never passed, limits under 512 are exact, and a busy client's counter is asked now and then
instead of each time (it was a third of the cost of taking a letter). What a process drew and did not spend lapses.
"""

import logging
import threading
from time import monotonic, time

from django.core.cache import cache

from gateway.errors import Code, Problem, Refusal

_log = logging.getLogger(__name__)
_WINDOW_SECONDS = 60
_SHARES = 256
_MOST_COUNTERS = 10_000
_outage: dict[str, float] = {}
_lock = threading.Lock()
# By counter: the window, and how many requests of it this process may still let through.
_drawn: dict[str, list[int]] = {}


def check_rate(*, counter: str, requests_per_minute: int | None) -> None:
    """Count this request by the counter of this name; raise 2003 with Retry-After (seconds) when it is one too many.
    None = unlimited.

    A cache that is down lets requests pass: it must not stop letters.
    """
    if requests_per_minute is None:
        return
    now = time()
    window = int(now // _WINDOW_SECONDS)
    with _lock:
        drawn = _drawn.get(counter)
        if drawn is not None and drawn[0] == window and drawn[1] > 0:
            drawn[1] -= 1
            return
    share = max(1, requests_per_minute // _SHARES)
    counted = _count(f"gateway.rate.{counter}.{window}", share)
    granted = min(share, requests_per_minute - (counted - share))
    if granted < 1:
        raise Refusal(
            Problem(
                code=Code.RATE_LIMITED,
                sentence=f"more than {requests_per_minute} requests in a minute, try again later",
            ),
            retry_after=max(1, round((window + 1) * _WINDOW_SECONDS - now)),
        )
    with _lock:
        if len(_drawn) > _MOST_COUNTERS:
            # Counters of addresses come and go.
            _drawn.clear()
        drawn = _drawn.setdefault(counter, [window, 0])
        rest = drawn[1] if drawn[0] == window else 0
        drawn[:] = [window, rest + granted - 1]


def _count(key: str, share: int) -> int:
    """How many requests were drawn from this key, this share included; only ``share`` when the cache cannot say."""
    try:
        cache.add(key, 0, timeout=2 * _WINDOW_SECONDS)
        return int(cache.incr(key, share))
    except Exception as error:
        if monotonic() >= _outage.get("quiet_until", 0.0):
            _outage["quiet_until"] = monotonic() + _WINDOW_SECONDS
            _log.warning("the cache cannot count requests, rate limits are off: %s", error)
        return share
