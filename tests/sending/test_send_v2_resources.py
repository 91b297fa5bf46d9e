"""What became of a message (contract send_v2, "What became of it")."""

from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from gateway.dates import format_moment
from sending import services
from sending.models import Message
from sending.states import Status
from tests.factories import make_caller
from tests.sending.factories import make_template
from tests.sending.send_v2_calls import BASE, JSON_API, LETTER, Caller, problems

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Caller:
    return Caller()


def numbers(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [int(item["id"]) for item in answer.json()["data"]]


def moved_back(message: Message, **ago: float) -> Message:
    message.created_at = timezone.now() - timedelta(**ago)
    message.save(update_fields=["created_at"])
    return message


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_message_tells_where_it_stands(api: Caller, slash: str) -> None:
    params = [
        {"key": "SEND_AT", "value": "2099-01-01T10:00:00Z"},
        {"key": "EXPIRES_AT", "value": "2099-07-01T10:00:00Z"},
    ]
    message = api.sent(
        requestId="r1", batchId="b1", partnerRef="p1", params=params, relatedMessageId=5, campaignPartId=6
    )  # fmt: skip
    answer = api.get(f"/v2/messages/{message.pk}{slash}")
    assert (answer.status_code, answer["Content-Type"]) == (200, JSON_API)
    assert answer.json() == {
        "data": {
            "type": "messages",
            "id": str(message.pk),
            "attributes": {
                "status": "HELD",
                "reason": None,
                "heldFor": "TIME",
                "channel": "EMAIL",
                "requestId": "r1",
                "batchId": "b1",
                "partnerRef": "p1",
                "messageType": None,
                "messageTypeVersion": None,
                "recipientName": "Teszt Elek",
                "recipientEmailAddress": "elek@example.com",
                "relatedMessageId": 5,
                "campaignPartId": 6,
                "attempts": 0,
                "attachmentCount": 0,
                "createdAt": format_moment(message.created_at),
                "updatedAt": format_moment(message.updated_at),
                "sendAt": "2099-01-01T11:00:00.000+01:00",
                "dueAt": "2099-01-01T11:00:00.000+01:00",
                "expiresAt": "2099-07-01T12:00:00.000+02:00",
                "closedAt": None,
                "openedAt": None,
                "erasedAt": None,
            },
        },
        "meta": {"params": [], "responseStatus": {"code": 0, "messages": []}},
    }


def test_a_message_names_the_version_of_its_template(api: Caller) -> None:
    make_template("TEST.MAIL", text="Szöveg")
    version = make_template("TEST.MAIL", text="Új szöveg")
    message = api.sent(messageType="TEST.MAIL", mailSubject=None, mailBody=None)
    attributes = api.get(f"/v2/messages/{message.pk}").json()["data"]["attributes"]
    assert (attributes["messageType"], attributes["messageTypeVersion"]) == ("TEST.MAIL", version.version)


def test_events_tell_the_life_of_a_message(api: Caller) -> None:
    message = api.sent()
    assert api.post(f"/v2/messages/{message.pk}/cancel", {"reason": "téves"}).status_code == 200
    answer = api.get(f"/v2/messages/{message.pk}/events")
    first, second = message.events.order_by("id")
    assert answer.json() == {
        "data": [
            {
                "type": "messageEvents",
                "id": str(event.pk),
                "attributes": {
                    "createdAt": format_moment(event.created_at),
                    "eventName": name,
                    "reason": reason,
                    "actor": api.client.name,
                    "recipients": None,
                    "facts": None,
                },
            }
            for event, name, reason in ((first, "ACCEPTED", None), (second, "CANCELLED", "téves"))
        ],
        "meta": {"total": 2, "params": [], "responseStatus": {"code": 0, "messages": []}},
    }


@pytest.mark.parametrize("body", [None, {}, {"reason": None}, {"reason": "téves"}])
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_message_can_be_withdrawn(api: Caller, body: Any, slash: str) -> None:
    message = api.sent()
    answer = api.post(f"/v2/messages/{message.pk}/cancel{slash}", b"" if body is None else body)
    assert answer.content == (
        b'{"data":{"type":"sendResponse","id":"%d","attributes":{}},"meta":{"total":null,"params":[],'
        b'"responseStatus":{"code":0,"messages":[]}}}' % message.pk
    )
    message.refresh_from_db()
    assert (message.status, message.closed_at is not None) == (Status.CANCELLED, True)


def test_the_reason_is_read_from_a_chunked_body_too(api: Caller) -> None:
    message = api.sent()
    body = b'{"reson": "x"}'
    environ = {"wsgi.input": BytesIO(body), "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    answer = Client().generic("POST", f"{BASE}/v2/messages/{message.pk}/cancel", headers=api.headers, **environ)
    assert problems(answer) == [(1004, "reson: unknown field")]
    message.refresh_from_db()
    assert message.status == Status.ACCEPTED


def test_a_closed_message_cannot_be_withdrawn(api: Caller) -> None:
    message = api.sent()
    api.post(f"/v2/messages/{message.pk}/cancel", b"")
    answer = api.post(f"/v2/messages/{message.pk}/cancel", b"")
    assert (answer.status_code, problems(answer)[0][0]) == (409, 3001)
    assert message.events.count() == 2


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ([], (1000, "the request must be a JSON object")),
        ({"reason": "x" * 1001}, (1002, "reason: must be one line of at most 1000 printable characters")),
        ({"reason": 7}, (1002, "reason: must be one line of at most 1000 printable characters")),
        ({"reason": "\x1b[2J"}, (1002, "reason: must be one line of at most 1000 printable characters")),
        ({"reason": "all is well\nSENT"}, (1002, "reason: must be one line of at most 1000 printable characters")),
        ({"why": "x"}, (1004, "why: unknown field")),
    ],
)
def test_a_bad_reason_withdraws_nothing(api: Caller, body: Any, found: tuple[int, str]) -> None:
    message = api.sent()
    assert problems(api.post(f"/v2/messages/{message.pk}/cancel", body)) == [found]
    message.refresh_from_db()
    assert message.status == Status.ACCEPTED


