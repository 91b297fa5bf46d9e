"""What a client reads of its schedules: the list in pages, one of them, the ids of what was made."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs.models import Trigger
from schedules.models import Firing, Schedule
from schedules.states import Decision
from tests.schedules.v4_calls import LETTER, PUSH, V4, body, error, rows, soon

pytestmark = pytest.mark.django_db
_NUMBER = "must be a number from 1"


@pytest.fixture
def api() -> V4:
    return V4()


def many(api: V4, count: int) -> list[Schedule]:
    """Schedules made one second after the other."""
    first = api.create(soon())
    begin = timezone.now() - timedelta(days=1)
    fields = {field.attname: getattr(first, field.attname) for field in Schedule._meta.fields}
    for name in ("id", "uuid"):
        del fields[name]
    first.delete()
    made = [
        Schedule(**fields | {"name": f"number {index}", "created_at": begin + timedelta(seconds=index)})
        for index in range(count)
    ]
    return Schedule.objects.bulk_create(made)


def listed(api: V4, query: str = "") -> dict[str, Any]:
    answer = api.call("GET", f"/v4/schedules{query}")
    assert answer.status_code == 200, answer.content
    data: dict[str, Any] = answer.json()
    assert list(data) == ["total_count", "total_pages", "page", "schedules"]
    return data


def names(data: dict[str, Any]) -> list[str]:
    return [one["name"] for one in data["schedules"]]


def ended(schedule: Schedule) -> Schedule:
    """The same schedule after its last time."""
    Schedule.objects.filter(pk=schedule.pk).update(due_at=None, ended_at=timezone.now())
    schedule.refresh_from_db()
    return schedule


def fired(schedule: Schedule, made: str, *, decision: Decision = Decision.FIRED) -> None:
    job_id = 1 if decision == Decision.FIRED else None
    slot = f"2026-01-01 00:00:{Firing.objects.count():02}"
    Firing.objects.create(
        schedule=schedule, slot=slot, due_at=timezone.now(), decision=decision, made=made, job_id=job_id
    )


def test_who_has_none_gets_an_empty_page(api: V4) -> None:
    assert api.call("GET").content == b'{"total_count":0,"total_pages":0,"page":1,"schedules":[]}'


@pytest.mark.parametrize(
    ("count", "pages"), [(1, 1), (49, 1), (50, 1), (51, 2), (100, 2), (101, 3)]
)  # fmt: skip
def test_a_page_has_fifty_in_the_order_in_which_they_were_made(api: V4, count: int, pages: int) -> None:
    many(api, count)
    found: list[str] = []
    for page in range(1, pages + 1):
        data = listed(api, f"?page={page}")
        assert (data["total_count"], data["total_pages"], data["page"]) == (count, pages, page)
        found += names(data)
        assert len(found) == min(50 * page, count)
    assert found == [f"number {index}" for index in range(count)]


@pytest.mark.parametrize("query", ["", "?", "?page=", "?page=1", "?page=01", "?page=1&page=1", "/?page="])
def test_the_first_page_is_meant_where_none_is_named(api: V4, query: str) -> None:
    many(api, 51)
    data = listed(api, query)
    assert (data["page"], names(data)) == (1, [f"number {index}" for index in range(50)])


@pytest.mark.parametrize("page", [2, 3, 1_000_001, 10**15 - 1])
def test_past_the_end_the_page_is_empty_and_as_asked(api: V4, page: int) -> None:
    many(api, 50)
    assert listed(api, f"?page={page}") == {"total_count": 50, "total_pages": 1, "page": page, "schedules": []}


@pytest.mark.parametrize(
    "page", ["0", "-1", "1.0", "1e3", "x", "%20", "+1", "9" * 16, "9" * 5000, "%00", "١", "1,2", "null"]
)  # fmt: skip
def test_a_page_is_a_number(api: V4, page: str) -> None:
    # S31
    assert error(api.call("GET", f"/v4/schedules?page={page}")) == (400, 28100, f"page: {_NUMBER}")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("page=1&page=2", "page: given more than once with different values"),
        ("page=&page=2", "page: given more than once with different values"),
        ("pages=1", "pages: unknown parameter, use page"),
        ("page=1&limit=5", "limit: unknown parameter, use page"),
        ("x" * 5000, f"{'x' * 100}: unknown parameter, use page"),
    ],
)
def test_any_other_parameter_is_told(api: V4, query: str, message: str) -> None:
    assert error(api.call("GET", f"/v4/schedules?{query}")) == (400, 28100, message)


def test_the_list_has_what_still_has_a_time_whether_paused_or_not(api: V4) -> None:
    paused, gone, deleted, waiting = (
        api.create(soon(), name=name) for name in ("paused", "gone", "deleted", "waiting")
    )
    api.call("PUT", f"/v4/schedules/{paused.uuid}", {"enabled": False})
    ended(gone)
    api.call("DELETE", f"/v4/schedules/{deleted.uuid}")
    data = listed(api)
    assert (data["total_count"], names(data)) == (2, ["paused", waiting.name])
    assert [one["enabled"] for one in data["schedules"]] == [False, True]


def test_a_list_costs_the_same_however_many_there_are(api: V4) -> None:
    counts = []
    for count in (1, 120):
        many(api, count)
        api.call("GET")
        with CaptureQueriesContext(connection) as context:
            api.call("GET", "/v4/schedules?page=2")
        counts.append(len(context))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("push", [{"send": LETTER}, PUSH, {"job": {"jobName": "count"}}], ids=["send", "push", "job"])
def test_a_schedule_reads_as_it_was_written(api: V4, push: Any, count_trigger: None) -> None:
    moment = soon()
    wanted = body(moment, push=push, name="éves 任务")
    made = api.create(moment, push=push, name="éves 任务")
    answer = api.call("GET", f"/v4/schedules/{made.uuid}")
    assert (answer.status_code, answer["Content-Type"], answer["Cache-Control"]) == (
        200,
        "application/json",
        "no-store",
    )
    data = answer.json()
    assert list(data) == ["schedule_id", "name", "enabled", "trigger", "push"]
    assert data == {"schedule_id": str(made.uuid), **wanted}
    assert list(data["push"]) == list(push)
    assert listed(api)["schedules"] == [data]


@pytest.fixture
def count_trigger(api: V4) -> None:
    Trigger.objects.create(name="count", job_class="tests.Count", params=[["STEPS", "1"]])


def test_an_id_is_read_in_any_case(api: V4) -> None:
    made = api.create(soon())
    assert api.call("GET", f"/v4/schedules/{str(made.uuid).upper()}").json()["schedule_id"] == str(made.uuid)


def test_before_the_first_firing_nothing_was_made(api: V4) -> None:
    made = api.create(soon())
    for path in ("msg-ids", "msg_ids", "msg-ids/", "msg_ids/"):
        answer = api.call("GET", f"/v4/schedules/{made.uuid}/{path}")
        assert (answer.status_code, answer.content) == (200, b'{"count":0,"msgids":[],"MsgIds":[]}')


def test_the_ids_of_what_was_made_come_in_order_under_both_names(api: V4) -> None:
    made, other = api.create(soon()), api.create(soon())
    for name in ("12345567", "2234567", "3234567"):
        fired(made, name)
        fired(other, f"9{name}")
    fired(made, "")
    fired(made, "", decision=Decision.PAUSED)
    for path in ("msg-ids", "msg_ids"):
        assert api.call("GET", f"/v4/schedules/{made.uuid}/{path}").content == (
            b'{"count":3,"msgids":["12345567","2234567","3234567"],"MsgIds":["12345567","2234567","3234567"]}'
        )


def test_what_has_ended_is_read_on_and_what_is_deleted_is_not(api: V4) -> None:
    made, deleted = ended(api.create(soon())), api.create(soon())
    fired(made, "7")
    api.call("DELETE", f"/v4/schedules/{deleted.uuid}")
    assert api.call("GET", f"/v4/schedules/{made.uuid}").json()["schedule_id"] == str(made.uuid)
    assert api.call("GET", f"/v4/schedules/{made.uuid}/msg-ids").json()["msgids"] == ["7"]
    for path in ("", "/msg-ids", "/msg_ids"):
        assert error(api.call("GET", f"/v4/schedules/{deleted.uuid}{path}"))[:2] == (404, 28104)


@pytest.mark.parametrize(
    "name",
    [
        "0eac1b80-c2ac-4b69-948b-c65b34b96512", "4711", "x" * 5000, "%00", "%0A", "%ff", "..", "{hex}", "{{{uuid}}}",
        "urn:uuid:{uuid}", "{uuid}%0a", "%20{uuid}", "{uuid}x", "null", "٤",
    ],
)  # fmt: skip
def test_an_id_that_is_nobodys_is_not_found(api: V4, name: str) -> None:
    made = api.create(soon())
    before = rows()
    address = f"/v4/schedules/{name.format(uuid=made.uuid, hex=made.uuid.hex)}"
    told = (404, 28104, "Request schedule operation doesn't exist")
    for method, path, data in (
        ("GET", "", None), ("GET", "/msg-ids", None), ("GET", "/msg_ids", None), ("PUT", "", {"name": "x"}),
        ("DELETE", "", None),
    ):  # fmt: skip
        assert error(api.call(method, address + path, data)) == told
    assert rows() == before


def test_head_is_a_get_without_its_body(api: V4) -> None:
    made = api.create(soon())
    for path in ("", f"/{made.uuid}", f"/{made.uuid}/msg-ids"):
        answer = api.call("HEAD", f"/v4/schedules{path}")
        assert (answer.status_code, answer["Content-Type"], answer.content) == (200, "application/json", b"")
        expected = api.call("GET", f"/v4/schedules{path}")
        assert answer.get("Content-Length") == str(len(expected.content))


def test_moments_are_read_on_the_sites_clock(api: V4) -> None:
    moment = datetime(2027, 1, 5, 10, 0)
    assert api.create(moment).trigger == '{"single":{"time":"2027-01-05 10:00:00","zone_type":1}}'
