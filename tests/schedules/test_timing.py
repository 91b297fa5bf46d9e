"""R24: when a schedule is due, through the turns of all clocks and calendars, beside a reckoning minute by minute."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from functools import cache
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schedules.states import Zoning
from schedules.timing import Due, Periodical, Plan, Single, Unit, instant, times_of, waves

BUDAPEST = "Europe/Budapest"
DAY = timedelta(days=1)
ALL_ZONES = frozenset(available_timezones()) - {"localtime"}
# What the world's clocks do oddly: half and whole and double hours, a day left out, quarters, and both ends.
ODD = {
    "America/New_York": ("2026-03-08 02:30:00", "2026-11-01 01:30:00"),
    "Australia/Lord_Howe": ("2026-10-04 02:15:00", "2026-04-05 01:45:00"),
    "Africa/Casablanca": ("2026-03-22 02:30:00", "2026-02-15 02:30:00"),
    "Antarctica/Troll": ("2026-03-29 01:30:00", "2026-10-25 02:30:00"),
    BUDAPEST: ("2026-03-29 02:30:00", "2026-10-25 02:30:00"),
    "Pacific/Apia": ("2011-12-30 12:00:00", "2011-12-31 00:00:00"),
    "Pacific/Chatham": ("2026-09-27 02:50:00", "2026-04-05 03:00:00"),
}


def slot(text: str) -> datetime:
    return datetime.fromisoformat(text)


def plan(times: Any, *, zone: str = BUDAPEST, since: str = "2025-01-01T00:00Z", zoning: Zoning = Zoning.SITE) -> Plan:
    return Plan(times=times, zoning=zoning, site=ZoneInfo(zone), since=slot(since))


def daily(start: str, end: str, clock: str = "09:00:00", **fields: Any) -> Periodical:
    values = {"start": slot(start), "end": slot(end), "time": time.fromisoformat(clock), "unit": Unit.DAY}
    return Periodical(**(values | fields))


def dues(of: Plan, after: datetime | None = None) -> Iterator[Due]:
    """All that is due after a moment, one after the other, as the tick asks for it."""
    moment = after or of.since
    while due := of.after(moment):
        yield due
        moment = due.moment


def local(of: Plan, after: str | None = None, count: int = 100) -> list[str]:
    found = islice(dues(of, slot(after) if after else None), count)
    return [due.moment.astimezone(of.site).isoformat() for due in found]


def said(times: Any) -> list[str]:
    return [f"{one:%Y-%m-%d %H:%M}" for one in islice(times.slots(datetime.min), 1000)]


# ── one slot in one zone ────────────────────────────────────────────────────────────────────────
def first_moment_at_or_past(when: datetime, zone: ZoneInfo) -> datetime:
    """The oracle: the zone's clock is watched, a minute at a time, until it shows the slot or, over a gap, later."""
    moment = when.replace(tzinfo=UTC) - timedelta(hours=27)
    shown = moment.astimezone(zone).replace(tzinfo=None)
    assert shown < when
    while shown < when:
        moment += timedelta(minutes=1)
        shown = moment.astimezone(zone).replace(tzinfo=None)
    return moment


@pytest.mark.parametrize(
    ("zone", "at", "expected"),
    [
        # In a gap: the first moment after it, whatever its width.
        (BUDAPEST, "2026-03-29 02:00:00", "2026-03-29T03:00:00+02:00"),
        (BUDAPEST, "2026-03-29 02:59:59", "2026-03-29T03:00:00+02:00"),
        (BUDAPEST, "2026-03-29 03:00:00", "2026-03-29T03:00:00+02:00"),
        (BUDAPEST, "2026-03-29 01:59:59", "2026-03-29T01:59:59+01:00"),
        ("America/New_York", "2026-03-08 02:30:00", "2026-03-08T03:00:00-04:00"),
        ("Australia/Lord_Howe", "2026-10-04 02:15:00", "2026-10-04T02:30:00+11:00"),
        ("Africa/Casablanca", "2026-03-22 02:30:00", "2026-03-22T03:00:00+01:00"),
        ("Antarctica/Troll", "2026-03-29 01:30:00", "2026-03-29T03:00:00+02:00"),
        ("Pacific/Apia", "2011-12-30 12:00:00", "2011-12-31T00:00:00+14:00"),
        ("Pacific/Chatham", "2026-09-27 02:50:00", "2026-09-27T03:45:00+13:45"),
        # Twice: the first.
        (BUDAPEST, "2026-10-25 02:30:00", "2026-10-25T02:30:00+02:00"),
        ("America/New_York", "2026-11-01 01:30:00", "2026-11-01T01:30:00-04:00"),
        ("Australia/Lord_Howe", "2026-04-05 01:45:00", "2026-04-05T01:45:00+11:00"),
        ("Africa/Casablanca", "2026-02-15 02:30:00", "2026-02-15T02:30:00+01:00"),
        ("Antarctica/Troll", "2026-10-25 02:30:00", "2026-10-25T02:30:00+02:00"),
        ("Pacific/Chatham", "2026-04-05 03:00:00", "2026-04-05T03:00:00+13:45"),
        # And plainly odd.
        ("Asia/Kathmandu", "2026-06-01 00:00:00", "2026-06-01T00:00:00+05:45"),
        ("Pacific/Chatham", "2026-06-01 00:00:00", "2026-06-01T00:00:00+12:45"),
        ("Pacific/Kiritimati", "2026-06-01 00:00:00", "2026-06-01T00:00:00+14:00"),
        ("Etc/GMT+12", "2026-06-01 00:00:00", "2026-06-01T00:00:00-12:00"),
    ],
)
def test_a_slot_is_the_first_moment_at_which_the_clock_shows_it_or_has_passed_over_it(
    zone: str, at: str, expected: str
) -> None:
    found = instant(slot(at), ZoneInfo(zone))
    assert found.astimezone(ZoneInfo(zone)).isoformat() == expected
    if not at.endswith("59"):
        assert found == first_moment_at_or_past(slot(at), ZoneInfo(zone))


