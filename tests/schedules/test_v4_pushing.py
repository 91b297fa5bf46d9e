"""Pushes now: whom they reach, once for each request id; nobody is told where nobody is."""

from typing import Any

import pytest

from jobs.models import Job
from schedules.models import Schedule
from sending.models import Message, Push, Subscription
from tests.schedules.v4_calls import LETTER, PUSH, V4, error, rows, soon

pytestmark = pytest.mark.django_db
NOBODY = (404, 28105, "The push task is invalid. There is no push target.")


@pytest.fixture
def api() -> V4:
    return V4()


def push(**overrides: Any) -> dict[str, Any]:
    return PUSH | overrides


def test_a_push_now_needs_the_right_to_send(api: V4) -> None:
    poor = V4(rights=["schedules"])
    Subscription.objects.create(client=poor.client)
    assert error(poor.call("POST", "/v4/push", push(to="all"))) == (403, 28100, "the client lacks the right send")
    assert Push.objects.count() == 0


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_push_now_is_answered_with_both_ids(api: V4, slash: str) -> None:
    Subscription.objects.create(client=api.client)
    answer = api.call("POST", f"/v4/push{slash}", push(to="all", request_id="12345"))
    made = Push.objects.get()
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert answer.content.decode() == f'{{"request_id":"12345","msg_id":"{made.pk}"}}'
    assert (made.client, Job.objects.get().pk) == (api.client, made.job_id)


def test_a_push_now_without_a_request_id_gets_one(api: V4) -> None:
    Subscription.objects.create(client=api.client)
    told = [api.call("POST", "/v4/push", push(to="all")).json() for _ in range(2)]
    assert [len(one["request_id"]) for one in told] == [32, 32]
    assert told[0]["msg_id"] != told[1]["msg_id"]
    assert Push.objects.count() == 2


def test_a_request_id_pushes_once(api: V4) -> None:
    Subscription.objects.create(client=api.client)
    order = push(to="all", request_id="12345")
    first, again = (api.call("POST", "/v4/push", order).content for _ in range(2))
    assert first == again
    told = error(api.call("POST", "/v4/push", order | {"custom_args": "other"}))
    assert told[:2] == (400, 28100)
    assert told[2].startswith("request_id: already used for push ")
    assert (Push.objects.count(), Job.objects.count()) == (1, 1)


def test_a_request_id_is_its_clients_own(api: V4) -> None:
    other = V4()
    for client in (api, other):
        Subscription.objects.create(client=client.client)
    order = push(to="all", request_id="12345")
    told = {client.call("POST", "/v4/push", order).json()["msg_id"] for client in (api, other)}
    assert len(told) == 2


def test_a_push_now_to_nobody_is_none(api: V4) -> None:
    Subscription.objects.create(client=V4().client, alias="jane")
    before = rows()
    for to in ("all", {"alias": ["jane"]}, {"tag": ["x"]}, {"registration_id": ["1a0018970ab49abda3e"]}):
        assert error(api.call("POST", "/v4/push", push(to=to, request_id="1"))) == NOBODY
    assert rows() == before
    Subscription.objects.create(client=api.client)
    assert api.call("POST", "/v4/push", push(to="all", request_id="1")).status_code == 200


def test_later_nobody_need_be_there_yet(api: V4) -> None:
    assert api.create(soon(), push=push(to={"alias": ["jane"]})).status == "ACTIVE"
    assert (Push.objects.count(), Message.objects.count()) == (0, 0)


@pytest.mark.parametrize("data", [[], "x", 1, [PUSH]])
def test_a_push_now_is_an_object(api: V4, data: Any) -> None:
    assert error(api.call("POST", "/v4/push", data)) == (400, 28100, "the request must be a JSON object")


def test_what_client_libraries_send_is_taken_and_reaches_the_page_as_it_is(api: V4) -> None:
    Subscription.objects.create(client=api.client)
    content = {"order": {"id": 7, "lines": [1, 2]}}
    order = {
        "from": "shop", "to": "all", "custom_args": {"k": "v"},
        "body": {"platform": ["android", "ios"], "message": {"msg_content": content, "test_message": True}},
    }  # fmt: skip
    assert api.call("POST", "/v4/push", order).status_code == 200
    assert Push.objects.get().content == {
        "message": {"msg_content": content, "test_message": True}, "custom_args": {"k": "v"},
    }  # fmt: skip


def test_only_a_push_is_pushed_now(api: V4) -> None:
    told = error(api.call("POST", "/v4/push", {"send": LETTER}))
    assert told == (400, 28100, "to: required; body: required; send: unknown field")
    assert (Message.objects.count(), Schedule.objects.count()) == (0, 0)
