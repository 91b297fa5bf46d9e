"""Changing and deleting schedules: each member whole, nothing that has fired, never another kind of time."""

from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone

from schedules import firing
from schedules.models import Firing, Schedule
from tests.schedules.v4_calls import LETTER, PUSH, V4, at, body, error, freeze, rows, single

pytestmark = pytest.mark.django_db
NOW = "2026-03-10 12:00:00"
FIRST, LATER = datetime(2026, 3, 10, 12, 30), datetime(2026, 3, 12, 9, 0)
EVERYBODY = {"trigger": single(FIRST, 2), "push": PUSH | {"to": "all"}}
PERIODICAL = {
    "periodical": {
        "start": "2026-03-10 00:00:00", "end": "2026-04-10 00:00:00", "time": "13:00:00", "time_unit": "day",
        "frequency": 1,
    }
}  # fmt: skip
GONE = (404, 28104, "Request schedule operation doesn't exist")


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> V4:
    freeze(monkeypatch, NOW)
    return V4()


def letter_until(expires_at: str) -> dict[str, Any]:
    return {"send": LETTER | {"params": [{"key": "EXPIRES_AT", "value": expires_at}]}}


def late(first: str) -> str:
    """What is said of a letter whose last moment is before its first time."""
    return f"push.send.params[0].value: must be later than the schedule's next time, 2026-03-{first}.000+01:00"


@pytest.mark.parametrize(
    ("expires_at", "first"),
    [("2026-03-10T12:30:00+01:00", "10T12:30:00"), ("2026-03-10T12:30:01+01:00", "")],
)
def test_a_letter_that_expires_before_its_time_is_refused(api: V4, expires_at: str, first: str) -> None:
    order = letter_until(expires_at)
    answer = api.call("POST", data=body(FIRST, push=order))
    if not first:
        assert answer.status_code == 200
        return
    assert error(answer) == (400, 28100, late(first))
    assert rows() == ([], 0, 0, 0, 0)
    schedule = api.create(FIRST)
    before = rows()
    assert error(put(api, schedule, {"push": order})) == (400, 28100, late(first))
    assert error(put(api, schedule, {"push": order, "trigger": single(LATER)})) == (400, 28100, late("12T09:00:00"))
    assert rows() == before


def test_a_letter_that_would_expire_by_its_new_time_stays_at_the_old_one(api: V4) -> None:
    schedule = api.create(FIRST, push=letter_until("2026-03-11T00:00:00+01:00"))
    before = rows()
    assert error(put(api, schedule, {"trigger": single(LATER)})) == (400, 28100, f"trigger: {late('12T09:00:00')}")
    assert rows() == before
    assert put(api, schedule, {"name": "other", "enabled": False}).status_code == 200
    order = letter_until("2026-03-13T00:00:00+01:00")
    assert put(api, schedule, {"trigger": single(LATER), "push": order}).status_code == 200


@pytest.mark.parametrize(("expires_at", "status"), [("2026-03-10T13:00:00+01:00", 400), ("2026-03-11T00:00:00Z", 200)])
def test_a_repeated_letter_may_expire_on_its_way_but_not_before_it_begins(
    api: V4, expires_at: str, status: int
) -> None:
    answer = api.call("POST", data=body(FIRST, trigger=PERIODICAL, push=letter_until(expires_at)))
    assert answer.status_code == status
    assert Schedule.objects.count() == (status == 200)


def put(api: V4, schedule: Schedule, data: Any) -> Any:
    return api.call("PUT", f"/v4/schedules/{schedule.uuid}", data)


def changed(api: V4, schedule: Schedule, data: Any) -> dict[str, Any]:
    """The answer to a change, which is what is read afterwards."""
    answer = put(api, schedule, data)
    assert answer.status_code == 200, answer.content
    assert answer.content == api.call("GET", f"/v4/schedules/{schedule.uuid}").content
    schedule.refresh_from_db()
    told: dict[str, Any] = answer.json()
    return told


def refused(api: V4, schedule: Schedule, data: Any) -> str:
    before = rows()
    status, code, message = error(put(api, schedule, data))
    assert (status, code) == (400, 28100)
    assert rows() == before
    return message


@pytest.mark.parametrize(
    "data",
    [
        {"name": "other"},
        {"enabled": False},
        {"trigger": single(LATER)},
        {"push": {"send": LETTER | {"mailSubject": "x"}}},
    ],
    ids=lambda data: next(iter(data)),
)
def test_one_member_is_changed_and_the_others_stay(api: V4, data: Any) -> None:
    schedule = api.create(FIRST)
    before = api.call("GET", f"/v4/schedules/{schedule.uuid}").json()
    told = changed(api, schedule, data)
    assert told == before | data
    assert list(told) == ["schedule_id", "name", "enabled", "trigger", "push"]


