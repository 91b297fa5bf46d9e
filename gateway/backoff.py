"""When to try again what failed: later each time, and not before the other side wants it (values only)."""

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# What another side asks for beyond this is not waited for.
LONGEST_RETRY_AFTER = 86_400.0


def backoff(failures: int, *, first: float, cap: float) -> float:
    """Seconds to wait after so many failures: doubling from ``first`` to ``cap``, spread by a fifth each way."""
    return min(cap, first * 2 ** min(failures - 1, 30)) * random.uniform(0.8, 1.2)  # noqa: S311 (no secret)


def asked_wait(header: str, *, now: datetime) -> float:
    """The seconds that a Retry-After (RFC 9110, 10.2.3) asks for, as seconds or a date, within limits; 0 when it says
    neither."""
    header = header.strip()
    if header.isascii() and header.isdigit():
        seconds = float(header[:12])
    else:
        try:
            moment = parsedate_to_datetime(header)
        except (ValueError, TypeError, IndexError, OverflowError):
            return 0.0
        seconds = ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)
