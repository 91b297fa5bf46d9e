"""What tells whether the site is well, for load balancers, Prometheus and the doctor alike."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from celery import current_app
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.models import Count, Min, OuterRef, Q, Subquery
from django.utils import timezone

from gateway.amqp.consumer import SIGN
from gateway.models import ApiClient
from jobs import states as job_states
from jobs.maintenance import TICK
from jobs.models import Job
from notifications.models import Delivery, Target
from schedules.models import Schedule
from schedules.outlook import OVERDUE_SECONDS
from sending import signing
from sending.channels.base import NotReady
from sending.models import Message, PrintBatch, Subscription
from sending.states import Status

_BROKER_SECONDS = 5.0
_CONNECT_SECONDS = 2
_SUBSCRIPTIONS, _SUBSCRIPTIONS_SECONDS = "vital-signs-subscriptions", 300


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """Jobs of one queue. ``waiting``: not begun, the oldest due for ``seconds``; ``running``: at work or waiting for
    others; ``claimed``: a worker is at them, of which ``silent`` ones had no heartbeat for too long."""

    queue: str
    waiting: int
    seconds: float
    running: int
    claimed: int
    silent: int


def jobs() -> list[Jobs]:
    """The jobs of each queue that have not ended.

    Each query is answered from a partial index, so that those that have, however many, cost nothing.
    """
    now = timezone.now()
    silent_since = now - timedelta(seconds=settings.HAMMY_JOB_LOST_SECONDS)
    by_queue = Job.objects.order_by("queue").values_list("queue")
    waiting_jobs = by_queue.filter(status=job_states.Status.NEW).annotate(count=Count("id"), oldest=Min("due_at"))
    running_jobs = by_queue.filter(status=job_states.Status.RUNNING).annotate(count=Count("id"))
    claimed_jobs = by_queue.filter(claim__isnull=False).annotate(
        count=Count("id"), silent=Count("id", filter=Q(heartbeat_at__lt=silent_since))
    )
    waits = {queue: (count, _age(oldest, now)) for queue, count, oldest in waiting_jobs}
    runs = dict(running_jobs)
    claims = {queue: (count, silent) for queue, count, silent in claimed_jobs}
    found = []
    for queue in job_states.Queue:
        waiting_count, seconds = waits.get(queue, (0, 0.0))
        claimed, silent = claims.get(queue, (0, 0))
        found.append(
            Jobs(
                queue=queue.value,
                waiting=waiting_count,
                seconds=seconds,
                running=runs.get(queue, 0),
                claimed=claimed,
                silent=silent,
            )
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries:
    """What is still to be told: ``waiting`` deliveries, the oldest of those that could be brought due for ``seconds``;
    ``failing`` targets of some of them did not listen when last called."""

    waiting: int
    seconds: float
    failing: int


def deliveries() -> Deliveries:
    """Those that are not closed."""
    now = timezone.now()
    first = Delivery.objects.pending().filter(target=OuterRef("pk")).order_by("due_at", "id").values("due_at")[:1]
    targets = Target.objects.waiting(now)
    oldest = targets.callable(now).annotate(first=Subquery(first)).aggregate(oldest=Min("first"))["oldest"]
    return Deliveries(
        waiting=Delivery.objects.pending().count(),
        seconds=_age(oldest, now),
        failing=Target.objects.with_pending().open().filter(failures__gt=0).count(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedules:
    """Schedules whose time has come, the oldest for ``seconds``; ``overdue`` ones longer ago than anybody waits."""

    due: int
    overdue: int
    seconds: float


def schedules() -> Schedules:
    """Those that nobody has fired yet, from the index of what is due."""
    now = timezone.now()
    due = Schedule.objects.filter(due_at__lte=now)
    late = now - timedelta(seconds=OVERDUE_SECONDS)
    found = due.aggregate(due=Count("id"), overdue=Count("id", filter=Q(due_at__lt=late)), oldest=Min("due_at"))
    return Schedules(due=found["due"], overdue=found["overdue"], seconds=_age(found["oldest"], now))


def subscriptions() -> dict[str, int]:
    """How many browsers each client's pushes reach, counted in an index, and every few minutes only: there may be
    millions."""
    found: dict[str, int] | None = cache.get(_SUBSCRIPTIONS)
    if found is None:
        standing = Subscription.objects.standing().order_by()
        counts = dict(standing.values_list("client_id").annotate(count=Count("id")))
        names = ApiClient.objects.filter(pk__in=counts).values_list("id", "name")
        found = {name: counts[pk] for pk, name in names}
        cache.set(_SUBSCRIPTIONS, found, _SUBSCRIPTIONS_SECONDS)
    return found


def oldest_due_seconds() -> float:
    """How long the message that waits longest has been due; 0.0 when none is."""
    now = timezone.now()
    oldest = Message.objects.waiting().filter(due_at__lte=now).aggregate(oldest=Min("due_at"))["oldest"]
    return _age(oldest, now)


def oldest_print_batch_seconds() -> float:
    """How long ago the oldest print batch that the print house has not yet was opened; 0.0 when there is none."""
    oldest = PrintBatch.objects.filter(handed_over_at=None).aggregate(oldest=Min("opened_at"))["oldest"]
    return _age(oldest, timezone.now())


def tick_seconds() -> float | None:
    """How long ago beat's wake-up of each second was last heard by a worker; None when it never was."""
    heard_at = cache.get(TICK)
    return None if heard_at is None else max(0.0, time.time() - heard_at)


def signing_days() -> float | None:
    """For how many days more the site can sign: 0.0 when it cannot at all, None when it is not to."""
    if not signing.is_configured():
        return None
    try:
        ends_at = signing.current().ends_at
    except NotReady:
        return 0.0
    return (ends_at - timezone.now()) / timedelta(days=1)


def consumer_seconds() -> float | None:
    """How long ago a consumer of queues last said that it is well; None when none ever did."""
    signed_at = cache.get(SIGN)
    return None if signed_at is None else max(0.0, time.time() - signed_at)


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
