"""When no further try is made: after a number of attempts, or at an age (values only)."""

from datetime import datetime, timedelta

from django.conf import settings


def gave_up(*, attempts: int, since: datetime, now: datetime) -> str:
    """Why no further attempt is made after ``attempts``, the first of them ``since``; "" while there is one."""
    if attempts >= settings.HAMMY_RETRY_ATTEMPTS:
        return f"gave up after {attempts} attempts"
    if now - since >= timedelta(seconds=settings.HAMMY_RETRY_AGE_SECONDS):
        return f"gave up after {settings.HAMMY_RETRY_AGE_SECONDS / 86400:g} days"
    return ""