@pytest.mark.parametrize(("zone", "around"), [(zone, at) for zone, ats in ODD.items() for at in ats])
def test_each_five_minutes_round_a_turn_of_the_clock_are_the_oracles(zone: str, around: str) -> None:
    for minutes in range(-180, 181, 5):
        at = slot(around) + timedelta(minutes=minutes)
        assert instant(at, ZoneInfo(zone)) == first_moment_at_or_past(at, ZoneInfo(zone)), at


@given(
    zone=st.sampled_from(sorted(ALL_ZONES)),
    at=st.datetimes(min_value=datetime(2024, 1, 1), max_value=datetime(2030, 1, 1)).map(
        lambda one: one.replace(second=0, microsecond=0)
    ),
)
@example(zone="Factory", at=datetime(2026, 1, 1))
def test_any_slot_in_any_zone_is_the_oracles(zone: str, at: datetime) -> None:
    assert instant(at, ZoneInfo(zone)) == first_moment_at_or_past(at, ZoneInfo(zone))


# ── slots ───────────────────────────────────────────────────────────────────────────────────────
def by_hand(times: Periodical) -> list[datetime]:
    """The oracle: each day from start to end is asked whether it counts."""
    first, found = times.start.date(), []
    for number in range((times.end.date() - first).days + 1):
        day = first + timedelta(days=number)
        weeks = (day - (first - timedelta(days=first.weekday()))).days // 7
        months = 12 * (day.year - first.year) + day.month - first.month
        counts = {
            Unit.DAY: number % times.frequency == 0,
            Unit.WEEK: weeks % times.frequency == 0 and day.weekday() in times.points,
            Unit.MONTH: months % times.frequency == 0 and day.day in times.points,
        }
        at = datetime.combine(day, times.time)
        if counts[times.unit] and times.start <= at <= times.end:
            found.append(at)
    return found


@st.composite
def periodicals(draw: st.DrawFn) -> Periodical:
    start = draw(st.datetimes(min_value=datetime(2023, 12, 1), max_value=datetime(2029, 1, 1)))
    unit = draw(st.sampled_from(Unit))
    last = {Unit.DAY: (0, 0), Unit.WEEK: (0, 6), Unit.MONTH: (1, 31)}[unit]
    points = draw(st.sets(st.integers(*last), min_size=1, max_size=4))
    return Periodical(
        start=start.replace(microsecond=0),
        end=start.replace(microsecond=0) + timedelta(seconds=draw(st.integers(1, 366 * 86400))),
        time=draw(st.times()).replace(microsecond=0),
        unit=unit,
        frequency=draw(st.integers(1, 100)),
        points=() if unit == Unit.DAY else tuple(sorted(points)),
    )


@given(times=periodicals(), back=st.integers(-10, 400))
def test_any_repetition_has_the_slots_of_a_calendar_gone_through_day_by_day(times: Periodical, back: int) -> None:
    expected = by_hand(times)
    assert list(times.slots(datetime.min)) == expected
    since = times.end - timedelta(days=back)
    assert list(times.slots(since)) == [one for one in expected if one >= since]
    assert times_of(times.as_json()) == times