def test_s30_another_clients_message_looks_like_none(api: Caller) -> None:
    message = Caller().sent(requestId="r1", batchId="b1", partnerRef="p1")
    for number in (message.pk, message.pk + 1):
        for path, call in (("", api.get), ("/events", api.get), ("/cancel", lambda path: api.post(path, b""))):
            answer = call(f"/v2/messages/{number}{path}")
            assert (answer.status_code, problems(answer)) == (404, [(3000, f"message {number} not found")])
    for query in ({}, {"requestId": "r1"}, {"batchId": "b1"}, {"partnerRef": "p1"}, {"status": "ACCEPTED"}):
        assert api.get("/v2/messages", query).json() == {
            "data": [],
            "meta": {"total": 0, "params": [], "responseStatus": {"code": 0, "messages": []}},
        }
    message.refresh_from_db()
    assert message.status == Status.ACCEPTED


def test_who_may_see_all_sees_all() -> None:
    message = Caller().sent()
    everybody = Caller(rights=["send", "see_all"])
    assert everybody.get(f"/v2/messages/{message.pk}").status_code == 200
    assert numbers(everybody.get("/v2/messages")) == [message.pk]


@pytest.mark.parametrize("number", ["0", "-1", "abc", "1.5", "9223372036854775808", "9" * 30, "१", "%00", " 1"])
def test_what_is_no_number_is_no_message(api: Caller, number: str) -> None:
    for path in ("", "/events"):
        answer = api.get(f"/v2/messages/{number}{path}")
        assert (answer.status_code, problems(answer)[0][0]) == (404, 3000)


def test_the_newest_come_first_and_pages_never_overlap(api: Caller) -> None:
    made = [api.sent().pk for _ in range(5)]
    Message.objects.update(created_at=timezone.now())
    pages = [numbers(api.get("/v2/messages", {"limit": 2, "offset": offset})) for offset in (0, 2, 4, 6)]
    assert pages == [made[:2:-1], made[2:0:-1], made[:1], []]
    assert api.get("/v2/messages/", {"limit": 2}).json()["meta"]["total"] == 5


