"""What beat looks after each second, and what is done once in a while."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils import timezone

from gateway import wakeups
from jobs.models import Job
from notifications import delivery
from notifications.listening import DELIVER_TASK
from notifications.models import Attempt, Delivery, Event, JobName, Registration, Target
from notifications.states import CLOSED, Status

_log = logging.getLogger(__name__)
_BATCH = 1000


def tick() -> None:
    """Find what is due."""
    if delivery.is_due():
        wakeups.wake(DELIVER_TASK)


def clean() -> None:
    """Once an hour: forget what retention allows, and what belonged to jobs that are gone."""
    if settings.HAMMY_DELIVERY_RETENTION_DAYS >= 0:
        before = timezone.now() - timedelta(days=settings.HAMMY_DELIVERY_RETENTION_DAYS)
        _log.info("retention", extra={"purged_deliveries": prune(closed_before=before)})
    miss_disabled()
    forget_bound()


def miss_disabled() -> int:
    """Close what was made for a target in the moment in which it was disabled; how many deliveries."""
    now = timezone.now()
    left = Delivery.objects.pending().filter(target__disabled_at__lt=now - timedelta(minutes=1))
    return left.update(status=Status.MISSED, reason="the target was disabled", closed_at=now)


def prune(*, closed_before: datetime, size: int = _BATCH) -> int:
    """Forget deliveries closed before a moment with their attempts, and events of that time that nobody waits for; how
    many deliveries."""
    total = 0
    old = Delivery.objects.filter(status__in=sorted(CLOSED), closed_at__lt=closed_before)
    while ids := list(old.values_list("id", flat=True)[:size]):
        Attempt.objects.filter(delivery__in=ids).delete()
        total += Delivery.objects.filter(id__in=ids).delete()[1].get("notifications.Delivery", 0)
    told = Delivery.objects.filter(event=OuterRef("pk"))
    untold = Event.objects.filter(~Exists(told), created_at__lt=closed_before)
    # By number and a portion at a time: whole events are not brought here.
    while ids := list(untold.values_list("id", flat=True)[:size]):
        Event.objects.filter(id__in=ids).delete()
    alive = Job.objects.filter(pk=OuterRef("job_id"))
    JobName.objects.filter(~Exists(alive), ~Exists(Event.objects.filter(job_id=OuterRef("job_id")))).delete()
    return total


def forget_bound() -> int:
    """Registrations of jobs that are gone, once the last delivery came to its end; how many."""
    pending = Delivery.objects.pending().filter(target=OuterRef("target"))
    alive = Job.objects.filter(pk=OuterRef("job_id"))
    left = Registration.objects.filter(~Exists(alive), ~Exists(pending), job_id__isnull=False)
    targets = list(left.values_list("target_id", flat=True))
    count, _ = left.delete()
    Target.objects.filter(id__in=targets).update(disabled_at=timezone.now(), disabled_for="its job is gone")
    return count