@pytest.mark.parametrize("frequency", range(1, 101))
@pytest.mark.parametrize(
    ("unit", "points"), [(Unit.DAY, ()), (Unit.WEEK, (0, 3, 6)), (Unit.MONTH, (1, 29, 31))], ids=str
)
def test_each_frequency_counts_from_the_start(unit: Unit, points: tuple[int, ...], frequency: int) -> None:
    times = daily("2024-02-29 12:00:00", "2025-02-28 12:00:00", unit=unit, points=points, frequency=frequency)
    assert list(times.slots(datetime.min)) == by_hand(times)


def test_both_ends_are_within() -> None:
    times = daily("2026-01-01 09:00:00", "2026-01-03 09:00:00")
    assert said(times) == ["2026-01-01 09:00", "2026-01-02 09:00", "2026-01-03 09:00"]
    times = daily("2026-01-01 09:00:01", "2026-01-03 08:59:59")
    assert said(times) == ["2026-01-02 09:00"]


def test_a_week_that_began_before_the_start_counts_as_the_first_but_its_days_before_it_do_not() -> None:
    # 2026-01-01 is a Thursday.
    times = daily("2026-01-01 00:00:00", "2026-01-31 00:00:00", unit=Unit.WEEK, points=(0, 4), frequency=2)
    assert said(times) == ["2026-01-02 09:00", "2026-01-12 09:00", "2026-01-16 09:00", "2026-01-26 09:00",
                           "2026-01-30 09:00"]  # fmt: skip


def test_days_that_a_month_lacks_are_left_out() -> None:
    times = daily("2027-12-01 00:00:00", "2028-05-31 23:59:59", unit=Unit.MONTH, points=(29, 30, 31))
    assert said(times) == [
        "2027-12-29 09:00", "2027-12-30 09:00", "2027-12-31 09:00",
        "2028-01-29 09:00", "2028-01-30 09:00", "2028-01-31 09:00",
        "2028-02-29 09:00",
        "2028-03-29 09:00", "2028-03-30 09:00", "2028-03-31 09:00",
        "2028-04-29 09:00", "2028-04-30 09:00",
        "2028-05-29 09:00", "2028-05-30 09:00", "2028-05-31 09:00",
    ]  # fmt: skip


@pytest.mark.parametrize("frequency", [12, 24, 100])
def test_months_that_never_have_the_day_come_to_an_end(frequency: int) -> None:
    times = daily("2026-02-01 00:00:00", "2027-01-31 00:00:00", unit=Unit.MONTH, points=(30, 31), frequency=frequency)
    assert said(times) == []
    assert plan(times).after(slot("2026-01-01T00:00Z")) is None


@pytest.mark.parametrize("unit", [Unit.WEEK, Unit.MONTH])
def test_no_points_are_no_slots(unit: Unit) -> None:
    assert said(daily("2026-02-01 00:00:00", "2027-01-31 00:00:00", unit=unit)) == []


