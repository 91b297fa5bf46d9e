"""Schedules in the console: found, looked at, and never made there."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs.models import Trigger
from schedules import services
from schedules.models import Schedule
from tests.console import client_of, plain_pages, trail  # noqa: F401
from tests.schedules.console import FIRINGS, SCHEDULES, ids, make_firing, make_schedules, page_of
from tests.schedules.v4_calls import LETTER, PUSH, V4, at, single

pytestmark = pytest.mark.django_db
NASTY = "<script>alert(1)</script>"
SAFE = "&lt;script&gt;alert(1)&lt;/script&gt;"


@pytest.fixture
def api() -> V4:
    return V4()


def tomorrow() -> datetime:
    return datetime.now().replace(microsecond=0) + timedelta(days=1)


def weekly(**overrides: Any) -> dict[str, Any]:
    start, end = tomorrow(), tomorrow() + timedelta(days=200)
    values = {
        "start": at(start), "end": at(end), "time": "08:30:00", "time_unit": "week", "frequency": 2,
        "point": ["MON", "FRI"], "zone_type": 1,
    }  # fmt: skip
    return {"periodical": values | overrides}


def test_the_list_costs_the_same_however_many_and_reads_no_letters(api: V4) -> None:
    client = client_of("Viewer")
    counts = []
    for _ in range(2):
        make_schedules(api.client, 20)
        with CaptureQueriesContext(connection) as queries:
            response = client.get(SCHEDULES)
        counts.append(len(queries))
    # Session, user, permissions of the user and of the groups, badge, count, page, clients.
    assert (counts, len(ids(response))) == ([8, 8], 40)
    (page,) = [query["sql"] for query in queries if '"schedules_schedule"."times"' in query["sql"]]
    assert '"schedules_schedule"."push"' not in page


def test_the_newest_comes_first_with_what_it_does_and_when(api: V4) -> None:
    Trigger.objects.create(name="count", job_class="tests.Count", params=[["STEPS", "1"]])
    moment = tomorrow()
    first = api.create(moment)
    second = api.create(tomorrow(), name="fortnightly", trigger=weekly(), push={"job": {"jobName": "count"}})
    response = client_of("Viewer").get(SCHEDULES)
    assert ids(response) == [second.pk, first.pk]
    page = response.content.decode()
    for words in (
        "fortnightly",
        "every 2 weeks (Monday, Friday) at 08:30:00",
        f"once, {at(moment)}",
        "Trigger",
        "Letter",
        api.client.name,
        "Active",
        timezone.localtime(second.due_at).strftime("%Y-%m-%d 08:30:00"),
    ):
        assert words in page


def test_a_schedule_is_found_by_status_kind_client_uuid_and_the_start_of_its_name(api: V4) -> None:
    other = V4()
    letter = api.create(tomorrow(), name="invoice 1")
    push = api.create(tomorrow(), name="Hello", push=PUSH)
    paused, deleted, ended = (other.create(tomorrow(), name=f"invoice {name}") for name in ("2", "3", "4"))
    services.set_enabled(caller=other.caller, uuid=paused.uuid, is_enabled=False)
    services.delete(caller=other.caller, uuid=deleted.uuid)
    Schedule.objects.filter(pk=ended.pk).update(due_at=None, ended_at=timezone.now())
    client = client_of("Viewer")
    for query, found in (
        ("status=ACTIVE", [push, letter]),
        ("status=PAUSED", [paused]),
        ("status=ENDED", [ended]),
        ("status=DELETED", [deleted]),
        ("status=nonsense", [ended, deleted, paused, push, letter]),
        ("kind=to", [push]),
        (f"client={other.client.pk}", [ended, deleted, paused]),
        ("q=invoice", [ended, deleted, paused, letter]),
        ("q=invoice 2", [paused]),
        ("q=voice", []),
        (f"q={push.uuid}", [push]),
        (f"before={paused.pk}", [push, letter]),
        (f"created_from={timezone.localdate() + timedelta(days=1)}", []),
    ):
        assert ids(client.get(f"{SCHEDULES}?{query}")) == [one.pk for one in found], query


def test_of_very_many_only_so_many_are_counted(api: V4, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.console.paging.CAP", 60)
    make_schedules(api.client, 62)
    client = client_of("Viewer")
    response = client.get(f"{SCHEDULES}?p=2")
    page = " ".join(response.content.decode().split())
    assert "In all: 60+" in page
    assert f"?before={ids(response)[-1]}" in page
    assert len(ids(client.get(f"{SCHEDULES}?before={ids(response)[-1]}"))) == 2


def test_the_page_tells_what_when_for_whom_and_the_next_ten_times(api: V4) -> None:
    schedule = api.create(tomorrow(), name="fortnightly", trigger=weekly(), push={"send": LETTER})
    response = client_of("Viewer").get(page_of(schedule))
    times = response.context["next_times"]
    assert len(times) == 10
    assert times[0] == timezone.localtime(schedule.due_at).strftime("%Y-%m-%d 08:30:00")
    assert {datetime.fromisoformat(time).weekday() for time in times} == {0, 4}
    page = response.content.decode()
    for words in ("every 2 weeks (Monday, Friday)", "Jane Doe", "jane@example.com", "Your policy", str(schedule.uuid)):
        assert words in page
    assert LETTER["mailBody"] not in page


def test_on_everybodys_own_clock_the_page_tells_the_waves_of_the_next_time(api: V4) -> None:
    moment = tomorrow()
    schedule = api.create(moment, trigger=single(moment, 2), push=PUSH)
    response = client_of("Viewer").get(page_of(schedule))
    zones = {name: wave["at"] for wave in response.context["waves"] for name in wave["all"].split(", ")}
    assert response.context["waves"][0]["at"] == timezone.localtime(schedule.due_at).strftime("%Y-%m-%d %H:%M:%S")
    assert zones["Asia/Tokyo"] < zones["Europe/Budapest"] < zones["America/New_York"]
    assert zones["Europe/Budapest"] == at(moment)


def test_the_page_says_why_nothing_will_come_of_the_next_time(api: V4) -> None:
    schedule = api.create(tomorrow())
    client = client_of("Viewer")
    assert client.get(page_of(schedule)).context["notices"] == []
    Schedule.objects.update(is_enabled=False, due_at=timezone.now() - timedelta(seconds=61))
    type(api.client).objects.update(is_active=False)
    assert client.get(page_of(schedule)).context["notices"] == [
        "It is paused: its times pass, and nothing is done.",
        "Its client is not active: its times pass, and nothing is done.",
        "Its time has come, and nobody looked: do beat and a worker run?",
    ]


def test_an_ended_one_has_no_next_times(api: V4) -> None:
    schedule = api.create(tomorrow())
    services.delete(caller=api.caller, uuid=schedule.uuid)
    response = client_of("Operator").get(page_of(schedule))
    assert (response.context["next_times"], response.context["notices"]) == ([], [])
    assert [str(link["title"]) for link in response.context["offered"]] == ["As written"]


def test_s33_what_clients_write_is_shown_as_text(api: V4) -> None:
    schedule = api.create(tomorrow(), name=NASTY, push={"send": LETTER | {"mailSubject": NASTY, "mailBody": NASTY}})
    make_firing(schedule, reason=NASTY)
    client = client_of("Operator")
    for address in (SCHEDULES, page_of(schedule), f"{SCHEDULES}{schedule.pk}/written/", FIRINGS):
        page = client.get(address).content.decode()
        assert (SAFE in page, NASTY in page) == (True, False), address


def test_what_a_letter_says_is_read_by_who_may_read_letters_and_that_is_recorded(api: V4) -> None:
    schedule = api.create(tomorrow())
    address = f"{SCHEDULES}{schedule.pk}/written/"
    for group in ("Viewer", "Template editor", ""):
        assert client_of(group).get(address).status_code == 403
    assert trail() == []
    page = client_of("Operator").get(address).content.decode()
    assert LETTER["mailBody"] in page
    assert trail() == [(str(schedule.pk), "read: as written")]


def test_what_a_trigger_is_told_everybody_may_see(api: V4) -> None:
    Trigger.objects.create(name="count", job_class="tests.Count", params=[["STEPS", "1"]])
    order = {"job": {"jobName": "count", "params": [{"key": "STEPS", "value": "7"}]}}
    schedule = api.create(tomorrow(), push=order)
    client = client_of("Viewer")
    assert dict(client.get(page_of(schedule)).context["told"]) == {
        "jobName": "count", "params": '[{"key": "STEPS", "value": "7"}]'
    }  # fmt: skip
    assert "&quot;STEPS&quot;" in client.get(f"{SCHEDULES}{schedule.pk}/written/").content.decode()


def test_long_texts_are_cut_with_their_length(api: V4) -> None:
    schedule = api.create(tomorrow(), push={"send": LETTER | {"mailBody": "x" * 3000}})
    page = client_of("Operator").get(f"{SCHEDULES}{schedule.pk}/written/").content.decode()
    assert ("x" * 2000 + "… (3000)" in page, "x" * 2001 in page) == (True, False)


def test_a_letter_that_can_no_longer_be_read_does_not_break_its_page(api: V4) -> None:
    schedule = api.create(tomorrow())
    Schedule.objects.update(push='{"send": {"nonsense": 1}}')
    response = client_of("Viewer").get(page_of(schedule))
    assert response.status_code == 200
    assert "unknown field" in dict(response.context["told"])["send"]


def test_nobody_adds_edits_or_erases_a_schedule_here(api: V4) -> None:
    schedule = api.create(tomorrow())
    client = client_of("Administrator")
    assert client.get(f"{SCHEDULES}add/").status_code == 403
    assert client.get(f"{SCHEDULES}{schedule.pk}/delete/").status_code == 403
    assert client.post(page_of(schedule), {"name": "other"}).status_code == 403
    schedule.refresh_from_db()
    assert schedule.name == "renewal"


def test_s33_each_sees_what_each_may_see(api: V4) -> None:
    schedule = api.create(tomorrow())
    for group in ("Template editor", ""):
        client = client_of(group)
        for address in (SCHEDULES, page_of(schedule), FIRINGS, f"{SCHEDULES}month/"):
            assert client.get(address).status_code == 403
    assert client_of("Viewer").get(f"{SCHEDULES}999999/written/").status_code == 404
