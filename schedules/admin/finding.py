"""Finding schedules by what people have at hand, over indexes only."""

from uuid import UUID

from django.db import connection
from django.db.models import Q

from schedules.models import Schedule
from schedules.models.schedule import ScheduleQuerySet

_FEW = 1000
# Sorts after every character a name may hold.
_LAST = "\U0010ffff"


def find(schedules: ScheduleQuerySet, words: str) -> ScheduleQuerySet:
    """The schedule with this UUID, or those whose name begins with ``words``; all of them when there are no words."""
    words = words.strip().replace("\x00", "")
    if not words:
        return schedules
    wanted = _begins(words)
    if (uuid := _uuid(words)) is not None:
        wanted |= Q(uuid=uuid)
    # Few are named one by one, or planners walk the whole list looking for them.
    ids = list(Schedule.objects.filter(wanted).order_by().values_list("id", flat=True)[: _FEW + 1])
    return schedules.filter(wanted) if len(ids) > _FEW else schedules.filter(pk__in=ids)


def _uuid(words: str) -> UUID | None:
    try:
        return UUID(words)
    except ValueError:
        return None


def _begins(prefix: str) -> Q:
    """A prefix as each database can use its index for it."""
    if connection.vendor == "postgresql":
        return Q(name__startswith=prefix)
    return Q(name__gte=prefix, name__lt=prefix + _LAST)
