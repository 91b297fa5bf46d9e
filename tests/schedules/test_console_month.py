"""A month of what will fire: schedules and triggers side by side, in site time, with bounded work."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule

from gateway.models import ApiClient
from jobs import recurring
from jobs.models import Trigger
from schedules import outlook
from schedules.models import Schedule
from schedules.states import Zoning
from tests.console import client_of, plain_pages  # noqa: F401
from tests.factories import make_user
from tests.schedules.console import MONTH, make_schedules
from tests.schedules.v4_calls import V4

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 10, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is 10 o'clock in Budapest, on the tenth of a November."""
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def api() -> V4:
    return V4()


def at(*when: int) -> datetime:
    """A moment by the clock of Budapest."""
    return timezone.make_aware(datetime(*when))  # type: ignore[arg-type]


def repeated(unit: str, *points: int, end: str = "2027-06-01 00:00:00", **columns: Any) -> dict[str, Any]:
    times = {
        "start": "2026-11-01 00:00:00", "end": end, "clock": "08:00:00", "unit": unit, "frequency": 1,
        "points": list(points),
    }  # fmt: skip
    return {"times": times, "is_repeated": True, "due_at": at(2026, 11, 11, 8), **columns}


def trigger(name: str, **times: Any) -> Trigger:
    made = Trigger.objects.create(name=name, job_class="tests.Nothing")
    recurring.schedule(trigger=made, **times)
    return made


def daily(hour: str = "3") -> CrontabSchedule:
    return CrontabSchedule.objects.create(minute="30", hour=hour, timezone="Europe/Budapest")


def days(query: str = "") -> dict[int, tuple[int, int]]:
    """Schedules and triggers by day of the month shown, where there are any."""
    context = client_of("Viewer").get(f"{MONTH}{query}").context
    return {
        day["number"]: (day["schedules"], day["triggers"])
        for week in context["weeks"]
        for day in week
        if day["is_of_month"] and (day["schedules"] or day["triggers"])
    }


def test_each_day_counts_what_fires_on_it_from_now_on_by_the_sites_clock(api: V4) -> None:
    for moment in (at(2026, 11, 10, 8), at(2026, 11, 10, 23, 59), at(2026, 11, 11), at(2026, 12, 1)):
        make_schedules(api.client, due_at=moment)
    make_schedules(api.client, **repeated("week", 0, 4))
    assert days() == {10: (2, 0), 11: (1, 0), 13: (1, 0), 16: (1, 0), 20: (1, 0), 23: (1, 0), 27: (1, 0), 30: (1, 0)}
    assert days("?month=2026-12")[1] == (1, 0)
    assert days("?month=2026-12")[4] == (1, 0)


def test_what_is_paused_ended_or_of_an_inactive_client_is_left_out(api: V4) -> None:
    make_schedules(api.client, due_at=at(2026, 11, 12), is_enabled=False)
    make_schedules(api.client, **repeated("day", is_enabled=False))
    make_schedules(api.client, name="ended", due_at=at(2026, 11, 12))
    Schedule.objects.filter(name="ended").update(due_at=None, ended_at=NOW)
    other = V4()
    make_schedules(other.client, due_at=at(2026, 11, 12))
    ApiClient.objects.filter(pk=other.client.pk).update(is_active=False)
    assert days() == {}


def test_what_goes_round_the_world_counts_on_the_day_it_is_for(api: V4) -> None:
    make_schedules(api.client, **repeated("month", 15, zoning=Zoning.EACH))
    assert days() == {15: (1, 0)}


def test_triggers_stand_beside_and_those_that_come_often_by_themselves(api: V4) -> None:
    trigger("nightly", crontab=daily())
    often = trigger("often", interval=IntervalSchedule.objects.create(every=5, period="minutes"))
    trigger("off", crontab=daily("4"), is_enabled=False)
    Trigger.objects.filter(pk=trigger("closed", crontab=daily("5")).pk).update(is_enabled=False)
    assert days() == dict.fromkeys(range(11, 31), (0, 1))
    context = client_of("Viewer").get(MONTH).context
    assert context["often"] == [("often", f"/admin/jobs/trigger/{often.pk}/change/", "every 5 minutes")]


