"""When a schedule is due: from local times, which people mean, to moments, which clocks reach.

A slot is a local time without a zone. In a zone it is one moment: a slot that the zone leaves out is the first moment
after the gap, one that comes twice is the first of the two. On the clocks of all zones one slot is many moments, the
first where the day begins first.
"""

import calendar
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache, lru_cache
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from gateway.dates import zone_names
from schedules.states import Zoning

SLOT = "%Y-%m-%d %H:%M:%S"
# No zone's clock is further from UTC, and none ever was since schedules exist.
_FURTHEST = timedelta(hours=15)
_SECOND = timedelta(seconds=1)
_NOTHING = timedelta()


class Unit(StrEnum):
    """What a frequency counts."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class Single:
    """One slot."""

    time: datetime

    def slots(self, since: datetime) -> Iterator[datetime]:
        """The slots not before ``since``, in order."""
        if self.time >= since:
            yield self.time

    def as_json(self) -> dict[str, Any]:
        return {"time": self.time.strftime(SLOT)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Periodical:
    """``time`` on each ``frequency``-th day, week or month, counted from that of ``start``, within [start, end]; on the
    ``points`` of the week (0 = Monday) or the month (1–31, those it lacks left out)."""

    start: datetime
    end: datetime
    time: time
    unit: Unit
    frequency: int = 1
    points: tuple[int, ...] = ()

    def slots(self, since: datetime) -> Iterator[datetime]:
        """The slots not before ``since``, in order."""
        since = max(since, self.start)
        for day in self._days(since.date()):
            slot = datetime.combine(day, self.time)
            if slot > self.end:
                return
            if slot >= since:
                yield slot

    def _days(self, since: date) -> Iterator[date]:
        """The days on which a slot falls, in order, from the period of ``since`` to that of the end."""
        first, last = self.start.date(), self.end.date()
        match self.unit:
            case Unit.DAY:
                begin = max(0, (since - first).days // self.frequency)
                for index in count(begin):
                    if (day := first + timedelta(days=index * self.frequency)) > last:
                        return
                    yield day
            case Unit.WEEK:
                monday = first - timedelta(days=first.weekday())
                begin = max(0, (since - monday).days // 7 // self.frequency)
                for index in count(begin):
                    if (week := monday + timedelta(weeks=index * self.frequency)) > last:
                        return
                    yield from (week + timedelta(days=point) for point in self.points)
            case Unit.MONTH:
                months = (since.year - first.year) * 12 + since.month - first.month
                for index in count(max(0, months // self.frequency)):
                    year, month = divmod(first.month - 1 + index * self.frequency, 12)
                    year, month = first.year + year, month + 1
                    if date(year, month, 1) > last:
                        return
                    length = calendar.monthrange(year, month)[1]
                    yield from (date(year, month, point) for point in self.points if point <= length)

    def as_json(self) -> dict[str, Any]:
        return {
            "start": self.start.strftime(SLOT),
            "end": self.end.strftime(SLOT),
            "clock": self.time.isoformat(),
            "unit": self.unit,
            "frequency": self.frequency,
            "points": list(self.points),
        }


Times = Single | Periodical


def times_of(data: Mapping[str, Any]) -> Times:
    """What ``as_json`` made."""
    if "time" in data:
        return Single(time=_slot(data["time"]))
    return Periodical(
        start=_slot(data["start"]),
        end=_slot(data["end"]),
        time=time.fromisoformat(data["clock"]),
        unit=Unit(data["unit"]),
        frequency=data["frequency"],
        points=tuple(data["points"]),
    )


def _slot(text: str) -> datetime:
    return datetime.fromisoformat(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A moment (UTC) at which slots are due, each with the zones in which it is that time then; None = the site's."""

    moment: datetime
    slots: tuple[tuple[datetime, frozenset[str] | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Times on somebody's clocks. Slots that had passed on the site's clock at ``since`` are none of it."""

    times: Times
    zoning: Zoning
    site: ZoneInfo
    since: datetime

    def after(self, moment: datetime) -> Due | None:
        """What is due next after ``moment``; None when nothing is any more."""
        # The clocks that are ahead show a slot first.
        earliest = moment.astimezone(UTC).replace(tzinfo=None, microsecond=0) - _FURTHEST
        best: datetime | None = None
        found: list[tuple[datetime, frozenset[str] | None]] = []
        for slot in self._slots(earliest):
            if best is not None and slot.replace(tzinfo=UTC) - _FURTHEST > best:
                break
            for at, zones in self._moments(slot):
                if at <= moment:
                    continue
                if best is None or at < best:
                    best, found = at, []
                if at == best:
                    found.append((slot, zones))
                break
        return None if best is None else Due(moment=best, slots=tuple(found))

    def passed(self, moment: datetime) -> list[tuple[datetime, datetime, frozenset[str]]]:
        """The slots of which some zones' moments had passed by ``moment``, with the last of those moments and all those
        zones: what a plan that begins then comes too late for."""
        late: dict[datetime, tuple[datetime, frozenset[str]]] = {}
        if self.zoning == Zoning.EACH:
            for slot in self._slots(moment.astimezone(UTC).replace(tzinfo=None) - _FURTHEST):
                if slot.replace(tzinfo=UTC) - _FURTHEST > moment:
                    break
                for at, zones in self._moments(slot):
                    if at <= moment:
                        late[slot] = (at, late.get(slot, (at, frozenset()))[1] | (zones or frozenset()))
        return [(slot, at, zones) for slot, (at, zones) in late.items()]

    def _slots(self, since: datetime) -> Iterator[datetime]:
        local = self.since.astimezone(self.site).replace(tzinfo=None)
        # A slot of a gap comes after local times that are later than it, and one of a doubled hour before itself.
        for slot in self.times.slots(max(since, local - timedelta(days=1))):
            if instant(slot, self.site) > self.since:
                yield slot

    def _moments(self, slot: datetime) -> tuple[tuple[datetime, frozenset[str] | None], ...]:
        if self.zoning == Zoning.SITE:
            return ((instant(slot, self.site), None),)
        return waves(slot)


def instant(slot: datetime, zone: ZoneInfo) -> datetime:
    """The moment (UTC) of a slot in a zone."""
    first, second = zone.utcoffset(slot) or _NOTHING, zone.utcoffset(slot.replace(fold=1)) or _NOTHING
    if second <= first:
        return (slot - first).replace(tzinfo=UTC)
    # In a gap, which lies between where the clock after it and the clock before it would have the slot.
    before, behind = (slot - second).replace(tzinfo=UTC), (slot - first).replace(tzinfo=UTC)
    while behind - before > _SECOND:
        middle = before + (behind - before) // 2
        if middle.astimezone(zone).utcoffset() == first:
            before = middle
        else:
            behind = middle
    return behind.replace(microsecond=0)


@lru_cache(maxsize=500)
def waves(slot: datetime) -> tuple[tuple[datetime, frozenset[str] | None], ...]:
    """The moments of a slot round the world, in order, each with the zones that have it then."""
    found: dict[datetime, set[str]] = {}
    for name, zone in _zones().items():
        found.setdefault(instant(slot, zone), set()).add(name)
    return tuple((moment, frozenset(found[moment])) for moment in sorted(found))


@cache
def _zones() -> Mapping[str, ZoneInfo]:
    """The zones there are by their names, kept: read from their files each time they cost twenty times as much."""
    return {name: ZoneInfo(name) for name in zone_names()}
