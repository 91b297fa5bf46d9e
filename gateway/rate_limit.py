"""How many requests a client may make in a minute, counted over all processes in Django's cache.

The window is fixed (a minute of the clock): one counter, two cheap commands, and a Retry-After that is exact,
because at the full minute the client certainly may go on. The price, up to twice the limit in two neighbouring
half minutes, is paid in bursts that the house can take.
"""

import logging
from time import monotonic, time

from django.core.cache import cache

from gateway.errors import Code, Problem, Refusal

_log = logging.getLogger(__name__)
_WINDOW_SECONDS = 60
_outage: dict[str, float] = {}


def check_rate(*, client_id: int, requests_per_minute: int | None) -> None:
    """Count this request; raise 2003 with Retry-After (seconds) when it is one too many. None = unlimited.

    A cache that is down lets requests pass: it must not stop letters.
    """
    if requests_per_minute is None:
        return
    now = time()
    window = int(now // _WINDOW_SECONDS)
    if _count(f"gateway.rate.{client_id}.{window}") > requests_per_minute:
        raise Refusal(
            Problem(
                code=Code.RATE_LIMITED,
                sentence=f"more than {requests_per_minute} requests in a minute, try again later",
            ),
            retry_after=max(1, round((window + 1) * _WINDOW_SECONDS - now)),
        )


def _count(key: str) -> int:
    """How many times this key has been counted, this one included; 0 when the cache cannot say."""
    try:
        cache.add(key, 0, timeout=2 * _WINDOW_SECONDS)
        return cache.incr(key)
    except Exception as error:
        if monotonic() >= _outage.get("quiet_until", 0.0):
            _outage["quiet_until"] = monotonic() + _WINDOW_SECONDS
            _log.warning("the cache cannot count requests, rate limits are off: %s", error)
        return 0
