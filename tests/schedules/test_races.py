"""R23, R25: two ticks, and whoever changes a schedule while it fires: the database decides who is first."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from gateway.errors import Refusal
from jobs.models import Job
from schedules import firing, maintenance, services
from schedules.models import Firing, Schedule
from schedules.services import When, Wish
from schedules.states import Zoning
from schedules.timing import Single
from sending.models import Message, Subscription
from tests.jobs.conftest import work as work_off
from tests.jobs.test_races import _together as together
from tests.schedules.running import due, tomorrow
from tests.schedules.v4_calls import LETTER, PUSH, V4, single

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 8


@pytest.fixture
def api() -> V4:
    return V4()


def many_due(api: V4, count: int, **overrides: Any) -> None:
    """So many copies of a schedule whose time has come."""
    one = due(api.create(tomorrow(), **overrides))
    rows = [Schedule(**{name: getattr(one, name) for name in _COLUMNS}) for _ in range(count - 1)]
    Schedule.objects.bulk_create(rows)


_COLUMNS = ("client_id", "name", "trigger", "times", "zoning", "slot", "push", "size", "due_at", "planned_at")


def until_done() -> None:
    """Tick until nothing is due, as whoever looked in vain is called again a second later."""
    while Schedule.objects.due(timezone.now()).exists():
        firing.work()


@pytest.mark.parametrize("push", [{"send": LETTER}, PUSH | {"to": "all"}], ids=["letters", "pushes"])
def test_r23_ticks_side_by_side_fire_each_once(api: V4, push: Any) -> None:
    Subscription.objects.create(client=api.client)
    many_due(api, 900, push=push)
    results = together(*[until_done] * 3)
    assert results == [None] * 3
    assert Firing.objects.count() == Firing.objects.values("schedule_id").distinct().count() == 900
    assert Firing.objects.values("job_id").distinct().count() == 900
    assert Schedule.objects.filter(due_at=None).count() == 900
    assert Message.objects.count() == (900 if "send" in push else 0)


def test_r25_a_change_and_the_tick_at_once_are_one_after_the_other(api: V4) -> None:
    """Either the change was first, and the firing does what it says; or the time was, and there is nothing left."""
    outcomes = set()
    for number in range(ROUNDS):
        schedule = due(api.create(tomorrow()))
        wish = Wish(push={"send": LETTER | {"mailSubject": f"changed {number}"}})
        _, changed = together(
            until_done, lambda uuid=schedule.uuid, wish=wish: services.update(caller=api.caller, uuid=uuid, wish=wish)
        )
        (message,) = Message.objects.filter(pk=Firing.objects.get(schedule=schedule).made)
        was_first = isinstance(changed, Schedule)
        assert message.content["mail_subject"] == (f"changed {number}" if was_first else LETTER["mailSubject"])
        assert was_first or isinstance(changed, Refusal), changed
        outcomes.add(was_first)
    assert outcomes


def test_r25_new_times_and_the_tick_at_once_fire_it_or_move_it(api: V4) -> None:
    for _ in range(ROUNDS):
        schedule = due(api.create(tomorrow()))
        later = timezone.localtime().replace(tzinfo=None, microsecond=0) + timedelta(days=30)
        when = When(times=Single(time=later), zoning=Zoning.SITE, kind="single", written=single(later))
        _, changed = together(
            until_done,
            lambda uuid=schedule.uuid, when=when: services.update(caller=api.caller, uuid=uuid, wish=Wish(when=when)),
        )
        schedule.refresh_from_db()
        fired = Firing.objects.filter(schedule=schedule).count()
        assert (fired, schedule.status) == ((0, "ACTIVE") if isinstance(changed, Schedule) else (1, "ENDED"))


def test_r25_deleting_and_the_tick_at_once_fire_it_or_end_it(api: V4) -> None:
    for _ in range(ROUNDS):
        schedule = due(api.create(tomorrow()))
        _, deleted = together(until_done, lambda uuid=schedule.uuid: services.delete(caller=api.caller, uuid=uuid))
        schedule.refresh_from_db()
        fired = Firing.objects.filter(schedule=schedule).count()
        assert (fired, schedule.status) == ((0, "DELETED") if deleted is None else (1, "ENDED"))
        assert deleted is None or isinstance(deleted, Refusal), deleted
    assert Message.objects.count() == Firing.objects.count()


def test_r25_pausing_and_the_tick_at_once_fire_it_or_let_it_pass(api: V4) -> None:
    for _ in range(ROUNDS):
        schedule = due(api.create(tomorrow()))
        _, paused = together(
            until_done,
            lambda uuid=schedule.uuid: services.set_enabled(caller=api.caller, uuid=uuid, is_enabled=False),
        )
        assert Firing.objects.get(schedule=schedule).decision == ("PAUSED" if isinstance(paused, Schedule) else "FIRED")


def test_r25_firing_by_hand_and_the_tick_at_once_are_two_firings_or_one(api: V4) -> None:
    for _ in range(ROUNDS):
        schedule = due(api.create(tomorrow()))
        _, by_hand = together(until_done, lambda uuid=schedule.uuid: services.fire(caller=api.caller, uuid=uuid))
        waves = sorted(Firing.objects.filter(schedule=schedule).values_list("wave", flat=True))
        assert waves == ["", "by hand"] if isinstance(by_hand, Firing) else waves == [""]
    assert Message.objects.count() == Job.objects.count() == Firing.objects.count()


def test_two_who_fire_by_hand_in_one_second_fire_once(api: V4, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    schedule = api.create(tomorrow())
    monkeypatch.setattr(timezone, "now", lambda: now)
    results = together(*[lambda: services.fire(caller=api.caller, uuid=schedule.uuid)] * 4)
    assert [type(one) for one in results] == [Firing] * 4, results
    assert (Firing.objects.count(), Message.objects.count()) == (1, 1)


def test_of_many_who_create_at_the_limit_as_many_succeed_as_there_is_room_for(api: V4, settings: Any) -> None:
    settings.HAMMY_MAX_SCHEDULES = 5
    at = (datetime.now() + timedelta(days=1)).replace(microsecond=0)
    when = When(times=Single(time=at), zoning=Zoning.SITE, kind="single", written=single(at))
    wish = Wish(name="one", is_enabled=True, when=when, push={"send": LETTER})
    results = together(*[lambda: services.create(caller=api.caller, wish=wish)] * 8)
    refused = [one for one in results if isinstance(one, Refusal)]
    assert (Schedule.objects.count(), len(refused)) == (5, 3), results


def test_forgetting_and_the_tick_at_once_leave_nothing_behind(api: V4) -> None:
    many_due(api, 300)
    until_done()
    many_due(api, 300, name="more")
    ended = timezone.now()
    results = together(until_done, lambda: maintenance.prune(ended_before=ended, size=50))
    work_off()
    assert not [one for one in results if isinstance(one, Exception)], results
    assert set(Firing.objects.values_list("schedule_id", flat=True)) <= set(
        Schedule.objects.values_list("id", flat=True)
    )
    assert Message.objects.count() == 600
