"""What tells whether the site is well, for load balancers, Prometheus and the doctor alike."""

import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from celery import current_app
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Count, Min
from django.utils import timezone

from sending.models import Message
from sending.states import Status

_BROKER_SECONDS = 5.0
_CONNECT_SECONDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Messages of one channel in one status. ``seconds``: how long ago the oldest became due, or came there."""

    channel: str
    status: str
    count: int
    seconds: float


def waiting() -> list[Waiting]:
    """All messages that are not closed, and those in doubt: a count and an age per channel and status.

    Each query is answered from a partial index, so that closed messages, however many, cost nothing.
    """
    now = timezone.now()
    found: list[Waiting] = []
    for messages, moment in (
        (Message.objects.waiting(), "due_at"),
        (Message.objects.claimed(), "updated_at"),
        (Message.objects.filter(status=Status.HELD), "updated_at"),
        (Message.objects.uncertain(), "closed_at"),
    ):
        rows = (
            messages.values_list("channel", "status")
            .order_by("channel", "status")
            .annotate(count=Count("id"), oldest=Min(moment))
        )
        found += [
            Waiting(channel=channel, status=status, count=count, seconds=_age(oldest, now))
            for channel, status, count, oldest in rows
        ]
    return found


def oldest_due_seconds() -> float:
    """How long the message that waits longest has been due; 0.0 when none is."""
    now = timezone.now()
    oldest = Message.objects.waiting().filter(due_at__lte=now).aggregate(oldest=Min("due_at"))["oldest"]
    return _age(oldest, now)


def database_failure() -> str:
    """Why the database cannot be asked; "" when it can."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError as error:
        return str(error).strip() or type(error).__name__
    return ""


def broker_failure() -> str:
    """Why the broker cannot be reached; "" when it can. Never waits longer than two seconds."""
    if settings.IS_EMBEDDED_BROKER:
        folder = Path(settings.BROKER_DIR)
        nearest = next(place for place in (folder, *folder.parents) if place.exists())
        return "" if nearest.is_dir() else f"{nearest} is no directory"
    try:
        with current_app.connection_for_write(connect_timeout=_CONNECT_SECONDS, heartbeat=0) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=_CONNECT_SECONDS)
    except Exception as error:
        # Each transport has its own exceptions; whichever it was, the broker cannot be reached.
        return str(error).strip() or type(error).__name__
    return ""


class Remembered:
    """The broker's state, asked at most every five seconds: a probe a second must not open a connection a second."""

    def __init__(self) -> None:
        self._failure = ""
        self._asked_at = float("-inf")

    def broker_failure(self) -> str:
        """As above, up to five seconds old."""
        if time.monotonic() - self._asked_at >= _BROKER_SECONDS:
            self._failure = broker_failure()
            self._asked_at = time.monotonic()
        return self._failure


remembered = Remembered()


def _age(moment: datetime | None, now: datetime) -> float:
    return max(0.0, (now - moment).total_seconds()) if moment else 0.0
