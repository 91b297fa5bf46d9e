"""What is to come: a schedule's next times, and how many fall on each day; bounded, however many there are."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from heapq import merge
from itertools import takewhile

from django.utils import timezone

from gateway.models import ApiClient
from schedules.models import Schedule
from schedules.models.schedule import ScheduleQuerySet, site_zone
from schedules.states import Status, Zoning
from schedules.timing import Due, instant, waves

# So many single times are counted of a day, and so many repeated schedules reckoned with: those due first.
MOST_OF_A_DAY = 10_000
MOST_REPEATED = 2000
# Longer than this nobody waits where beat and a worker run.
OVERDUE_SECONDS = 60.0
_MOMENT = timedelta(microseconds=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """How many times fall on each day of the site's calendar; those of ``cut`` days are more than were counted, and
    with ``is_cut`` there are repeated schedules that were not reckoned with."""

    counts: Counter[date] = field(default_factory=Counter)
    cut: frozenset[date] = frozenset()
    is_cut: bool = False


def next_times(schedule: Schedule, *, count: int) -> list[Due]:
    """The next moments at which a schedule is due, paused or not."""
    found: list[Due] = []
    moment = (schedule.due_at or timezone.now()) - _MOMENT
    while schedule.due_at is not None and len(found) < count and (due := schedule.plan.after(moment)) is not None:
        found.append(due)
        moment = due.moment
    return found


def next_waves(schedule: Schedule) -> list[tuple[datetime, frozenset[str]]]:
    """On everybody's own clock the moments of the next slot that are still to come, each with its zones."""
    due = next_times(schedule, count=1)
    if not due or schedule.zoning != Zoning.EACH:
        return []
    slot, _ = due[0].slots[0]
    return [(moment, zones or frozenset()) for moment, zones in waves(slot) if moment >= due[0].moment]


def outlook(*, first: date, last: date) -> Outlook:
    """Over these days, both included, of what is neither paused nor of an inactive client; from now on."""
    counts: Counter[date] = Counter()
    cut = set()
    ahead = _going_ahead()
    for day in _days(first, last):
        found = _singles(ahead, day)[: MOST_OF_A_DAY + 1].count()
        counts[day] += min(found, MOST_OF_A_DAY)
        if found > MOST_OF_A_DAY:
            cut.add(day)
    repeated, is_cut = _repeated(ahead)
    for schedule in repeated:
        counts.update(slot.date() for slot in _slots(schedule, first, last))
    return Outlook(counts=counts, cut=frozenset(cut), is_cut=is_cut)


def on(day: date, *, most: int) -> Sequence[tuple[datetime, Schedule]]:
    """The first so many times of a day with their schedules, in order."""
    ahead, zone = _going_ahead(), site_zone()
    single = [
        (one.due_at, one)
        for one in _light(_singles(ahead, day)).order_by("due_at", "id").select_related("client")[:most]
        if one.due_at is not None
    ]
    repeated = [(instant(slot, zone), one) for one in _repeated(ahead)[0] for slot in _slots(one, day, day)]
    repeated.sort(key=_by_moment)
    return list(merge(single, repeated, key=_by_moment))[:most]


def _by_moment(item: tuple[datetime, Schedule]) -> tuple[datetime, int]:
    return item[0], item[1].pk


def _days(first: date, last: date) -> Iterator[date]:
    day = max(first, timezone.localdate(timezone=site_zone()))
    while day <= last:
        yield day
        day += _DAY


def _going_ahead() -> ScheduleQuerySet:
    inactive = list(ApiClient.objects.filter(is_active=False).values_list("id", flat=True))
    return Schedule.objects.standing(Status.ACTIVE).exclude(client__in=inactive)


def _singles(ahead: ScheduleQuerySet, day: date) -> ScheduleQuerySet:
    """Of a day; what is late counts as today's."""
    found = ahead.filter(is_repeated=False, due_at__lt=_midnight(day + _DAY))
    return found if day == timezone.localdate(timezone=site_zone()) else found.filter(due_at__gte=_midnight(day))


def _repeated(ahead: ScheduleQuerySet) -> tuple[list[Schedule], bool]:
    rows = _light(ahead.filter(is_repeated=True)).order_by("due_at", "id").select_related("client")
    found = list(rows[: MOST_REPEATED + 1])
    return found[:MOST_REPEATED], len(found) > MOST_REPEATED


def _light(schedules: ScheduleQuerySet) -> ScheduleQuerySet:
    return schedules.defer("push", "trigger")


def _slots(schedule: Schedule, first: date, last: date) -> Iterator[datetime]:
    """Its local times within these days that are still to come."""
    now = timezone.now().astimezone(site_zone()).replace(tzinfo=None)
    # On everybody's own clock today's time may be still to come somewhere.
    since = datetime.combine(now, time.min) if schedule.zoning == Zoning.EACH else now
    until = datetime.combine(last, time.max)
    return takewhile(lambda slot: slot <= until, schedule.when.slots(max(since, datetime.combine(first, time.min))))


def _midnight(day: date) -> datetime:
    return instant(datetime.combine(day, time.min), site_zone()).astimezone(UTC)
