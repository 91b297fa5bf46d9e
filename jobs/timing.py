"""The times at which a recurring trigger is due, from what its row of Beat's says (values only).

Times of the clock follow daylight saving as Debian's cron does: a time that does not exist that day is due at the
first moment after the gap, one that exists twice is due once, at the first of the two; where the minute or the hour is
a star or a step of it, every moment that fits is due, also in an hour that comes twice. Intervals are elapsed time and
know no daylight saving.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any, Self
from zoneinfo import ZoneInfo

from celery.schedules import ParseException
from cronsim import CronSim, CronSimError

_SHORTEST, _LONGEST = timedelta(seconds=1), timedelta(days=3653)
# Beyond them zones and calendars end, here and in Beat.
_YEARS = range(2000, 2200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Either ``cron`` (five fields) in ``zone``, or ``every`` counted from ``start``; within [start, end)."""

    cron: str = ""
    zone: str = "UTC"
    every: timedelta | None = None
    start: datetime | None = None
    end: datetime | None = None
    is_enabled: bool = True

    @classmethod
    def of(cls, task: Any, *, anchor: datetime) -> Self:
        """Those of a PeriodicTask, an interval without a start counted from ``anchor``. Raises ValueError for what
        cannot be planned: sun, clocked, under a second, dates that never come."""
        window = {"start": task.start_time, "end": task.expires, "is_enabled": task.enabled}
        if task.interval is not None:
            every = task.interval.schedule.run_every
            if every < _SHORTEST:
                raise ValueError("must be at least a second")
            window["start"] = task.start_time or anchor
            return cls(every=every, **window)
        if task.crontab is None:
            raise ValueError("must be a crontab or an interval")
        cron = task.crontab
        try:
            parsed = cron.schedule
        except ParseException as error:
            raise ValueError(str(error)) from error
        fields = [cron.minute, cron.hour]
        # Celery's own reading of days and months, which has names that others do not know.
        for text, values in (
            (cron.day_of_month, parsed.day_of_month),
            (cron.month_of_year, parsed.month_of_year),
            (cron.day_of_week, parsed.day_of_week),
        ):
            fields.append("*" if text == "*" else ",".join(map(str, sorted(values))))
        return cls(cron=" ".join(field.replace(" ", "") for field in fields), zone=str(cron.timezone), **window)

    def check(self) -> None:
        """Raise ValueError for times that cannot be followed, though Celery can read them."""
        for moment in filter(None, (self.start, self.end)):
            if moment.year not in _YEARS:
                raise ValueError(f"must begin and end in the years {_YEARS[0]} to {_YEARS[-1]}")
        if self.every and self.every > _LONGEST:
            raise ValueError("must be at most ten years")
        if not self.every:
            self._simulated(datetime(2000, 1, 1, tzinfo=ZoneInfo(self.zone)))

    def __str__(self) -> str:
        """All that the times depend on, in one line."""
        what = f"every {self.every}" if self.every else f"{self.cron} {self.zone}"
        return f"{what} from {self.start} to {self.end}{'' if self.is_enabled else ' (disabled)'}"

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The times later than ``moment``, in order and in UTC; none when disabled."""
        # Of two local times of one zone Python does not see which of a doubled hour they mean.
        moment = moment.astimezone(UTC)
        if not self.is_enabled:
            return iter(())
        found = _by_interval(moment, self.every, self.start) if self.every and self.start else self._by_clock(moment)
        return takewhile(lambda time: self.end is None or time < self.end, found)

    def _by_clock(self, moment: datetime) -> Iterator[datetime]:
        # The simulation begins after the moment given, and its start may itself be due.
        first = max(moment, self.start - timedelta(microseconds=1)) if self.start else moment
        for local in self._simulated(first.astimezone(ZoneInfo(self.zone))):
            if (time := local.astimezone(UTC)) > moment:
                yield time

    def _simulated(self, moment: datetime) -> CronSim:
        try:
            simulated = CronSim(self.cron, moment)
        except CronSimError as error:
            raise ValueError(f"{self.cron}: {str(error).lower()}") from error
        # As in Celery both the day of the month and the day of the week must fit, not one of them.
        simulated.day_and = True
        return simulated


def _by_interval(moment: datetime, every: timedelta, start: datetime) -> Iterator[datetime]:
    start = start.astimezone(UTC)
    time = start if moment < start else start + ((moment - start) // every + 1) * every
    while True:
        yield time
        time += every
