"""When to try again what failed: later each time (values only)."""

import random


def backoff(failures: int, *, first: float, cap: float) -> float:
    """Seconds to wait after so many failures: doubling from ``first`` to ``cap``, spread by a fifth each way."""
    return min(cap, first * 2 ** min(failures - 1, 30)) * random.uniform(0.8, 1.2)  # noqa: S311 (no secret)
