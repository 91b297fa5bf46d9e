"""How many statements the hot paths cost. A change here is a change of speed: think, then write the new figure."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from sending import dispatch, leases
from tests.schedules.v4_calls import V4, body, soon
from tests.sending.factories import ScriptedChannel, submitted
from tests.sending.send_v2_calls import BASE, JSON, LETTER, Caller, document

pytestmark = pytest.mark.django_db

# A transaction's begin and end are savepoints within a test, and count.
_SEND = {"postgresql": 3, "sqlite": 4}
# One letter by a worker that is known already, then eleven at once.
_HAND_OVER = {"postgresql": [11, 18], "sqlite": [14, 33]}


@pytest.fixture
def caller(settings: Any) -> Caller:
    """A client that was just here: what is remembered of it for a second is remembered."""
    settings.HAMMY_CALLER_CACHE_SECONDS = 60
    known = Caller()
    assert known.send().status_code == 200
    return known


def test_accepting_a_letter(caller: Caller, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(_SEND[connection.vendor]):
        assert caller.send(requestId="1").status_code == 200


def test_accepting_a_letter_as_json_api(caller: Caller, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(_SEND[connection.vendor]):
        assert caller.post("/v2/send", document(), content_type="application/vnd.api+json").status_code == 200


def test_a_batch_costs_as_much_as_one_letter(caller: Caller, django_assert_num_queries: Any) -> None:
    body = json.dumps({"messages": [LETTER] * 10})
    with django_assert_num_queries(_SEND[connection.vendor]):
        response = Client().post(f"{BASE}/v2/batches", body, content_type=JSON, headers=caller.headers)
        assert response.status_code == 200


def test_reading_a_message_and_a_list_of_them(caller: Caller, django_assert_num_queries: Any) -> None:
    ids = [caller.sent().pk for _ in range(5)]
    with django_assert_num_queries(1):
        assert caller.get(f"/v2/messages/{ids[0]}").status_code == 200
    with django_assert_num_queries(2):
        assert len(caller.get("/v2/messages").json()["data"]) == 6


def test_making_reading_and_changing_a_schedule(settings: Any) -> None:
    settings.HAMMY_CALLER_CACHE_SECONDS = 60
    api = V4()
    path = f"/v4/schedules/{api.create(soon()).uuid}"
    calls = [
        ("POST", "/v4/schedules", body(soon())), ("GET", "/v4/schedules", None), ("GET", path, None),
        ("GET", f"{path}/msg-ids", None), ("PUT", path, {"name": "x"}), ("DELETE", path, None),
    ]  # fmt: skip
    counts = []
    for method, address, data in calls:
        with CaptureQueriesContext(connection) as context:
            assert api.call(method, address, data).status_code == 200
        counts.append(len(context))
    assert counts == [5, 2, 1, 2, 5, 4]


def test_handing_over_costs_a_claim_and_its_outcomes_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "_own", None)
    monkeypatch.setattr(dispatch, "kept_channel", lambda name: ScriptedChannel())
    monkeypatch.setattr(dispatch, "_RECORD_SECONDS", 60.0)
    counts = []
    for number in (1, 1, 11):
        for _ in range(number):
            submitted()
        with CaptureQueriesContext(connection) as context:
            dispatch.Worker("EMAIL").work()
        counts.append(len(context))
    assert counts[1:] == _HAND_OVER[connection.vendor]
