"""R24: when a recurring trigger is due, through the turns of the clock and the calendar."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule

from jobs.timing import Times

_ANCHOR = datetime(2025, 1, 1, tzinfo=UTC)


def _next(after: str, count: int = 3, zone: str = "Europe/Budapest", *, window: Any = None, **fields: str) -> list[str]:
    task = PeriodicTask(crontab=CrontabSchedule(timezone=zone, **fields), **(window or {}))
    times = Times.of(task, anchor=_ANCHOR)
    times.check()
    found = islice(times.after(datetime.fromisoformat(after)), count)
    return [time.astimezone(ZoneInfo(zone)).isoformat() for time in found]


def test_a_time_that_does_not_exist_is_due_at_the_first_moment_after_the_gap() -> None:
    assert _next("2025-03-29T12:00+01:00", minute="30", hour="2") == [
        "2025-03-30T03:00:00+02:00",
        "2025-03-31T02:30:00+02:00",
        "2025-04-01T02:30:00+02:00",
    ]


def test_a_time_that_exists_twice_is_due_once_whenever_it_is_asked() -> None:
    expected = ["2025-10-26T02:30:00+02:00", "2025-10-27T02:30:00+01:00"]
    assert _next("2025-10-25T12:00+02:00", 2, minute="30", hour="2") == expected
    # Between the two: it was due already.
    assert _next("2025-10-26T00:45+00:00", 1, minute="30", hour="2") == expected[1:]
    assert _next("2025-10-26T01:29+00:00", 1, minute="30", hour="2") == expected[1:]


def test_what_is_due_each_half_hour_pauses_in_no_hour() -> None:
    assert _next("2025-10-26T01:40+02:00", 5, minute="*/30", hour="*") == [
        "2025-10-26T02:00:00+02:00",
        "2025-10-26T02:30:00+02:00",
        "2025-10-26T02:00:00+01:00",
        "2025-10-26T02:30:00+01:00",
        "2025-10-26T03:00:00+01:00",
    ]


def test_no_quarter_of_the_doubled_hour_is_passed_over_whichever_zone_it_is_asked_in() -> None:
    times = Times(cron="*/15 * * * *", zone="Europe/Budapest")
    zone = ZoneInfo("Europe/Budapest")
    moment = datetime(2025, 10, 26, 0, 30, tzinfo=UTC)
    found = []
    for _ in range(8):
        # As a time that was found is given back to find the next.
        moment = next(times.after(moment.astimezone(zone)))
        found.append(f"{moment.astimezone(UTC):%H:%M}")
    assert found == ["00:45", "01:00", "01:15", "01:30", "01:45", "02:00", "02:15", "02:30"]


def test_leap_days_month_ends_and_years() -> None:
    leap = {"minute": "0", "hour": "0", "day_of_month": "29", "month_of_year": "2"}
    assert _next("2025-01-01T00:00+01:00", 2, **leap) == ["2028-02-29T00:00:00+01:00", "2032-02-29T00:00:00+01:00"]
    assert _next("2025-01-31T00:00+01:00", 3, minute="0", hour="0", day_of_month="31") == [
        "2025-03-31T00:00:00+02:00",
        "2025-05-31T00:00:00+02:00",
        "2025-07-31T00:00:00+02:00",
    ]
    assert _next("2025-12-31T23:59+01:00", 1, minute="0", hour="0") == ["2026-01-01T00:00:00+01:00"]


def test_day_of_month_and_day_of_week_must_both_fit() -> None:
    assert _next("2025-01-01T00:00+01:00", 2, minute="0", hour="8", day_of_month="13", day_of_week="fri") == [
        "2025-06-13T08:00:00+02:00",
        "2026-02-13T08:00:00+01:00",
    ]


@pytest.mark.parametrize(
    "fields", [{"day_of_month": "31", "month_of_year": "2"}, {"day_of_month": "30,31", "month_of_year": "2"}]
)
def test_dates_that_never_come_are_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="never occurs in month_of_year"):
        _next("2025-01-01T00:00+01:00", minute="0", hour="0", **fields)


def test_start_and_end_bound_the_times_and_the_start_is_one() -> None:
    window = {
        "start_time": datetime(2025, 5, 2, 6, tzinfo=UTC),
        "expires": datetime(2025, 5, 4, 6, tzinfo=UTC),
    }
    assert _next("2025-01-01T00:00+00:00", 9, zone="UTC", window=window, minute="0", hour="6") == [
        "2025-05-02T06:00:00+00:00",
        "2025-05-03T06:00:00+00:00",
    ]


def test_what_is_disabled_is_never_due() -> None:
    assert _next("2025-01-01T00:00+00:00", window={"enabled": False}, minute="0") == []


def _interval(every: int, period: str, **fields: Any) -> Times:
    return Times.of(PeriodicTask(interval=IntervalSchedule(every=every, period=period), **fields), anchor=_ANCHOR)


def test_intervals_are_elapsed_time_counted_from_their_start() -> None:
    times = _interval(25, "minutes")
    found = list(islice(times.after(_ANCHOR + timedelta(minutes=30)), 2))
    assert found == [_ANCHOR + timedelta(minutes=50), _ANCHOR + timedelta(minutes=75)]
    assert next(times.after(_ANCHOR - timedelta(days=1))) == _ANCHOR
    assert next(times.after(_ANCHOR)) == _ANCHOR + timedelta(minutes=25)
    started = _interval(1, "hours", start_time=datetime(2025, 3, 30, 0, 30, tzinfo=UTC))
    assert next(started.after(datetime(2025, 3, 30, 0, 45, tzinfo=UTC))) == datetime(2025, 3, 30, 1, 30, tzinfo=UTC)


def test_intervals_under_a_second_and_the_sun_are_refused() -> None:
    with pytest.raises(ValueError, match="must be at least a second"):
        _interval(10, "microseconds")
    with pytest.raises(ValueError, match="must be a crontab or an interval"):
        Times.of(PeriodicTask(solar=SolarSchedule()), anchor=_ANCHOR)


def test_fields_that_celery_cannot_read_are_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        _next("2025-01-01T00:00+01:00", minute="5,,6")


def test_the_line_of_times_changes_with_all_that_they_depend_on() -> None:
    lines = {
        str(_interval(1, "hours")),
        str(_interval(2, "hours")),
        str(_interval(1, "hours", enabled=False)),
        str(_interval(1, "hours", expires=_ANCHOR)),
        str(_interval(1, "hours", start_time=_ANCHOR + timedelta(seconds=1))),
        str(Times.of(PeriodicTask(crontab=CrontabSchedule(minute="1", timezone="UTC")), anchor=_ANCHOR)),
        str(Times.of(PeriodicTask(crontab=CrontabSchedule(minute="1", timezone="Asia/Tokyo")), anchor=_ANCHOR)),
    }
    assert len(lines) == 7
