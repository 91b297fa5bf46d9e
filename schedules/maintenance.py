"""What is done with schedules once in a while."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from jobs.models import Job
from schedules.models import Firing, Schedule

_log = logging.getLogger(__name__)
_BATCH = 1000


def clean() -> None:
    """Once an hour: forget what retention allows."""
    if settings.HAMMY_SCHEDULE_RETENTION_DAYS >= 0:
        before = timezone.now() - timedelta(days=settings.HAMMY_SCHEDULE_RETENTION_DAYS)
        _log.info("retention", extra={"purged_schedules": prune(ended_before=before)})


def _at_work() -> Exists:
    return Exists(Job.objects.open().filter(pk=OuterRef("job_id")))


def _settled() -> QuerySet[Firing]:
    """Firings whose jobs have come to their end."""
    return Firing.objects.filter(~_at_work())


def prune(*, ended_before: datetime, size: int = _BATCH) -> int:
    """Forget schedules that ended before a moment with all their firings, and what was made of the times of others
    before it; how many schedules."""
    total = 0
    at_work = Firing.objects.filter(_at_work(), schedule=OuterRef("pk"))
    old = Schedule.objects.filter(~Exists(at_work), ended_at__lt=ended_before).order_by("ended_at")
    while ids := list(old.values_list("id", flat=True)[:size]):
        with transaction.atomic():
            Firing.objects.filter(schedule__in=ids).delete()
            total += Schedule.objects.filter(id__in=ids).delete()[0]
    passed = _settled().filter(due_at__lt=ended_before).order_by("due_at")
    while ids := list(passed.values_list("id", flat=True)[:size]):
        Firing.objects.filter(id__in=ids).delete()
    return total