def test_lists_are_filtered(api: Caller) -> None:
    first = moved_back(api.sent(requestId="r1", batchId="b1", partnerRef="p1"), days=2)
    second = api.sent(requestId="r2", batchId="b1", partnerRef="p2")
    services.cancel(caller=make_caller(rights=["send", "see_all"]), message_ids=[second.pk], reason="")
    third = api.sent(requestId="r3", batchId="b3", partnerRef="p1")
    yesterday = format_moment(timezone.now() - timedelta(days=1))
    for query, found in (
        ({"requestId": "r1"}, [first]),
        ({"batchId": "b1"}, [second, first]),
        ({"partnerRef": "p1"}, [third, first]),
        ({"batchId": "b1", "partnerRef": "p1"}, [first]),
        ({"status": "CANCELLED"}, [second]),
        ({"statuses": "CANCELLED,ACCEPTED"}, [third, second, first]),
        ({"statuses[]": ["CANCELLED", "SENT"]}, [second]),
        ({"channel": "EMAIL"}, [third, second, first]),
        ({"channel": "POST"}, []),
        ({"createdAtFrom": yesterday}, [third, second]),
        ({"createdAtTo": yesterday}, [first]),
        ({"requestId": "", "unknown": "ignored"}, [third, second, first]),
    ):
        assert numbers(api.get("/v2/messages", query)) == [one.pk for one in found], query
        assert api.get("/v2/messages", query).json()["meta"]["total"] == len(found), query


def test_a_date_as_end_is_its_midnight_and_exclusive(api: Caller) -> None:
    message = api.sent()
    for moment, found in (
        (datetime(2025, 2, 10, 22, 59, 59, tzinfo=UTC), [message.pk]),
        (datetime(2025, 2, 10, 23, 0, tzinfo=UTC), []),
    ):
        Message.objects.update(created_at=moment)
        query = {"createdAtFrom": "2025-02-10", "createdAtTo": "2025-02-11"}
        assert numbers(api.get("/v2/messages", query)) == found


def test_lists_are_sorted(api: Caller) -> None:
    first, second = api.sent(), api.sent()
    services.cancel(caller=make_caller(rights=["send", "see_all"]), message_ids=[first.pk], reason="")
    for sort, found in (
        ("createdAt", [first, second]),
        ("-createdAt", [second, first]),
        ("-updatedAt", [first, second]),
        ("status", [second, first]),
        ("-status,createdAt", [first, second]),
    ):
        assert numbers(api.get("/v2/messages", {"sort": sort})) == [one.pk for one in found], sort


def test_s31_bad_parameters_are_all_told(api: Caller) -> None:
    query = {
        "limit": "1001", "offset": "-1", "sort": "recipientName", "status": "GONE", "createdAtFrom": "tomorrow",
        "requestId": "x" * 151, "filter[status]": "SENT", "page[size]": "1000000000",
    }  # fmt: skip
    answer = api.get("/v2/messages", query)
    assert answer.status_code == 400
    assert {error["source"]["parameter"]: error["code"] for error in answer.json()["errors"]} == {
        "limit": "1002", "offset": "1002", "sort": "1004", "requestId": "1002", "status": "1002",
        "createdAtFrom": "1002", "filter[status]": "1004", "page[size]": "1004",
    }  # fmt: skip


def test_a_list_costs_the_same_statements_whatever_its_length(
    api: Caller, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    make_template("TEST.MAIL", text="Szöveg")
    for _ in range(5):
        api.sent(messageType="TEST.MAIL", mailSubject=None, mailBody=None)
    with django_assert_max_num_queries(20) as one:
        api.get("/v2/messages", {"limit": 1})
    with django_assert_num_queries(len(one)):
        api.get("/v2/messages", {"limit": 5})


def test_reading_needs_the_right_to_send() -> None:
    lacking = Caller(rights=["portal"])
    for path in ("/v2/messages", "/v2/messages/1", "/v2/messages/1/events"):
        assert problems(lacking.get(path)) == [(2002, "the client lacks the right send")]


def test_words_of_a_letter_are_not_in_its_resource(api: Caller) -> None:
    message = api.sent(mailBody="titkos szavak")
    assert b"titkos" not in api.get(f"/v2/messages/{message.pk}").content
    assert LETTER["mailSubject"].encode() not in api.get("/v2/messages").content
