"""R23–R25: what becomes of a schedule's times when nobody looked, nobody may, or the clocks themselves are changed."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from jobs.models import Job
from schedules import firing
from schedules.models import Firing, Schedule
from schedules.timing import waves
from sending.models import Message, Push, Subscription
from tests.schedules.running import Clock, clock_of, daily, decided, once, tick, told
from tests.schedules.v4_calls import PUSH, V4, body

pytestmark = pytest.mark.django_db
JUNE = "2026-06-0{} 09:00:00"
TO_ALL = PUSH | {"to": "all"}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    set_to = clock_of(monkeypatch)
    set_to("2026-05-31T12:00Z")
    return set_to


@pytest.fixture
def api(clock: Clock) -> V4:
    return V4()


def make(api: V4, trigger: dict[str, Any], **overrides: Any) -> Schedule:
    answer = api.call("POST", data=body(datetime.now(), trigger=trigger, **overrides))
    assert answer.status_code == 200, answer.content
    return Schedule.objects.get(uuid=answer.json()["schedule_id"])


def subscribe(api: V4, *zones: str) -> None:
    for zone in zones:
        Subscription.objects.create(client=api.client, registration_id=zone or "none", time_zone=zone)


def live_through(clock: Clock, schedule: Schedule) -> list[str]:
    """Who is told, when the clock goes from one of its moments to the next until it ends."""
    while schedule.due_at is not None:
        clock(schedule.due_at)
        tick()
        schedule.refresh_from_db()
    return told()


# ── lateness ────────────────────────────────────────────────────────────────────────────────────
def test_a_time_is_not_fired_a_moment_before_it(api: V4, clock: Clock) -> None:
    make(api, once(JUNE.format(1)))
    clock("2026-06-01T06:59:59.999Z")
    tick()
    assert (decided(), Message.objects.count()) == ([], 0)
    clock("2026-06-01T07:00Z")
    tick()
    assert (decided(), Message.objects.count()) == ([(JUNE.format(1), "FIRED")], 1)


@pytest.mark.parametrize(("late", "decision"), [(60, "FIRED"), (60.5, "LATE")])
def test_a_time_is_made_up_for_as_long_as_the_limit_says(
    api: V4, clock: Clock, settings: Any, late: float, decision: str
) -> None:
    settings.HAMMY_SCHEDULE_LATE_SECONDS = 60.0
    schedule = make(api, once(JUNE.format(1)))
    clock("2026-06-01T07:00Z")
    clock(schedule.due_at + timedelta(seconds=late))  # type: ignore[operator]
    tick()
    schedule.refresh_from_db()
    assert (decided(), schedule.status) == ([(JUNE.format(1), decision)], "ENDED")
    assert Message.objects.count() == Job.objects.count() == (decision == "FIRED")
    if decision == "LATE":
        assert Firing.objects.get().reason == "nobody looked in time: 60 s late, at most 60 s"


def test_each_of_many_missed_times_is_told_and_the_one_within_the_limit_is_fired(api: V4, clock: Clock) -> None:
    schedule = make(api, daily("2026-06-01 00:00:00", "2026-09-30 00:00:00"))
    clock("2026-08-31T07:20Z")
    tick()
    known = decided()
    assert len(known) == 92
    assert known[0] == (JUNE.format(1), "LATE")
    assert [one for one in known if one[1] != "LATE"] == [("2026-08-31 09:00:00", "FIRED")] == known[-1:]
    assert Message.objects.count() == 1
    schedule.refresh_from_db()
    assert (schedule.due_at.isoformat(), schedule.status) == ("2026-09-01T07:00:00+00:00", "ACTIVE")  # type: ignore[union-attr]


def test_a_look_that_takes_long_goes_on_where_it_was(api: V4, clock: Clock, settings: Any) -> None:
    make(api, daily("2026-06-01 00:00:00", "2026-06-09 00:00:00"))
    settings.HAMMY_WAKE_SECONDS = 0
    clock("2026-06-30T00:00Z")
    looks = 1
    while firing.work():
        looks += 1
    assert looks > 1
    assert len(decided()) == 8


# ── who may not ─────────────────────────────────────────────────────────────────────────────────
def test_what_passes_while_it_is_paused_is_gone_and_what_comes_after_is_not(api: V4, clock: Clock) -> None:
    schedule = make(api, daily("2026-06-01 00:00:00", "2026-06-03 23:00:00"))
    api.call("PUT", f"/v4/schedules/{schedule.uuid}", {"enabled": False})
    clock("2026-06-02T07:00Z")
    tick()
    api.call("PUT", f"/v4/schedules/{schedule.uuid}", {"enabled": True})
    clock("2026-06-03T07:00Z")
    tick()
    assert decided() == [(JUNE.format(1), "PAUSED"), (JUNE.format(2), "PAUSED"), (JUNE.format(3), "FIRED")]
    assert Message.objects.count() == 1


def test_an_inactive_clients_times_pass(api: V4, clock: Clock) -> None:
    make(api, once(JUNE.format(1)))
    api.client.is_active = False
    api.client.save()
    clock("2026-06-01T07:00Z")
    tick()
    assert (decided(), Job.objects.count()) == ([(JUNE.format(1), "CLIENT_INACTIVE")], 0)


def test_a_repetition_ends_by_its_end(api: V4, clock: Clock) -> None:
    schedule = make(api, daily("2026-06-01 00:00:00", "2026-06-02 09:00:00"))
    live_through(clock, schedule)
    clock("2026-06-03T07:00Z")
    tick()
    assert decided() == [(JUNE.format(1), "FIRED"), (JUNE.format(2), "FIRED")]
    assert schedule.status == "ENDED"
    assert api.call("PUT", f"/v4/schedules/{schedule.uuid}", {"name": "more"}).status_code == 404


# ── on everybody's own clock ────────────────────────────────────────────────────────────────────
def test_where_it_is_past_the_time_for_long_it_is_told_and_where_for_less_it_is_made_up_for(
    api: V4, clock: Clock
) -> None:
    subscribe(api, "Asia/Tokyo", "Europe/Istanbul", "Europe/Budapest", "America/New_York")
    # 08:30 in Budapest, 09:30 in Istanbul, 15:30 in Tokyo.
    clock("2026-06-01T06:30Z")
    schedule = make(api, once(JUNE.format(1), 2), push=TO_ALL)
    (past,) = Firing.objects.all()
    assert past.decision == "ZONES_PAST"
    assert "Asia/Tokyo" in (past.zones or [])
    assert "Europe/Istanbul" not in (past.zones or [])
    tick()
    assert told() == ["Europe/Istanbul"]
    assert live_through(clock, schedule) == ["Europe/Istanbul", "Europe/Budapest", "America/New_York"]
    assert schedule.status == "ENDED"


def test_a_wave_that_reaches_nobody_has_no_job(api: V4, clock: Clock) -> None:
    subscribe(api, "Europe/Budapest")
    schedule = make(api, once("2026-06-02 09:00:00", 2), push=TO_ALL)
    assert live_through(clock, schedule) == ["Europe/Budapest"]
    found = Firing.objects.exclude(decision="NOBODY")
    assert [one.wave for one in found] == ["2026-06-02T07:00:00Z"]
    # Two jobs: the firing's, and the push's below it.
    assert (Job.objects.count(), Push.objects.count()) == (2, 1)
    (first, *_) = Firing.objects.order_by("id")
    passed = waves(datetime(2026, 6, 2, 9))[0][1] or ()
    reason = f"there is nobody in these {len(passed)} zones"
    assert (first.decision, first.reason, first.zones) == ("NOBODY", reason, None)


def test_who_says_no_zone_is_in_the_sites(api: V4, clock: Clock) -> None:
    subscribe(api, "", "Etc/GMT+12")
    schedule = make(api, once("2026-06-02 09:00:00", 2), push=TO_ALL)
    assert live_through(clock, schedule) == ["none", "Etc/GMT+12"]


def test_who_changes_zones_between_two_waves_is_told_once(api: V4, clock: Clock) -> None:
    subscribe(api, "Asia/Tokyo", "America/New_York")
    schedule = make(api, once("2026-06-02 09:00:00", 2), push=TO_ALL)
    clock("2026-06-02T00:00Z")
    tick()
    assert told() == ["Asia/Tokyo"]
    Subscription.objects.filter(registration_id="Asia/Tokyo").update(time_zone="America/New_York")
    schedule.refresh_from_db()
    assert live_through(clock, schedule) == ["Asia/Tokyo", "America/New_York"]


def test_the_next_days_slot_tells_everybody_again(api: V4, clock: Clock) -> None:
    subscribe(api, "Pacific/Kiritimati", "Etc/GMT+12")
    schedule = make(
        api, daily("2026-06-02 00:00:00", "2026-06-03 23:00:00", "23:00:00", zone_type=2), push=TO_ALL
    )  # fmt: skip
    expected = ["Pacific/Kiritimati", "Pacific/Kiritimati", "Etc/GMT+12", "Etc/GMT+12"]
    assert live_through(clock, schedule) == expected


def test_a_letter_knows_but_the_sites_clock(api: V4, clock: Clock) -> None:
    schedule = make(api, once(JUNE.format(1), 2))
    assert (schedule.zoning, schedule.asked_zoning) == ("SITE", "EACH")
    live_through(clock, schedule)
    assert decided() == [(JUNE.format(1), "FIRED")]


# ── clocks that are set ─────────────────────────────────────────────────────────────────────────
def test_r23_a_clock_that_is_set_back_an_hour_fires_nothing_again(api: V4, clock: Clock) -> None:
    schedule = make(api, daily("2026-06-01 00:00:00", "2026-06-02 23:00:00"))
    clock("2026-06-01T07:00Z")
    tick()
    for minutes in range(0, 70, 10):
        clock(clock("2026-06-01T06:00Z") + timedelta(minutes=minutes))
        tick()
    assert (decided(), Message.objects.count()) == ([(JUNE.format(1), "FIRED")], 1)
    schedule.refresh_from_db()
    assert schedule.due_at.isoformat() == "2026-06-02T07:00:00+00:00"  # type: ignore[union-attr]


def test_r23_a_clock_that_is_set_forward_an_hour_passes_nothing_over(api: V4, clock: Clock) -> None:
    for minute in (10, 30, 50):
        make(api, once(f"2026-06-01 09:{minute}:00"))
    clock("2026-06-01T07:05Z")
    tick()
    clock("2026-06-01T08:05Z")
    tick()
    assert decided() == [(f"2026-06-01 09:{minute}:00", "FIRED") for minute in (10, 30, 50)]


def test_r24_after_a_change_of_the_sites_zone_each_time_is_fired_on_the_new_clock_and_none_twice(
    api: V4, clock: Clock, settings: Any
) -> None:
    schedule = make(api, daily("2026-06-01 00:00:00", "2026-06-04 00:00:00"))
    clock("2026-06-01T07:00Z")
    tick()
    settings.TIME_ZONE = "America/New_York"
    # 09:00 on 1 June comes again there, six hours later, and was fired already.
    for hour in range(8, 24):
        clock(f"2026-06-01T{hour:02}:00Z")
        tick()
    clock("2026-06-02T07:00Z")
    tick()
    assert decided() == [(JUNE.format(1), "FIRED")]
    schedule.refresh_from_db()
    assert schedule.due_at.isoformat() == "2026-06-02T13:00:00+00:00"  # type: ignore[union-attr]
    live_through(clock, schedule)
    assert decided() == [(JUNE.format(day), "FIRED") for day in (1, 2, 3)]


@pytest.mark.parametrize(("zone", "decision"), [("Europe/Istanbul", "FIRED"), ("Asia/Tokyo", "LATE")])
def test_r24_a_time_that_comes_earlier_in_the_sites_new_zone_is_late_and_never_lost(
    api: V4, clock: Clock, settings: Any, zone: str, decision: str
) -> None:
    schedule = make(api, once(JUNE.format(1)))
    settings.TIME_ZONE = zone
    clock("2026-06-01T07:00Z")
    tick()
    assert decided() == [(JUNE.format(1), decision)]
    schedule.refresh_from_db()
    assert schedule.status == "ENDED"


def test_r24_of_a_repetition_too(api: V4, clock: Clock, settings: Any) -> None:
    make(api, daily("2026-06-01 00:00:00", "2026-06-04 00:00:00"))
    clock("2026-06-01T07:00Z")
    tick()
    settings.TIME_ZONE = "Asia/Tokyo"
    clock("2026-06-02T07:00Z")
    tick()
    clock("2026-06-03T00:00Z")
    tick()
    assert decided() == [(JUNE.format(1), "FIRED"), (JUNE.format(2), "LATE"), (JUNE.format(3), "FIRED")]


def test_a_slot_of_the_lost_hour_is_fired_after_it_and_one_of_the_doubled_hour_once(api: V4, clock: Clock) -> None:
    clock("2026-10-01T00:00Z")
    make(api, once("2027-03-28 02:30:00"))
    make(api, once("2026-10-25 02:30:00"))
    for moment in ("2026-10-25T00:29:59Z", "2026-10-25T00:30Z", "2026-10-25T01:30Z", "2027-03-28T00:59:59Z"):
        clock(moment)
        tick()
    assert decided() == [("2026-10-25 02:30:00", "FIRED")]
    clock("2027-03-28T01:00Z")
    tick()
    assert decided() == [("2026-10-25 02:30:00", "FIRED"), ("2027-03-28 02:30:00", "FIRED")]
