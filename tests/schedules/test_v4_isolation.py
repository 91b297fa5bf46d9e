"""S29, S30: another's schedule looks like none, by every operation, in words and in queries."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from schedules.models import Schedule
from schedules.v4.urls import urlpatterns
from tests.schedules.v4_calls import LETTER, V4, error, rows, soon

pytestmark = pytest.mark.django_db
GONE = (404, 28104, "Request schedule operation doesn't exist")
# The operations that name something, as a call.
_NAMING: dict[str, Callable[[V4, str], Any]] = {
    "get": lambda api, uuid: api.call("GET", f"/v4/schedules/{uuid}"),
    "message ids": lambda api, uuid: api.call("GET", f"/v4/schedules/{uuid}/msg-ids"),
    "put": lambda api, uuid: api.call("PUT", f"/v4/schedules/{uuid}", {"name": "mine"}),
    "put nothing": lambda api, uuid: api.call("PUT", f"/v4/schedules/{uuid}", {}),
    "put with its id": lambda api, uuid: api.call(
        "PUT", f"/v4/schedules/{uuid}", {"schedule_id": uuid, "name": "mine"}
    ),
    "delete": lambda api, uuid: api.call("DELETE", f"/v4/schedules/{uuid}"),
}


def test_every_operation_is_covered_here() -> None:
    assert {pattern.name for pattern in urlpatterns if pattern.name} == {
        "v4-schedules", "v4-schedule", "v4-message-ids", "v4-push",
    }  # fmt: skip


@pytest.mark.parametrize("operation", _NAMING)
def test_what_is_anothers_looks_like_what_never_was(operation: str, settings: Any) -> None:
    settings.HAMMY_CALLER_CACHE_SECONDS = 60
    owner, stranger = V4(), V4()
    theirs = owner.create(soon())
    stranger.create(soon())
    before, told = rows(), []
    for uuid in (str(theirs.uuid), str(uuid4())):
        _NAMING[operation](stranger, uuid)  # looks up the client
        with CaptureQueriesContext(connection) as context:
            answer = _NAMING[operation](stranger, uuid)
        assert error(answer) == GONE
        told.append(len(context))
    assert told[0] == told[1]
    assert rows() == before


def test_a_list_neither_shows_nor_counts_what_is_anothers() -> None:
    owner, stranger = V4(), V4()
    owner.create(soon())
    own = stranger.create(soon())
    data = stranger.call("GET").json()
    assert (data["total_count"], data["total_pages"]) == (1, 1)
    assert [one["schedule_id"] for one in data["schedules"]] == [str(own.uuid)]
    assert stranger.call("GET", "/v4/schedules?page=2").json()["schedules"] == []


def test_who_may_see_all_has_his_own_schedules() -> None:
    owner, auditor = V4(), V4(rights=["schedules", "send", "see_all"])
    theirs, own = owner.create(soon()), auditor.create(soon())
    before = rows()
    for operation in _NAMING.values():
        assert error(operation(auditor, str(theirs.uuid))) == GONE
    assert rows() == before
    data = auditor.call("GET").json()
    assert (data["total_count"], [one["schedule_id"] for one in data["schedules"]]) == (1, [str(own.uuid)])
    assert auditor.call("GET", f"/v4/schedules/{own.uuid}").json()["schedule_id"] == str(own.uuid)


def test_what_one_client_has_takes_no_place_of_anothers(settings: Any) -> None:
    settings.HAMMY_MAX_SCHEDULES = 1
    for api in (V4(), V4()):
        api.create(soon())
    assert Schedule.objects.count() == 2


def test_a_letter_is_its_makers_and_names_no_other(settings: Any) -> None:
    owner, other = V4(), V4()
    order = {"send": LETTER | {"clientHashKey": other.keys.client_hash_key}}
    made = owner.create(soon())
    status, code, message = error(owner.call("PUT", f"/v4/schedules/{made.uuid}", {"push": order}))
    assert (status, code) == (400, 28100)
    assert message == "push.send.clientHashKey: not in a schedule, which is its client's own"
    assert other.keys.client_hash_key not in message