def test_all_members_are_changed_at_once(api: V4) -> None:
    schedule = api.create(FIRST)
    data = {"name": "other", "enabled": False, "trigger": single(LATER), "push": PUSH}
    assert changed(api, schedule, data) == {"schedule_id": str(schedule.uuid), **data}
    assert (schedule.status, schedule.due_at and schedule.due_at.isoformat()) == ("PAUSED", "2026-03-12T08:00:00+00:00")


def test_what_was_read_may_be_sent_back(api: V4) -> None:
    schedule = api.create(FIRST)
    told = api.call("GET", f"/v4/schedules/{schedule.uuid}").json()
    assert changed(api, schedule, told | {"name": "other"}) == told | {"name": "other"}
    words = "schedule_id: must be that of the address, or left out"
    assert refused(api, schedule, told | {"schedule_id": str(api.create(FIRST).uuid)}) == words
    assert refused(api, schedule, told | {"schedule_id": 5}) == words


def test_a_new_push_takes_the_place_of_the_old_one_and_is_never_merged(api: V4) -> None:
    schedule = api.create(FIRST, push=PUSH | {"request_id": "12345", "custom_args": "business info"})
    new = {"to": "all", "body": {"platform": "web", "message": {"msg_content": "x"}}}
    assert changed(api, schedule, {"push": new})["push"] == new
    assert refused(api, schedule, {"push": {"alert": "web scheduled task"}}) == (
        "push.to: required; push.body: required; push.alert: unknown field"
    )
    assert refused(api, schedule, {"push": {"body": new["body"]}}) == "push.to: required"
    assert refused(api, schedule, {"push": {}}) == "push.to: required; push.body: required"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "at least one of name, enabled, trigger and push is required"),
        ({"name": None, "enabled": None, "trigger": None, "push": None},
         "at least one of name, enabled, trigger and push is required"),
        ({"name": "ő" * 128}, "name: must be at most 255 bytes of UTF-8, and is 256"),
        ({"name": "a\nb"}, "name: must not contain control characters or line breaks"),
        ({"name": ""}, "name: must not be empty"),
        ({"enabled": "false"}, "enabled: must be true or false"),
        ({"enabled": 0}, "enabled: must be true or false"),
        ({"trigger": {}}, "trigger: must be an object with exactly one of single, periodical, intelligent"),
        ({"trigger": {"single": {"zone_type": 1}}}, "trigger.single.time: required"),
        ({"trigger": single(datetime(2026, 3, 10, 11, 0))},
         "trigger.single.time: must be in the future; it is 2026-03-10 12:00:00 now (Europe/Budapest)"),
        ({"nme": "x"}, "nme: unknown field; known are name, enabled, trigger, push"),
        ({"name": "x", "nme": "x", "enabled": 1},
         "nme: unknown field; known are name, enabled, trigger, push; enabled: must be true or false"),
        ([], "the request must be a JSON object"),
    ],
)  # fmt: skip
def test_a_change_that_cannot_be_changes_nothing(api: V4, data: Any, message: str) -> None:
    assert refused(api, api.create(FIRST), data) == message


def test_the_sites_clock_and_everybodys_own_do_not_become_each_other(api: V4) -> None:
    site, each = api.create(FIRST, push=PUSH), api.create(FIRST, **EVERYBODY)
    words = "trigger: zone_type cannot change between 1 and 2"
    assert refused(api, site, {"trigger": single(LATER, 2)}) == words
    assert refused(api, each, {"trigger": single(LATER, 1)}) == words
    assert refused(api, each, {"trigger": {"single": {"time": at(LATER)}}}) == words
    assert changed(api, each, {"trigger": single(LATER, 2)})["trigger"] == single(LATER, 2)
    assert changed(api, site, {"trigger": single(LATER, 7)})["trigger"] == single(LATER, 7)


def test_a_letters_zone_type_is_kept_like_any_other(api: V4) -> None:
    schedule = api.create(FIRST, trigger=single(FIRST, 2))
    assert refused(api, schedule, {"trigger": single(LATER, 1)}) == "trigger: zone_type cannot change between 1 and 2"
    changed(api, schedule, {"push": PUSH | {"to": "all"}})
    assert (schedule.asked_zoning, schedule.zoning) == ("EACH", "EACH")


def test_one_time_and_many_do_not_become_each_other(api: V4) -> None:
    one, many = api.create(FIRST), api.create(FIRST, trigger=PERIODICAL)
    assert refused(api, one, {"trigger": PERIODICAL}) == "trigger: a single schedule cannot become periodical"
    assert refused(api, many, {"trigger": single(LATER)}) == "trigger: a periodical schedule cannot become single"
    assert refused(api, many, {"trigger": {"intelligent": {"backup_time": "now"}}}) == (
        "trigger: a periodical schedule cannot become single"
    )
    backup = {"intelligent": {"backup_time": at(LATER)}}
    assert changed(api, one, {"trigger": backup})["trigger"] == backup