def test_a_day_names_what_fires_on_it_in_order(api: V4) -> None:
    make_schedules(api.client, name="late", due_at=at(2026, 11, 13, 9))
    make_schedules(api.client, name="early", due_at=at(2026, 11, 13, 7))
    make_schedules(api.client, name="weekly", **repeated("week", 4))
    make_schedules(api.client, name="elsewhere", due_at=at(2026, 11, 14, 7))
    trigger("nightly", crontab=daily())
    day = client_of("Viewer").get(f"{MONTH}?month=2026-11&day=13").context["day"]
    assert [(row["at"], row["name"]) for row in day["schedules"]] == [
        ("2026-11-13 07:00:00", "early"), ("2026-11-13 08:00:00", "weekly"), ("2026-11-13 09:00:00", "late"),
    ]  # fmt: skip
    assert [(row["at"], row["name"]) for row in day["triggers"]] == [("2026-11-13 03:30:00", "nightly")]


def test_one_goes_from_month_to_month_as_far_as_times_reach() -> None:
    client = client_of("Viewer")
    assert client.get(MONTH).context["neighbours"] == {"after": "?month=2026-12"}
    assert client.get(f"{MONTH}?month=2027-01").context["neighbours"] == {
        "before": "?month=2026-12", "after": "?month=2027-02"
    }  # fmt: skip
    assert client.get(f"{MONTH}?month=9999-12").context["neighbours"] == {"before": "?month=2028-10"}
    for nonsense in ("month=0001-01", "month=2020-05", "month=x", "month=2026-13", "day=31", "day=x", "day=0"):
        response = client.get(f"{MONTH}?{nonsense}")
        assert (response.status_code, response.context["month"], response.context["day"]) == (
            200,
            "November 2026",
            None,
        )


def test_the_work_is_bounded_and_the_page_says_where(api: V4, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlook, "MOST_OF_A_DAY", 2)
    monkeypatch.setattr(outlook, "MOST_REPEATED", 2)
    monkeypatch.setattr("schedules.admin.month._MOST_TRIGGERS", 1)
    monkeypatch.setattr("schedules.admin.month._MOST_OF_A_DAY", 2)
    make_schedules(api.client, 4, due_at=at(2026, 11, 12, 7))
    make_schedules(api.client, 3, **repeated("month", 20))
    trigger("a", crontab=daily())
    trigger("b", crontab=daily("4"))
    assert days()[12] == (2, 1)
    assert days()[20] == (2, 1)
    page = " ".join(client_of("Viewer").get(f"{MONTH}?day=12").content.decode().split())
    for words in (
        "2 schedules+",
        "Only the 2 repeated schedules that are due first are reckoned with",
        "Only the first 1 triggers are reckoned with",
        "Only the first ones are shown.",
    ):
        assert words in page


def test_a_month_costs_the_same_however_many_there_are(api: V4) -> None:
    client = client_of("Viewer")
    counts = []
    for _ in range(2):
        make_schedules(api.client, 30, due_at=at(2026, 11, 12, 7))
        make_schedules(api.client, 10, **repeated("day"))
        with CaptureQueriesContext(connection) as queries:
            client.get(MONTH)
        counts.append(len(queries))
    # Session, user, permissions of the user and of the groups, badge; triggers, inactive clients, a count for each of
    # the 21 days left, what is repeated.
    assert counts == [29, 29]


def test_who_sees_no_triggers_sees_the_schedules_alone(api: V4) -> None:
    make_schedules(api.client, due_at=at(2026, 11, 12))
    trigger("nightly", crontab=daily())
    user = make_user(is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_schedule"))
    client = client_of()
    client.force_login(user)
    response = client.get(f"{MONTH}?day=12")
    assert "nightly" not in response.content.decode()
    assert len(response.context["day"]["schedules"]) == 1
    assert client_of("Template editor").get(MONTH).status_code == 403


def test_the_times_of_a_trigger_between_two_moments() -> None:
    recurrence = trigger("nightly", crontab=daily()).recurrence  # type: ignore[attr-defined]
    since = at(2026, 11, 12, 3, 30)
    assert recurring.between(recurrence, since=since, until=at(2026, 11, 14, 3, 30), most=9) == [
        since, since + timedelta(days=1)
    ]  # fmt: skip
    assert recurring.between(recurrence, since=since, until=at(2027, 11, 14), most=3)[-1] == since + timedelta(days=2)
    assert recurring.between(recurrence, since=since, until=since, most=3) == []
