"""What was made of schedules' times, in the console: from a firing to its job and messages, and back."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs.models import Job, Trigger
from schedules import services
from schedules.models import Firing
from sending.models import Message, Subscription
from tests.console import client_of, plain_pages  # noqa: F401
from tests.jobs.conftest import work as work_off
from tests.schedules.console import FIRINGS, JOBS, MESSAGES, ids, make_firing, page_of
from tests.schedules.v4_calls import PUSH, V4

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> V4:
    return V4()


def tomorrow() -> datetime:
    return datetime.now() + timedelta(days=1)


def test_the_list_costs_the_same_however_many(api: V4) -> None:
    client = client_of("Viewer")
    counts = []
    for number in range(2):
        for more in range(10):
            make_firing(api.create(tomorrow()), number * 10 + more)
        with CaptureQueriesContext(connection) as queries:
            response = client.get(FIRINGS)
        counts.append(len(queries))
    # Session, user, permissions of the user and of the groups, badge, count, page.
    assert (counts, len(ids(response))) == ([7, 7], 20)


def test_a_firing_is_found_by_decision_and_schedule(api: V4) -> None:
    one, other = api.create(tomorrow()), api.create(tomorrow())
    late = make_firing(one, 1, decision="LATE", reason="nobody looked in time")
    paused = make_firing(other, 2)
    client = client_of("Viewer")
    assert ids(client.get(FIRINGS)) == [paused.pk, late.pk]
    assert ids(client.get(f"{FIRINGS}?decision=LATE")) == [late.pk]
    assert ids(client.get(f"{FIRINGS}?schedule={other.pk}")) == [paused.pk]
    page = client.get(f"{FIRINGS}?decision=LATE").content.decode()
    for words in ("Too late", "nobody looked in time", "2026-01-01 00:00:01", page_of(one)):
        assert words in page


def test_a_letters_firing_leads_to_its_job_and_its_message(api: V4) -> None:
    schedule = api.create(tomorrow())
    firing = services.fire(caller=api.caller, uuid=schedule.uuid)
    client = client_of("Viewer")
    for page in (client.get(FIRINGS).content.decode(), client.get(page_of(schedule)).content.decode()):
        for address in (
            f"{JOBS}{firing.job_id}/change/",
            f"{MESSAGES}{firing.made}/change/",
            f"{MESSAGES}?job={firing.job_id}",
        ):
            assert f'href="{address}"' in page
    assert ids(client.get(f"{MESSAGES}?job={firing.job_id}")) == [Message.objects.get().pk]


def test_the_messages_of_a_push_are_found_below_its_firings_job(api: V4) -> None:
    Subscription.objects.create(client=api.client, registration_id="1a0018970ab49abda3e")
    schedule = api.create(tomorrow(), push=PUSH)
    firing = services.fire(caller=api.caller, uuid=schedule.uuid)
    work_off()
    client = client_of("Viewer")
    (message,) = Message.objects.all()
    assert message.job_id != firing.job_id
    assert ids(client.get(f"{MESSAGES}?job={firing.job_id}")) == [message.pk]
    assert ids(client.get(f"{MESSAGES}?job={message.job_id}")) == [message.pk]
    assert ids(client.get(f"{MESSAGES}?job=0")) == []


def test_a_triggers_firing_leads_to_the_job_that_it_started(api: V4) -> None:
    Trigger.objects.create(name="count", job_class="tests.Count", params=[["STEPS", "1"]])
    schedule = api.create(tomorrow(), push={"job": {"jobName": "count"}})
    services.fire(caller=api.caller, uuid=schedule.uuid)
    work_off()
    child = Job.objects.get(parent__isnull=False)
    assert f'href="{JOBS}{child.pk}/change/"' in client_of("Viewer").get(page_of(schedule)).content.decode()


def test_a_job_leads_to_its_schedule(api: V4) -> None:
    Trigger.objects.create(name="count", job_class="tests.Count", params=[["STEPS", "1"]])
    schedule = api.create(tomorrow(), push={"job": {"jobName": "count"}})
    services.fire(caller=api.caller, uuid=schedule.uuid)
    work_off()
    client = client_of("Viewer")
    for job in Job.objects.all():
        page = client.get(f"{JOBS}{job.pk}/change/")
        assert [link["path"] for link in page.context["offered"]] == [page_of(schedule)]


def test_a_firing_has_its_schedules_page(api: V4) -> None:
    firing = make_firing(api.create(tomorrow()))
    answer = client_of("Viewer").get(f"{FIRINGS}{firing.pk}/change/")
    assert (answer.status_code, answer["Location"]) == (302, page_of(firing.schedule))
    assert client_of("").get(f"{FIRINGS}{firing.pk}/change/").status_code == 403


def test_of_a_wave_it_is_told_for_how_many_zones_it_was(api: V4) -> None:
    schedule = api.create(tomorrow())
    make_firing(schedule, zones=["Asia/Tokyo", "Asia/Seoul"], decision="NOBODY")
    assert Firing.objects.count() == 1
    for address in (FIRINGS, page_of(schedule)):
        assert "2 zones" in client_of("Viewer").get(address).content.decode()
