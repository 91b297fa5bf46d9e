"""R27: what ended long ago is forgotten, and nothing else is."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs.models import Job
from jobs.states import Status as JobStatus
from schedules import maintenance
from schedules.models import Firing, Schedule
from sending.models import Message
from tests.schedules.running import due, tick, tomorrow
from tests.schedules.v4_calls import V4

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> V4:
    return V4()


def ago(days: float) -> datetime:
    return timezone.now() - timedelta(days=days)


def ended(api: V4, days: float) -> Schedule:
    """One that fired and ended so many days ago, as its job did."""
    schedule = due(api.create(tomorrow()))
    tick()
    Job.objects.filter(finished_at=None).update(status=JobStatus.FINISHED, finished_at=timezone.now())
    Schedule.objects.filter(pk=schedule.pk).update(ended_at=ago(days))
    Firing.objects.filter(schedule=schedule).update(due_at=ago(days))
    return schedule


def test_ended_ones_go_with_their_firings_and_what_they_made_stays(api: V4) -> None:
    old, young = ended(api, 11), ended(api, 9)
    waiting = api.create(tomorrow())
    Schedule.objects.update(created_at=ago(100))
    assert maintenance.prune(ended_before=ago(10)) == 1
    assert set(Schedule.objects.values_list("id", flat=True)) == {young.pk, waiting.pk}
    assert list(Firing.objects.values_list("schedule_id", flat=True)) == [young.pk]
    assert (Message.objects.count(), Job.objects.count()) == (2, 2)
    assert api.call("GET", f"/v4/schedules/{old.uuid}/msg-ids").status_code == 404
    assert api.call("GET", f"/v4/schedules/{young.uuid}/msg-ids").json()["count"] == 1


def test_old_firings_of_one_that_goes_on_are_forgotten(api: V4) -> None:
    schedule = api.create(tomorrow())
    for number, days in enumerate((11, 9)):
        Firing.objects.create(schedule=schedule, slot=str(number), due_at=ago(days), decision="PAUSED")
    assert maintenance.prune(ended_before=ago(10)) == 0
    assert list(Firing.objects.values_list("slot", flat=True)) == ["1"]
    assert Schedule.objects.count() == 1


def test_whose_job_is_still_at_work_stays(api: V4) -> None:
    schedule = ended(api, 11)
    Job.objects.update(status=JobStatus.RUNNING, finished_at=None)
    assert maintenance.prune(ended_before=ago(10)) == 0
    assert (Schedule.objects.get(), Firing.objects.count()) == (schedule, 1)


def test_many_go_in_portions(api: V4) -> None:
    for _ in range(5):
        ended(api, 11)
    assert maintenance.prune(ended_before=ago(10), size=2) == 5
    assert (Schedule.objects.count(), Firing.objects.count()) == (0, 0)


@pytest.mark.parametrize(("days", "left"), [(-1, 1), (0, 0), (10, 0), (12, 1)])
def test_retention_is_the_settings(api: V4, settings: Any, days: int, left: int) -> None:
    ended(api, 11)
    settings.HAMMY_SCHEDULE_RETENTION_DAYS = days
    maintenance.clean()
    assert Schedule.objects.count() == left
