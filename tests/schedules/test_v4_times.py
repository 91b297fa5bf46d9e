"""The times of a schedule: every form that is none, and what those that are taken mean."""

from datetime import datetime
from typing import Any

import pytest

from tests.schedules.v4_calls import PUSH, V4, body, error, freeze, rows

pytestmark = pytest.mark.django_db
# On the site's clock; the site is in Budapest, which is an hour ahead of UTC then.
NOW = "2026-03-10 12:00:00"
SOON = datetime(2026, 3, 10, 12, 30)
PERIODICAL: dict[str, Any] = {
    "start": "2026-03-11 00:00:00", "end": "2026-06-11 00:00:00", "time": "12:00:00", "time_unit": "day",
    "frequency": 1,
}  # fmt: skip
_TIME = "must be a time as 2026-02-15 13:16:59"
_FORM = f"{_TIME} (yyyy-mm-dd hh:mm:ss)"
_CLOCK = "must be a time of the day as 13:16:59"
_KINDS = "must be an object with exactly one of single, periodical, intelligent"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> V4:
    freeze(monkeypatch, NOW)
    return V4()


def periodical(**overrides: Any) -> dict[str, Any]:
    return {"periodical": {name: value for name, value in (PERIODICAL | overrides).items() if value is not ...}}


def refused(api: V4, **overrides: Any) -> str:
    """Why such a schedule is not taken, which leaves nothing."""
    before = rows()
    status, code, message = error(api.call("POST", data=body(SOON, **overrides)))
    assert (status, code) == (400, 28100)
    assert rows() == before
    return message


@pytest.mark.parametrize(
    "time",
    [
        "2026-4-15 13:16:59", "2026-04-5 13:16:59", "2026-04-15 3:16:59", "2026-04-15 13:16", "2026-04-15", "13:16:59",
        "2026-04-15T13:16:59", "2026-04-15 13:16:59 ", " 2026-04-15 13:16:59", "2026-04-15  13:16:59",
        "2026-04-15 13:16:59.000", "2026-04-15 13:16:59Z", "2026-04-15 13:16:59+01:00", "2026/04/15 13:16:59",
        "15-04-2026 13:16:59", "٢٠٢٦-٠٤-١٥ ١٣:١٦:٥٩", "2026-04-15 13:16:59\n",
        "2026-04-15\u00a013:16:59", "+2026-04-15 1:16:59",
        "-2026-04-15 13:16:59", "12026-04-15 13:16:59", "20260415 131659", "now", "NOW", "tomorrow", "", "x" * 5000,
        None, 1776252619, 1776252619.5, True, [], {}, ["2026-04-15 13:16:59"],
    ],
)  # fmt: skip
def test_a_time_has_the_one_form(api: V4, time: Any) -> None:
    assert refused(api, trigger={"single": {"time": time, "zone_type": 1}}) == f"trigger.single.time: {_FORM}"


@pytest.mark.parametrize(
    "time",
    [
        "2026-02-29 10:00:00", "2026-13-01 10:00:00", "2026-00-10 10:00:00", "2026-04-31 10:00:00",
        "2026-04-00 10:00:00",
        "2026-04-15 24:00:00", "2026-04-15 23:60:00", "2026-04-15 23:59:60", "0000-01-01 00:00:00",
    ],
)  # fmt: skip
def test_a_time_must_exist_in_the_calendar(api: V4, time: str) -> None:
    assert refused(api, trigger={"single": {"time": time}}) == f"trigger.single.time: {_TIME}, and there is no {time}"


@pytest.mark.parametrize(
    ("time", "sentence"),
    [
        ("2026-03-10 12:00:00", f"must be in the future; it is {NOW} now (Europe/Budapest)"),
        ("2026-03-10 11:59:59", f"must be in the future; it is {NOW} now (Europe/Budapest)"),
        ("2022-11-23 19:20:00", f"must be in the future; it is {NOW} now (Europe/Budapest)"),
        ("0001-01-01 00:00:00", f"must be in the future; it is {NOW} now (Europe/Budapest)"),
        ("2027-03-10 12:00:01", "must be at most a year ahead"),
        ("9999-12-31 23:59:59", "must be at most a year ahead"),
    ],
)
def test_a_time_lies_within_the_year_to_come(api: V4, time: str, sentence: str) -> None:
    assert refused(api, trigger={"single": {"time": time}}) == f"trigger.single.time: {sentence}"
    assert (
        refused(api, trigger={"intelligent": {"backup_time": time}}) == f"trigger.intelligent.backup_time: {sentence}"
    )


@pytest.mark.parametrize("time", ["2026-03-10 12:00:01", "2027-03-10 12:00:00", "2026-12-31 23:59:59"])
def test_the_first_and_the_last_second_of_the_year_to_come_are_taken(api: V4, time: str) -> None:
    assert api.create(SOON, trigger={"single": {"time": time}}).times == {"time": time}


