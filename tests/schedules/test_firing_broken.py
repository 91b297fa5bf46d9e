"""A row that nobody can read harms none but itself, and large ones are held a few at a time."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs.models import Job
from schedules import firing
from schedules.models import Firing, Schedule
from sending.models import Message
from tests.schedules.running import due, tick, tomorrow
from tests.schedules.v4_calls import V4

pytestmark = pytest.mark.django_db
TODAY = timezone.localtime() - timedelta(days=2)
DAILY = {"start": f"{TODAY:%Y-%m-%d} 00:00:00", "end": f"{TODAY + timedelta(days=9):%Y-%m-%d} 00:00:00",
         "clock": "00:00:00", "unit": "day", "frequency": 1, "points": []}  # fmt: skip


@pytest.fixture
def api() -> V4:
    return V4()


def _three(api: V4, **broken: Any) -> Schedule:
    """The one in the middle, of three whose time has come: broken."""
    due(api.create(tomorrow(), name="first"), late=30)
    middle = due(api.create(tomorrow(), name="middle"), late=20)
    due(api.create(tomorrow(), name="last"), late=10)
    Schedule.objects.filter(pk=middle.pk).update(**broken)
    return Schedule.objects.get(pk=middle.pk)


@pytest.mark.parametrize(
    "times",
    [
        {}, [], 5, "soon", {"time": "never"}, {"time": 5}, {"start": "2026-01-01 00:00:00"},
        DAILY | {"frequency": 0}, DAILY | {"frequency": "1"}, DAILY | {"frequency": 10**30}, DAILY | {"unit": "year"},
        DAILY | {"clock": "25:00:00"}, DAILY | {"points": 5, "unit": "week"}, DAILY | {"points": [0], "unit": "month"},
    ],
    ids=str,
)  # fmt: skip
def test_times_that_nobody_can_read_end_their_schedule_and_no_other(api: V4, times: Any) -> None:
    middle = _three(api, times=times)
    tick()
    broken = Firing.objects.get(schedule=middle)
    assert (broken.decision, broken.job_id, broken.reason[:27]) == ("BROKEN", None, "internal failure, reference")
    middle.refresh_from_db()
    assert middle.status == "ENDED"
    assert Message.objects.count() == Firing.objects.filter(decision="FIRED").count() == 2
    tick()
    assert Firing.objects.count() == 3


@pytest.mark.parametrize("push", ["", "{", "5", "null", '{"send": {"mailSubject": "Your'])
def test_an_order_that_nobody_can_read_loses_that_time_and_no_other(api: V4, push: str) -> None:
    middle = _three(api, push=push)
    Schedule.objects.filter(pk=middle.pk).update(times=DAILY | {"clock": middle.times["time"][11:]})
    tick()
    assert Firing.objects.get(schedule=middle).decision == "BROKEN"
    middle.refresh_from_db()
    assert middle.status == "ACTIVE"
    assert middle.due_at > timezone.now()  # type: ignore[operator]
    assert Message.objects.count() == 2


@pytest.mark.parametrize("push", [{}, {"to": 7}, {"send": 5}, {"send": {}}, {"other": 1}], ids=str)
def test_an_order_that_is_none_any_more_fails_its_job_with_the_reason(api: V4, push: Any) -> None:
    middle = _three(api, push=json.dumps(push))
    tick()
    fired = Firing.objects.get(schedule=middle)
    job = Job.objects.get(pk=fired.job_id)
    assert (fired.decision, job.status, fired.made) == ("FIRED", "FAILED", "")
    assert job.reason
    assert Message.objects.count() == 2


def test_what_large_ones_say_is_held_a_few_at_a_time(api: V4) -> None:
    for number in range(5):
        due(api.create(tomorrow(), name=str(number)), late=10 - number)
    Schedule.objects.update(size=3_000_000)
    assert [one.name for one in firing._claimed(200)] == ["0", "1"]
    tick()
    assert Message.objects.count() == 5


def test_one_that_is_too_large_by_itself_is_fired_by_itself(api: V4) -> None:
    for number in range(2):
        due(api.create(tomorrow(), name=str(number)), late=10 - number)
    Schedule.objects.update(size=9_000_000)
    assert [one.name for one in firing._claimed(200)] == ["0"]
    tick()
    assert Message.objects.count() == 2


def test_the_size_is_that_of_what_is_kept(api: V4) -> None:
    schedule = api.create(tomorrow())
    assert schedule.size == len(schedule.push)
