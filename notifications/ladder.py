"""When a call that failed is made again (contract webhook_practice): values only."""

import random
from datetime import datetime

from gateway.backoff import asked_wait

# Seconds after each failure; with the first call about 75 hours in all.
STEPS = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
_SPREAD = 0.2
_RETRY_AFTER_STATUSES = frozenset({429, 503})
# Answers that say something of the target as a whole, not of what it was told.
_BUSY_STATUSES = frozenset({408, 425, 429})


def next_wait(failures: int, *, asked: float = 0.0) -> float | None:
    """Seconds until the next try after so many failures of one delivery, never sooner than the target ``asked``; None
    when there is no further try."""
    if failures > len(STEPS):
        return None
    return max(STEPS[failures - 1] * random.uniform(1 - _SPREAD, 1 + _SPREAD), asked)  # noqa: S311 (no secret)


def retry_after(status: int | None, header: str, *, now: datetime) -> float:
    """The seconds that a 429 or 503 asks to be left alone; 0 when it does not."""
    return asked_wait(header, now=now) if status in _RETRY_AFTER_STATUSES else 0.0


def is_of_target(status: int | None) -> bool:
    """Whether a failure is likely to meet whatever else goes to the same target: no answer, too busy, broken."""
    return status is None or status in _BUSY_STATUSES or status >= 500
