"""Making schedules: what is taken and how it is kept, and whatever is wrong with it said at once."""

from datetime import datetime
from typing import Any

import pytest

from schedules.models import Schedule
from tests.schedules.v4_calls import V4, body, error, freeze, rows, single

pytestmark = pytest.mark.django_db
# On the site's clock; the site is in Budapest, which is an hour ahead of UTC then.
NOW = "2026-03-10 12:00:00"
SOON = datetime(2026, 3, 10, 12, 30)
_FORM = "must be a time as 2026-02-15 13:16:59 (yyyy-mm-dd hh:mm:ss)"
_KINDS = "must be an object with exactly one of single, periodical, intelligent"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> V4:
    freeze(monkeypatch, NOW)
    return V4()


def periodical() -> dict[str, Any]:
    return {"periodical": {"start": "2026-03-11 00:00:00", "end": "2026-06-11 00:00:00", "time": "12:00:00",
                           "time_unit": "day"}}  # fmt: skip


def refused(api: V4, **overrides: Any) -> str:
    """Why such a schedule is not taken, which leaves nothing."""
    before = rows()
    status, code, message = error(api.call("POST", data=body(SOON, **overrides)))
    assert (status, code) == (400, 28100)
    assert rows() == before
    return message


def test_a_schedule_is_answered_with_its_id_and_name(api: V4) -> None:
    answer = api.call("POST", data=body(SOON))
    schedule = Schedule.objects.get()
    assert (answer.status_code, answer["Content-Type"], answer["Cache-Control"]) == (
        200,
        "application/json",
        "no-store",
    )
    assert answer.content.decode() == f'{{"schedule_id":"{schedule.uuid}","name":"renewal"}}'
    assert (schedule.client, schedule.is_enabled, schedule.status) == (api.client, True, "ACTIVE")
    assert schedule.due_at is not None
    assert schedule.due_at.isoformat() == "2026-03-10T11:30:00+00:00"


@pytest.mark.parametrize("name", ["", " ", "\u3000"])
def test_a_name_must_say_something(api: V4, name: str) -> None:
    assert refused(api, name=name) == "name: must not be empty"


def test_a_name_has_255_bytes_and_no_more(api: V4) -> None:
    # 127 letters of two bytes and one of one are 255 bytes; 128 are 256.
    assert api.create(SOON, name="ő" * 127 + "x").name == "ő" * 127 + "x"
    assert refused(api, name="ő" * 128) == "name: must be at most 255 bytes of UTF-8, and is 256"
    assert refused(api, name="x" * 256) == "name: must be at most 255 bytes of UTF-8, and is 256"
    assert api.create(SOON, name="😀" * 63 + "abc").name == "😀" * 63 + "abc"


@pytest.mark.parametrize("character", ["\n", "\r", "\t", "\x1b", "\x7f", "\x85", "\u2028", "\u2029"])
def test_a_name_has_no_control_characters(api: V4, character: str) -> None:
    assert refused(api, name=f"a{character}b") == "name: must not contain control characters or line breaks"


@pytest.mark.parametrize("name", ["schedule push example", "éves díj 2026", "任务", "a-b.c/d'e\"f", "x" * 255])
def test_a_name_may_have_what_the_documents_own_names_have(api: V4, name: str) -> None:
    assert api.create(SOON, name=name).name == name


@pytest.mark.parametrize(
    ("member", "value", "sentence"),
    [
        ("name", ..., "required"), ("name", None, "required"), ("name", 5, "must be text"),
        ("name", ["x"], "must be text"),
        ("enabled", ..., "required"), ("enabled", None, "required"), ("enabled", "true", "must be true or false"),
        ("enabled", 1, "must be true or false"), ("enabled", False, "must be true for a new schedule"),
        ("trigger", ..., "required"), ("trigger", None, "required"), ("trigger", "x", _KINDS), ("trigger", [], _KINDS),
        ("trigger", {}, _KINDS), ("trigger", {"single": None}, _KINDS), ("trigger", {"single": {}}, _KINDS),
        ("trigger", single(SOON) | periodical(), _KINDS), ("push", ..., "required"), ("push", None, "required"),
        ("push", [], "must be an object"), ("push", "x", "must be an object"),
    ],
)  # fmt: skip
def test_each_of_the_four_members_is_needed_whole(api: V4, member: str, value: Any, sentence: str) -> None:
    assert refused(api, **{member: value}) == f"{member}: {sentence}"


def test_everything_wrong_is_said_at_once(api: V4) -> None:
    before = rows()
    told = error(api.call("POST", data={"name": 1, "enabled": False, "trigger": {"single": {"time": "x"}}, "cid": "x"}))
    assert told == (
        400, 28100,
        "cid: unknown field; known are name, enabled, trigger, push; name: must be text; "
        f"trigger.single.time: {_FORM}; push: required; enabled: must be true for a new schedule",
    )  # fmt: skip
    assert error(api.call("POST", data={}))[2] == (
        "name: required; enabled: required; trigger: required; push: required"
    )
    assert rows() == before


@pytest.mark.parametrize("data", [[], "x", 1, None, True, [body(SOON)]])
def test_a_schedule_is_an_object(api: V4, data: Any) -> None:
    content = b"null" if data is None else data
    assert error(api.call("POST", data=content)) == (400, 28100, "the request must be a JSON object")
    assert Schedule.objects.count() == 0