# ── on the site's clock ─────────────────────────────────────────────────────────────────────────
def test_a_repetition_keeps_its_local_time_through_gap_and_overlap() -> None:
    spring = plan(daily("2026-03-28 00:00:00", "2026-03-31 00:00:00", "02:30:00"))
    assert local(spring) == ["2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]
    autumn = plan(daily("2026-10-24 00:00:00", "2026-10-27 00:00:00", "02:30:00"))
    assert local(autumn) == ["2026-10-24T02:30:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]
    # Asked within the second of the two hours: it was due already.
    assert local(autumn, "2026-10-25T01:15Z") == ["2026-10-26T02:30:00+01:00"]


def test_year_change() -> None:
    assert local(plan(daily("2026-12-31 00:00:00", "2027-01-01 23:59:59", "00:00:00"))) == [
        "2026-12-31T00:00:00+01:00",
        "2027-01-01T00:00:00+01:00",
    ]


def test_slots_that_had_passed_when_it_was_planned_were_never_meant() -> None:
    times = daily("2026-06-01 00:00:00", "2026-06-04 00:00:00")
    assert local(plan(times, since="2026-06-02T07:00Z"), "2026-01-01T00:00Z") == ["2026-06-03T09:00:00+02:00"]
    assert local(plan(times, since="2026-06-02T06:59:59Z"), "2026-01-01T00:00Z") == [
        "2026-06-02T09:00:00+02:00",
        "2026-06-03T09:00:00+02:00",
    ]


def test_a_slot_of_a_gap_is_still_to_come_when_the_clock_shows_a_later_time_than_before_it() -> None:
    # 01:59:59 becomes 03:00:00: planned a second before, the slot of 02:30 is due a second later.
    times = Single(time=slot("2026-03-29 02:30:00"))
    assert local(plan(times, since="2026-03-29T00:59:59Z")) == ["2026-03-29T03:00:00+02:00"]
    assert local(plan(times, since="2026-03-29T01:00:00Z")) == []


def test_what_is_due_is_asked_for_strictly_after_a_moment() -> None:
    one = plan(Single(time=slot("2026-06-01 09:00:00")))
    at = slot("2026-06-01T07:00Z")
    assert one.after(at - timedelta(microseconds=1)) == Due(moment=at, slots=((slot("2026-06-01 09:00:00"), None),))
    assert one.after(at) is None


# ── on everybody's clock ────────────────────────────────────────────────────────────────────────
def test_the_waves_of_a_slot_are_in_order_and_have_each_zone_once() -> None:
    found = waves(slot("2026-06-01 09:00:00"))
    moments = [moment for moment, _ in found]
    assert moments == sorted(set(moments))
    assert sorted(name for _, zones in found for name in zones or ()) == sorted(ALL_ZONES)
    assert moments[0] == slot("2026-05-31T19:00Z")
    assert moments[-1] == slot("2026-06-01T21:00Z")
    assert "Pacific/Kiritimati" in (found[0][1] or ())
    assert "Etc/GMT+12" in (found[-1][1] or ())


@cache
def _shown_by(zone: str, when: datetime) -> datetime:
    return first_moment_at_or_past(when, ZoneInfo(zone))


@pytest.mark.parametrize("day", ["2026-03-08", "2026-03-29", "2026-10-04", "2026-10-25"])
def test_each_zone_has_its_slot_when_its_own_clock_shows_it_on_days_when_clocks_turn(day: str) -> None:
    at = slot(f"{day} 02:30:00")
    found = {name: moment for moment, zones in waves(at) for name in zones or ()}
    assert found == {name: _shown_by(name, at) for name in ALL_ZONES}


@pytest.mark.parametrize("clock", ["00:00:00", "02:30:00", "12:00:00", "23:59:59"])
def test_each_zone_has_each_slot_once_and_days_interleave(clock: str) -> None:
    # Over Budapest's gap, and so near to each other that the first zones have tomorrow before the last have today.
    times = daily("2026-03-27 00:00:00", "2026-03-31 00:00:00", clock)
    found = list(dues(plan(times, zoning=Zoning.EACH), slot("2026-03-20T00:00Z")))
    assert [due.moment for due in found] == sorted({due.moment for due in found})
    told = [(at, name, due.moment) for due in found for at, zones in due.slots for name in zones or ()]
    slots = list(times.slots(datetime.min))
    assert sorted((at, name) for at, name, _ in told) == sorted((at, name) for at in slots for name in ALL_ZONES)
    assert all(moment == instant(at, ZoneInfo(name)) for at, name, moment in told)
    days = [at for due in found for at, _ in due.slots]
    assert days != sorted(days)


@given(after=st.datetimes(min_value=datetime(2026, 3, 26), max_value=datetime(2026, 4, 1), timezones=st.just(UTC)))
def test_the_next_of_all_moments_is_found_from_any_moment(after: datetime) -> None:
    times = daily("2026-03-27 00:00:00", "2026-03-31 00:00:00", "02:30:00")
    to_come = [(moment, at, zones) for at in times.slots(datetime.min) for moment, zones in waves(at) if moment > after]
    due = plan(times, zoning=Zoning.EACH).after(after)
    if due is None:
        assert to_come == []
    else:
        first = min(moment for moment, _, _ in to_come)
        assert due.moment == first
        assert sorted(due.slots) == sorted((at, zones) for moment, at, zones in to_come if moment == first)


def test_what_had_passed_somewhere_is_told_with_its_zones_and_the_rest_is_to_come() -> None:
    times = Single(time=slot("2026-06-01 09:00:00"))
    one = plan(times, zoning=Zoning.EACH, since="2026-06-01T06:00Z")
    ((at, last, passed),) = one.passed(one.since)
    to_come = [name for due in dues(one) for _, zones in due.slots for name in zones or ()]
    assert at == times.time
    assert sorted([*passed, *to_come]) == sorted(ALL_ZONES)
    assert "Asia/Tokyo" in passed
    assert BUDAPEST in to_come
    assert last == slot("2026-06-01T06:00Z")
    assert instant(at, ZoneInfo("Europe/Istanbul")) == last


def test_nothing_has_passed_of_what_was_over_on_the_sites_own_clock() -> None:
    one = plan(Single(time=slot("2026-06-01 09:00:00")), zoning=Zoning.EACH, since="2026-06-01T08:00Z")
    assert one.passed(one.since) == []
    assert one.after(one.since) is None