def test_a_leap_day_is_at_most_a_year_ahead_of_the_first_of_march(monkeypatch: pytest.MonkeyPatch) -> None:
    freeze(monkeypatch, "2027-03-01 09:00:00")
    assert V4().create(SOON, trigger={"single": {"time": "2028-02-29 10:00:00"}}).times["time"] == "2028-02-29 10:00:00"
    freeze(monkeypatch, "2028-02-29 09:00:00")
    api = V4()
    api.create(SOON, trigger={"single": {"time": "2029-03-01 09:00:00"}})
    assert refused(api, trigger={"single": {"time": "2029-03-01 09:00:01"}}) == (
        "trigger.single.time: must be at most a year ahead"
    )


def test_a_time_that_the_clock_leaves_out_is_the_next_there_is(api: V4) -> None:
    # R24: on 29 March 2026 it is 03:00 in Budapest where it was to be 02:00.
    left_out = api.create(SOON, trigger={"single": {"time": "2026-03-29 02:30:00"}})
    doubled = api.create(SOON, trigger={"single": {"time": "2026-10-25 02:30:00"}})
    assert [one.due_at and one.due_at.isoformat() for one in (left_out, doubled)] == [
        "2026-03-29T01:00:00+00:00", "2026-10-25T00:30:00+00:00",
    ]  # fmt: skip


@pytest.mark.parametrize("value", ["1", "", 1.0, 1.5, True, False, [], {}, [1]])
def test_a_zone_type_is_a_whole_number(api: V4, value: Any) -> None:
    told = refused(api, trigger={"single": {"time": "2026-03-10 12:30:00", "zone_type": value}})
    assert told == "trigger.single.zone_type: must be a whole number"
    assert refused(api, trigger=periodical(zone_type=value)) == "trigger.periodical.zone_type: must be a whole number"


@pytest.mark.parametrize(
    ("zone_type", "push", "zoning"),
    [
        (1, PUSH, "SITE"), (..., PUSH, "SITE"), (None, PUSH, "SITE"), (0, PUSH, "SITE"), (3, PUSH, "SITE"),
        (-1, PUSH, "SITE"), (10**30, PUSH, "SITE"), (2, PUSH, "EACH"), (2, ..., "SITE"),
    ],
)  # fmt: skip
def test_two_is_everybodys_own_clock_and_any_other_number_the_sites(
    api: V4, zone_type: Any, push: Any, zoning: str
) -> None:
    times = {"time": "2026-03-12 12:30:00"} | ({} if zone_type is ... else {"zone_type": zone_type})
    made = api.create(SOON, trigger={"single": times}, **({} if push is ... else {"push": push}))
    assert made.zoning == zoning
    assert api.call("GET", f"/v4/schedules/{made.uuid}").json()["trigger"] == {"single": times}


