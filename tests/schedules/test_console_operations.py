"""What operators do to schedules: pause, enable, fire, delete."""

from datetime import datetime, timedelta

import pytest

from jobs.models import Job
from schedules.models import Firing, Schedule
from sending.models import Message
from tests.console import client_of, plain_pages, trail  # noqa: F401
from tests.schedules.console import SCHEDULES, offered, operate, page_of
from tests.schedules.v4_calls import V4

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> V4:
    return V4()


@pytest.fixture
def schedule(api: V4) -> Schedule:
    return api.create(datetime.now() + timedelta(days=1))


def test_a_schedule_is_paused_and_enabled_with_reasons(schedule: Schedule) -> None:
    client = client_of("Operator")
    assert offered(client, schedule) == ["As written", "Fire now", "Pause", "Delete"]
    assert client.get(f"{SCHEDULES}operate/pause/?ids={schedule.pk}").status_code == 200
    assert "Say why" in operate(client, "pause", schedule, reason="").content.decode()
    schedule.refresh_from_db()
    assert schedule.is_enabled
    answer = operate(client, "pause", schedule, reason="holiday")
    assert (answer.status_code, answer["Location"]) == (302, page_of(schedule))
    schedule.refresh_from_db()
    assert not schedule.is_enabled
    assert offered(client, schedule) == ["As written", "Fire now", "Enable", "Delete"]
    answer = operate(client, "pause", schedule)
    assert (answer.status_code, "renewal is PAUSED" in answer.content.decode()) == (409, True)
    operate(client, "enable", schedule, reason="back")
    schedule.refresh_from_db()
    assert schedule.is_enabled
    assert trail() == [(str(schedule.pk), "pause: holiday"), (str(schedule.pk), "enable: back")]


def test_a_schedule_is_fired_now_and_keeps_its_times(schedule: Schedule) -> None:
    due_at = schedule.due_at
    client = client_of("Operator")
    answer = client.post(f"{SCHEDULES}operate/fire/", {"ids": [schedule.pk], "reason": "x"}, follow=True)
    assert "1 schedule fired." in answer.content.decode()
    (firing,) = Firing.objects.all()
    message = Message.objects.get()
    assert (firing.kind, firing.made, firing.job_id) == ("send", str(message.pk), Job.objects.get().pk)
    assert firing.actor.startswith("user-")
    schedule.refresh_from_db()
    assert schedule.due_at == due_at
    assert trail() == [(str(schedule.pk), "fire: x")]


def test_nothing_is_fired_for_an_inactive_client(api: V4, schedule: Schedule) -> None:
    type(api.client).objects.update(is_active=False)
    answer = operate(client_of("Operator"), "fire", schedule)
    assert (answer.status_code, "its client is not active" in answer.content.decode()) == (409, True)
    assert (Firing.objects.count(), Job.objects.count(), trail()) == (0, 0, [])


def test_a_deleted_schedule_is_there_for_the_console_alone(api: V4, schedule: Schedule) -> None:
    client = client_of("Operator")
    operate(client, "delete", schedule, reason="asked by phone")
    schedule.refresh_from_db()
    assert (schedule.status, schedule.due_at) == ("DELETED", None)
    assert api.call("GET", f"/v4/schedules/{schedule.uuid}").status_code == 404
    assert client.get(page_of(schedule)).status_code == 200
    assert trail() == [(str(schedule.pk), "delete: asked by phone")]


def test_all_of_the_ticked_ones_are_paused_or_none(api: V4, schedule: Schedule) -> None:
    other = api.create(datetime.now() + timedelta(days=2))
    client = client_of("Operator")
    data = {"action": "pause", "_selected_action": [schedule.pk, other.pk]}
    assert client.post(f"{SCHEDULES}?status=ACTIVE", data).status_code == 200
    Schedule.objects.filter(pk=other.pk).update(is_enabled=False)
    assert operate(client, "pause", schedule, other).status_code == 409
    schedule.refresh_from_db()
    assert (schedule.is_enabled, trail()) == (True, [])
    Schedule.objects.update(is_enabled=True)
    back = "schedules_schedule_changelist?status=ACTIVE"
    assert operate(client, "pause", schedule, other, back=back)["Location"] == f"{SCHEDULES}?status=ACTIVE"
    assert set(Schedule.objects.values_list("is_enabled", flat=True)) == {False}


def test_too_many_at_once_are_refused(schedule: Schedule) -> None:
    client = client_of("Operator")
    data = {"ids": list(range(1, 102)), "reason": "x"}
    assert client.post(f"{SCHEDULES}operate/delete/", data).status_code == 404
    schedule.refresh_from_db()
    assert schedule.due_at is not None


def test_s33_who_may_only_look_acts_on_no_schedule(schedule: Schedule) -> None:
    for group in ("Viewer", "Template editor", ""):
        client = client_of(group)
        for verb in ("pause", "enable", "fire", "delete"):
            assert client.get(f"{SCHEDULES}operate/{verb}/?ids={schedule.pk}").status_code == 403
            assert operate(client, verb, schedule).status_code == 403
    assert offered(client_of("Viewer"), schedule) == []
    schedule.refresh_from_db()
    assert (schedule.status, Firing.objects.count(), trail()) == ("ACTIVE", 0, [])


def test_s33_no_schedule_is_acted_on_without_the_forms_token(schedule: Schedule) -> None:
    client = client_of("Operator", enforce_csrf_checks=True)
    assert operate(client, "delete", schedule).status_code == 403
    schedule.refresh_from_db()
    assert (schedule.status, trail()) == ("ACTIVE", [])


def test_what_is_not_there_is_not_found(schedule: Schedule) -> None:
    client = client_of("Operator")
    assert operate(client, "explode", schedule).status_code == 404
    assert client.get(f"{SCHEDULES}operate/pause/?ids=999999").status_code == 404
    assert client.get(f"{SCHEDULES}operate/pause/").status_code == 404
