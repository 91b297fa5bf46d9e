"""When to try again: backoff with jitter, up to a number of attempts and an age (values only)."""

import random
from datetime import datetime, timedelta

from django.conf import settings


def backoff(failures: int, *, first: float, cap: float) -> float:
    """Seconds to wait after so many failures: doubling from ``first`` to ``cap``, spread by a fifth each way."""
    return min(cap, first * 2 ** min(failures - 1, 30)) * random.uniform(0.8, 1.2)  # noqa: S311 (no secret)


def gave_up(*, attempts: int, since: datetime, now: datetime) -> str:
    """Why no further attempt is made after ``attempts``, the first of them ``since``; "" while there is one."""
    if attempts >= settings.HAMMY_RETRY_ATTEMPTS:
        return f"gave up after {attempts} attempts"
    if now - since >= timedelta(seconds=settings.HAMMY_RETRY_AGE_SECONDS):
        return f"gave up after {settings.HAMMY_RETRY_AGE_SECONDS / 86400:g} days"
    return ""