def test_a_repeated_letter_takes_no_request_id(api: V4) -> None:
    schedule = api.create(FIRST, trigger=PERIODICAL)
    told = refused(api, schedule, {"push": {"send": LETTER | {"requestId": "r"}}})
    assert told == "push.send.requestId: not with periodical: each firing is a letter of its own"
    assert changed(api, api.create(FIRST), {"push": {"send": LETTER | {"requestId": "r"}}})["name"] == "renewal"


def test_new_times_are_planned_anew(api: V4) -> None:
    schedule = api.create(FIRST, trigger=PERIODICAL)
    new = {"periodical": PERIODICAL["periodical"] | {"time": "14:00:00", "end": "2026-05-10 00:00:00"}}
    changed(api, schedule, {"trigger": new})
    assert schedule.due_at is not None
    assert schedule.due_at.isoformat() == "2026-03-10T13:00:00+00:00"


def test_an_unchanged_trigger_is_taken_while_its_time_passes(api: V4, monkeypatch: pytest.MonkeyPatch) -> None:
    schedule = api.create(FIRST)
    freeze(monkeypatch, "2026-03-10 12:30:05")
    due_at = schedule.due_at
    changed(api, schedule, {"trigger": single(FIRST), "name": "other"})
    assert (schedule.due_at, schedule.name) == (due_at, "other")
    firing.work()
    assert [one.decision for one in Firing.objects.all()] == ["FIRED"]
    assert error(put(api, schedule, {"trigger": single(FIRST)})) == GONE


def test_a_pause_lets_times_pass_and_an_end_to_it_the_rest_come(api: V4, monkeypatch: pytest.MonkeyPatch) -> None:
    schedule = api.create(FIRST, trigger=PERIODICAL)
    changed(api, schedule, {"enabled": False})
    freeze(monkeypatch, "2026-03-10 13:00:01")
    firing.work()
    changed(api, schedule, {"enabled": True})
    freeze(monkeypatch, "2026-03-11 13:00:01")
    firing.work()
    assert list(Firing.objects.order_by("id").values_list("slot", "decision")) == [
        ("2026-03-10 13:00:00", "PAUSED"), ("2026-03-11 13:00:00", "FIRED"),
    ]  # fmt: skip


def test_what_was_fired_keeps_to_what_was_ordered_then(api: V4, monkeypatch: pytest.MonkeyPatch) -> None:
    schedule = api.create(FIRST, trigger=PERIODICAL)
    freeze(monkeypatch, "2026-03-10 13:00:01")
    firing.work()
    changed(api, schedule, {"push": {"send": LETTER | {"mailSubject": "Other"}}})
    assert Firing.objects.get().order == {"send": LETTER}


@pytest.mark.parametrize("end", ["fired", "paused", "deleted"])
def test_what_has_ended_is_neither_changed_nor_deleted(api: V4, end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    schedule = api.create(FIRST)
    if end == "deleted":
        api.call("DELETE", f"/v4/schedules/{schedule.uuid}")
    else:
        Schedule.objects.update(is_enabled=end == "fired")
        freeze(monkeypatch, "2026-03-10 12:30:01")
        firing.work()
    before = rows()
    for data in ({"name": "x"}, {"enabled": True}, {"trigger": single(LATER)}, {}, {"x": 1}):
        assert error(put(api, schedule, data)) == GONE
    assert error(api.call("DELETE", f"/v4/schedules/{schedule.uuid}")) == GONE
    assert rows() == before


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_deleted_schedule_is_gone_and_never_fires(api: V4, slash: str, monkeypatch: pytest.MonkeyPatch) -> None:
    schedule, other = api.create(FIRST), api.create(FIRST)
    answer = api.call("DELETE", f"/v4/schedules/{schedule.uuid}{slash}", b"{}", Content_Type="text/plain")
    assert (answer.status_code, answer.content, answer["Content-Length"]) == (200, b"", "0")
    schedule.refresh_from_db()
    assert (schedule.status, schedule.due_at, schedule.deleted_at) == ("DELETED", None, timezone.now())
    freeze(monkeypatch, "2026-03-10 12:30:01")
    firing.work()
    assert [one.schedule_id for one in Firing.objects.all()] == [other.pk]


def test_a_letter_that_was_everybodys_is_planned_on_the_sites_clock(api: V4, monkeypatch: pytest.MonkeyPatch) -> None:
    schedule = api.create(FIRST, **EVERYBODY)
    freeze(monkeypatch, "2026-03-10 12:20:00")
    changed(api, schedule, {"push": {"send": LETTER}})
    assert (schedule.zoning, schedule.due_at and schedule.due_at.isoformat()) == ("SITE", "2026-03-10T11:30:00+00:00")
    other = api.create(FIRST, **EVERYBODY)
    freeze(monkeypatch, "2026-03-10 12:31:00")
    assert refused(api, other, {"push": {"send": LETTER}}) == (
        "push: no time is left: on the site's clock it is past the last one"
    )
