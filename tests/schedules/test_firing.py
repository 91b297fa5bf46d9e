"""What is due is fired once, whoever looks."""

from datetime import datetime

import pytest
from django.utils import timezone

from jobs.models import Job, Trigger
from jobs.states import Status as JobStatus
from schedules import firing
from schedules.models import Firing, Schedule
from sending.models import Message, Push, Subscription
from tests.jobs.conftest import work as work_off
from tests.schedules.running import due, tomorrow
from tests.schedules.v4_calls import PUSH, V4, single

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> V4:
    return V4()


def test_a_letter_is_sent_at_its_time(api: V4) -> None:
    schedule = due(api.create(tomorrow()))

    assert firing.work() is False
    work_off()

    (message,) = Message.objects.all()
    (fired,) = Firing.objects.all()
    job = Job.objects.get(pk=fired.job_id)
    assert (message.client, message.recipient_email_address, message.job_id) == (api.client, "jane@example.com", job.pk)
    assert (fired.decision, fired.slot, fired.made) == ("FIRED", schedule.times["time"], str(message.pk))
    assert (job.job_class, job.status, job.client) == (firing.JOB_CLASS, JobStatus.RUNNING, api.client)
    schedule.refresh_from_db()
    assert (schedule.due_at, schedule.status) == (None, "ENDED")
    assert api.call("GET", f"/v4/schedules/{schedule.uuid}/msg-ids").json() == {
        "count": 1, "msgids": [str(message.pk)], "MsgIds": [str(message.pk)]
    }  # fmt: skip


def test_nothing_is_sent_twice_however_often_one_looks(api: V4) -> None:
    due(api.create(tomorrow()))

    for _ in range(3):
        firing.work()
        work_off()

    assert (Firing.objects.count(), Job.objects.count(), Message.objects.count()) == (1, 1, 1)


def test_a_trigger_runs_as_a_job_below_the_firings_own(api: V4) -> None:
    Trigger.objects.create(name="count", job_class="tests.Count", params=[["STEPS", "1"]])
    due(api.create(tomorrow(), push={"job": {"jobName": "count"}}))

    firing.work()
    work_off()
    work_off("long")

    child, parent = Job.objects.order_by("-id")
    assert (child.parent, child.job_class, child.status) == (parent, "tests.Count", JobStatus.FINISHED)
    assert parent.status == JobStatus.FINISHED
    assert Firing.objects.get().made == str(child.pk)


def test_a_push_goes_out_to_each_it_reaches(api: V4) -> None:
    reached = Subscription.objects.create(client=api.client, registration_id="1a0018970ab49abda3e")
    Subscription.objects.create(client=api.client, registration_id="another")
    due(api.create(tomorrow(), push=PUSH))

    firing.work()
    work_off()

    (message,) = Message.objects.all()
    push = Push.objects.get()
    assert (message.status, message.held_for, message.channel) == ("ACCEPTED", "", "WEB_PUSH")
    assert message.content == {"push_id": push.pk, "subscription_id": reached.pk}
    assert Firing.objects.get().made == str(push.pk)


def test_a_push_that_reaches_nobody_ends_without_an_id(api: V4) -> None:
    due(api.create(tomorrow(), push=PUSH))

    firing.work()
    work_off()

    assert (Firing.objects.get().made, Job.objects.get().status) == ("", JobStatus.FINISHED)


def test_a_paused_schedule_lets_its_time_pass(api: V4) -> None:
    schedule = due(api.create(tomorrow()))
    Schedule.objects.update(is_enabled=False)

    firing.work()

    assert [(one.decision, one.job_id) for one in Firing.objects.all()] == [("PAUSED", None)]
    schedule.refresh_from_db()
    assert schedule.status == "ENDED"


def test_on_everybodys_own_clock_a_push_comes_when_it_is_that_time_there(
    api: V4, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("Asia/Tokyo", "Europe/Budapest", "America/New_York"):
        Subscription.objects.create(client=api.client, registration_id=name, time_zone=name)
    schedule = api.create(tomorrow(), trigger=single(tomorrow(), 2), push=PUSH | {"to": "all"})
    order = []
    while schedule.due_at is not None:
        order += _told_at(schedule.due_at, monkeypatch)
        schedule.refresh_from_db()

    assert order == ["Asia/Tokyo", "Europe/Budapest", "America/New_York"]


def _told_at(moment: datetime, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Who is told when the clock shows that moment."""
    monkeypatch.setattr(timezone, "now", lambda: moment)
    known = list(Message.objects.values_list("id", flat=True))
    firing.work()
    work_off()
    return [message.recipient_name for message in Message.objects.exclude(id__in=known).order_by("id")]


def test_the_letter_of_a_broken_template_fails_its_job_and_says_why(api: V4) -> None:
    schedule = due(api.create(tomorrow()))
    Schedule.objects.filter(pk=schedule.pk).update(push='{"send": {"messageType": "gone", "recipientName": "J", '
                                                   '"recipientEmailAddress": "j@example.com"}}')  # fmt: skip

    firing.work()
    work_off()

    job = Job.objects.get()
    assert (job.status, job.reason) == (JobStatus.FAILED, "messageType: no such template")
    assert Message.objects.count() == 0