@pytest.mark.parametrize(
    ("overrides", "due_at"),
    [
        ({}, "2026-03-11T11:00:00"),
        ({"frequency": ...}, "2026-03-11T11:00:00"),
        ({"time_unit": "DAY", "point": []}, "2026-03-11T11:00:00"),
        ({"time_unit": "Week", "point": ["SUN", "mon"]}, "2026-03-15T11:00:00"),
        ({"time_unit": "WEEK", "point": "FRI"}, "2026-03-13T11:00:00"),
        ({"time_unit": "month", "point": ["31", "01"]}, "2026-03-31T10:00:00"),
        ({"time_unit": "month", "frequency": 3, "point": ["01"]}, "2026-06-01T10:00:00"),
        ({"start": "2026-03-01 00:00:00"}, "2026-03-11T11:00:00"),
        ({"time": "12:00:01", "start": "2026-03-01 00:00:00"}, "2026-03-10T11:00:01"),
    ],
)
def test_times_come_again_and_again(api: V4, overrides: Any, due_at: str) -> None:
    made = api.create(SOON, trigger=periodical(**overrides))
    assert (made.is_repeated, made.due_at and made.due_at.isoformat()) == (True, f"{due_at}+00:00")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"start": ...}, ".start: required"),
        ({"end": ...}, ".end: required"),
        ({"time": ...}, ".time: required"),
        ({"time_unit": ...}, ".time_unit: required"),
        ({"start": "2026-3-11 00:00:00"}, f".start: {_FORM}"),
        ({"end": "2026-06-31 00:00:00"}, f".end: {_TIME}, and there is no 2026-06-31 00:00:00"),
        ({"time": "12:00"}, f".time: {_CLOCK} (HH:mm:ss)"),
        ({"time": "9:00:00"}, f".time: {_CLOCK} (HH:mm:ss)"),
        ({"time": "12:00:00 "}, f".time: {_CLOCK} (HH:mm:ss)"),
        ({"time": "١٢:٠٠:٠٠"}, f".time: {_CLOCK} (HH:mm:ss)"),
        ({"time": 120000}, f".time: {_CLOCK} (HH:mm:ss)"),
        ({"time": "24:00:00"}, f".time: {_CLOCK}, and there is no 24:00:00"),
        ({"time": "12:60:00"}, f".time: {_CLOCK}, and there is no 12:60:00"),
        ({"time_unit": "year"}, ".time_unit: must be one of day, week, month"),
        ({"time_unit": "hour"}, ".time_unit: must be one of day, week, month"),
        ({"time_unit": 1}, ".time_unit: must be one of day, week, month"),
        ({"frequency": 0}, ".frequency: must be at least 1"),
        ({"frequency": 101}, ".frequency: must be at most 100"),
        ({"frequency": "1"}, ".frequency: must be a whole number"),
        ({"frequency": True}, ".frequency: must be a whole number"),
        ({"frequency": 1.0}, ".frequency: must be a whole number"),
        ({"point": ["MON"]}, ".point: not together with time_unit day"),
        ({"time_unit": "week"}, ".point: must be one or more of MON to SUN with time_unit week"),
        ({"time_unit": "week", "point": []}, ".point: must be one or more of MON to SUN with time_unit week"),
        ({"time_unit": "week", "point": ["01"]}, ".point: must be one or more of MON to SUN with time_unit week"),
        ({"time_unit": "week", "point": ["MON", 1]}, ".point: must be one or more of MON to SUN with time_unit week"),
        ({"time_unit": "week", "point": [["MON"]]}, ".point: must be one or more of MON to SUN with time_unit week"),
        ({"time_unit": "month", "point": ["1"]}, ".point: must be one or more of 01 to 31 with time_unit month"),
        ({"time_unit": "month", "point": ["32"]}, ".point: must be one or more of 01 to 31 with time_unit month"),
        ({"time_unit": "month", "point": [1]}, ".point: must be one or more of 01 to 31 with time_unit month"),
        ({"time_unit": "week", "point": ["MON"] * 8}, ".point: must be at most 7"),
        ({"time_unit": "month", "point": ["01"] * 32}, ".point: must be at most 31"),
        ({"end": "2026-03-11 00:00:00"}, ".end: must be after start"),
        ({"end": "2026-03-10 23:59:59"}, ".end: must be after start"),
        ({"end": "2027-03-11 00:00:01"}, ".end: must be at most a year after start"),
        ({"start": "2027-03-10 12:00:01", "end": "2027-04-10 12:00:00"}, ".start: must be at most a year ahead"),
        ({"start": "9999-01-01 00:00:00", "end": "9999-12-31 23:59:59"}, ".start: must be at most a year ahead"),
        ({"start": "0001-01-01 00:00:00", "end": "0001-12-31 00:00:00"},
         ": no time is left: none between now, or start, and end fits"),
        ({"start": "2026-03-01 00:00:00", "end": "2026-03-10 12:00:00"},
         ": no time is left: none between now, or start, and end fits"),
        ({"end": "2026-03-11 11:59:59"}, ": no time is left: none between now, or start, and end fits"),
        ({"start": "2026-04-01 00:00:00", "end": "2026-04-30 00:00:00", "time_unit": "month", "point": ["31"]},
         ": no time is left: none between now, or start, and end fits"),
        ({"until": "x"}, ".until: unknown field"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_repeated_times_is_said_at_its_place(api: V4, overrides: Any, message: str) -> None:
    assert refused(api, trigger=periodical(**overrides)) == f"trigger.periodical{message}"


@pytest.mark.parametrize(
    ("trigger", "message"),
    [
        ({"hourly": {}}, f"trigger.hourly: unknown field; {_KINDS}"),
        ({"single": {"time": "2026-03-10 12:30:00"}, "x" * 5000: None},
         f"trigger.{'x' * 100}: unknown field; {_KINDS}"),
        ({"single": []}, "trigger.single: must be an object"),
        ({"single": "2026-03-10 12:30:00"}, "trigger.single: must be an object"),
        ({"single": {"zone_type": 1}}, "trigger.single.time: required"),
        ({"single": {"time": "2026-03-10 12:30:00", "zone": 1}}, "trigger.single.zone: unknown field"),
        ({"intelligent": {"backup_time": "Now"}},
         f'trigger.intelligent.backup_time: must be "now" or a time as {_FORM[18:]}'),
        ({"intelligent": {"zone_type": 1}}, "trigger.intelligent.backup_time: required"),
    ],
)  # fmt: skip
def test_a_trigger_is_one_of_the_known(api: V4, trigger: Any, message: str) -> None:
    assert refused(api, trigger=trigger) == message


def test_an_intelligent_time_is_its_backup_time(api: V4) -> None:
    later = api.create(SOON, trigger={"intelligent": {"backup_time": "2026-03-10 12:30:00"}})
    now = api.create(SOON, trigger={"intelligent": {"backup_time": "now"}})
    assert [one.due_at and one.due_at.isoformat() for one in (later, now)] == [
        "2026-03-10T11:30:00+00:00", "2026-03-10T11:00:02+00:00",
    ]  # fmt: skip
    assert now.trigger == '{"intelligent":{"backup_time":"now"}}'
