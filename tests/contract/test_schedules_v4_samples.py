"""The samples of the original document of scheduled tasks, replayed (contract schedules_v4; golden files as printed).

What is broken in the print is mended here, and nowhere else: comments, a comma and a bracket that are missing, a word
misspelt, and objects of which only dots are printed. What the contract decides otherwise: the error's code is one of
its table, an update is answered with its ``schedule_id`` too, ids of messages come under a second name, and a thousand
schedules are twenty pages.
"""

import json
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from schedules.models import Firing, Schedule
from tests.schedules.v4_calls import V4, error, freeze, rows

pytestmark = pytest.mark.django_db
GOLDEN = Path(__file__).parent / "golden" / "schedules_v4"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> V4:
    freeze(monkeypatch, "2022-11-22 08:00:00")
    return V4()


def printed(name: str) -> bytes:
    """A sample with its comments and dots mended; nothing else of it."""
    text = (GOLDEN / f"{name}.json").read_text()
    return re.sub(r"\{\.\.\.\}", "{}", re.sub(r"\s//.*", "", text)).encode()


def in_order(text: str | bytes) -> Any:
    """JSON with its members in the order written, so that another order is a difference."""
    return json.loads(text, object_pairs_hook=list)


def created(api: V4, name: str = "create.request") -> Schedule:
    answer = api.call("POST", data=printed(name))
    assert answer.status_code == 200, answer.content
    return Schedule.objects.get(uuid=answer.json()["schedule_id"])


def test_the_sample_is_taken_as_printed_and_answered_with_the_printed_members(api: V4) -> None:
    answer = api.call("POST", data=printed("create.request"))
    told, expected = in_order(answer.content), in_order(printed("create.response"))
    assert [name for name, _ in told] == [name for name, _ in expected] == ["schedule_id", "name"]
    assert dict(told)["name"] == "schedule push example"
    assert str(UUID(dict(told)["schedule_id"])) == dict(told)["schedule_id"]
    made = Schedule.objects.get()
    assert (str(made.uuid), made.due_at and made.due_at.isoformat()) == (
        dict(told)["schedule_id"], "2022-11-23T18:20:00+00:00",
    )  # fmt: skip


def test_the_detail_has_the_printed_members_and_the_request_as_it_was(api: V4) -> None:
    made = created(api)
    told = in_order(api.call("GET", f"/v4/schedules/{made.uuid}").content)
    assert [name for name, _ in told] == [name for name, _ in in_order(printed("detail.response"))]
    assert told == [("schedule_id", str(made.uuid)), *in_order(printed("create.request"))]


def test_the_list_has_the_printed_members(api: V4) -> None:
    made = created(api)
    text = printed("list.response").decode()
    for broken, mended in (("5\n", "5,\n"), ("ture", "true"), ("{},", "{}]")):
        assert text.count(broken) == 1
        text = text.replace(broken, mended)
    expected = in_order(text)
    fields = {field.attname: getattr(made, field.attname) for field in Schedule._meta.fields}
    for name in ("id", "uuid"):
        del fields[name]
    Schedule.objects.bulk_create([Schedule(**fields) for _ in range(dict(expected)["total_count"] - 1)])
    answer = api.call("GET", f"/v4/schedules?page={dict(expected)['page']}").content
    told = in_order(answer)
    assert [name for name, _ in told] == [name for name, _ in expected]
    assert (dict(told)["total_count"], dict(told)["total_pages"], dict(told)["page"]) == (1000, 20, 4)
    assert len(dict(told)["schedules"]) == 50
    first = dict(expected)["schedules"][0]
    assert [name for name, _ in dict(told)["schedules"][0]][: len(first)] == [name for name, _ in first]


def test_the_ids_of_messages_are_told_as_printed_and_under_a_second_name(api: V4) -> None:
    made = created(api)
    expected = in_order(printed("msg_ids.response"))
    for index, number in enumerate(dict(expected)["msgids"]):
        Firing.objects.create(
            schedule=made, slot=f"2022-11-22 08:00:0{index}", due_at=timezone.now(), made=number, job_id=index
        )
    for path in ("msg-ids", "msg_ids"):
        told = in_order(api.call("GET", f"/v4/schedules/{made.uuid}/{path}").content)
        assert told == [*expected, ("MsgIds", dict(expected)["msgids"])]


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "application/json;charset:utf-8"])
def test_the_printed_update_is_taken_whatever_it_is_called(api: V4, content_type: str) -> None:
    # The document's own example says that its JSON is a form.
    made = created(api)
    path = f"/v4/schedules/{made.uuid}"
    answer = api.call("PUT", path, printed("update.request"), Content_Type=content_type)
    assert answer.status_code == 200
    assert in_order(answer.content) == [("schedule_id", str(made.uuid)), *in_order(printed("update.request"))]
    assert api.call("GET", path).content == answer.content


def test_the_printed_answer_of_an_update_is_what_such_an_update_is_answered_with(api: V4) -> None:
    made = created(api)
    answer = api.call("PUT", f"/v4/schedules/{made.uuid}", printed("update.response"))
    assert answer.status_code == 200
    assert in_order(answer.content) == [("schedule_id", str(made.uuid)), *in_order(printed("update.response"))]


def test_the_printed_wrong_update_is_refused_and_the_right_one_taken(api: V4) -> None:
    made = created(api)
    path, before = f"/v4/schedules/{made.uuid}", rows()
    told = api.call("PUT", path, printed("update_part.request"))
    assert error(told)[:2] == (400, 28100)
    sample = json.loads(printed("error.response"))
    assert (list(sample), list(sample["error"])) == (list(told.json()), list(told.json()["error"]))
    assert rows() == before
    answer = api.call("PUT", path, printed("update_push.request"))
    assert answer.status_code == 200
    wanted = dict(in_order(printed("create.request"))) | dict(in_order(printed("update_push.request")))
    assert in_order(answer.content) == [("schedule_id", str(made.uuid)), *wanted.items()]


def test_past_its_time_the_sample_is_refused_as_the_document_says(api: V4, monkeypatch: pytest.MonkeyPatch) -> None:
    freeze(monkeypatch, "2022-11-23 19:20:00")
    assert error(api.call("POST", data=printed("create.request"))) == (
        400, 28100,
        "trigger.single.time: must be in the future; it is 2022-11-23 19:20:00 now (Europe/Budapest)",
    )  # fmt: skip
    assert Schedule.objects.count() == 0
