"""Resend over REST and SOAP: how messages may be named, and what is refused in whose words (contract send_v2)."""

from typing import Any

import pytest
from django.utils import timezone

from sending.models import Message
from tests.sending.send_v2_calls import JSON, JSON_API, Caller, problems
from tests.soap import soap_status

pytestmark = pytest.mark.django_db

OK = {"code": 0, "messages": []}


@pytest.fixture
def api() -> Caller:
    return Caller()


def closed(api: Caller, **members: Any) -> int:
    message = api.sent(**members)
    Message.objects.filter(pk=message.pk).update(status="SENT", closed_at=timezone.now(), due_at=None)
    return message.pk


def resend(api: Caller, **members: Any) -> Any:
    return api.post("/v2/resend", members)


def as_json_api(api: Caller, **attributes: Any) -> Any:
    document = {"data": {"type": "resendRequests", "attributes": attributes}}
    return api.post("/v2/resend", document, content_type=JSON_API)


def newest() -> Message:
    return Message.objects.order_by("-id")[0]


def test_plain_json_is_answered_in_kind(api: Caller) -> None:
    number = closed(api)
    answer = resend(api, messageId=number)
    assert (answer.status_code, answer["Content-Type"]) == (200, JSON)
    assert answer.json() == {"meta": {"responseStatus": OK, "params": []}, "messageId": newest().pk}
    assert newest().related_message_id == number


def test_json_api_is_answered_in_kind(api: Caller) -> None:
    number = closed(api)
    answer = as_json_api(api, messageId=number)
    assert (answer.status_code, answer["Content-Type"]) == (200, JSON_API)
    assert answer.json() == {
        "data": {"type": "sendResponse", "id": str(newest().pk), "attributes": {}},
        "meta": {"total": None, "params": [], "responseStatus": OK},
    }


@pytest.mark.parametrize(
    "spelt",
    [
        lambda a, b: {"messageId": [a, b]},
        lambda a, b: {"messageIds": [str(a), b, a, ""]},
        lambda a, b: {"messageIds": {"messageId": [a, b]}},
        lambda a, b: {"messageId": a, "messageIds": [b]},
    ],
)
def test_several_are_answered_with_the_first_and_a_parameter_for_each_other(api: Caller, spelt: Any) -> None:
    first, second = closed(api), closed(api)
    answer = resend(api, **spelt(second, first))
    made = list(Message.objects.order_by("id"))[2:]
    assert [one.related_message_id for one in made] == [second, first]
    assert answer.json() == {
        "meta": {"responseStatus": OK, "params": [{"key": "messageId", "value": str(made[1].pk)}]},
        "messageId": made[0].pk,
    }


@pytest.mark.parametrize(
    "fields",
    [
        "<messageId>{0}</messageId><messageId>{1}</messageId>",
        "<messageIds><messageId> {0} </messageId><messageId>{1}</messageId></messageIds>",
        "<messageIds>{0}</messageIds><send:messageIds>{1}</send:messageIds><messageId/><params/>",
    ],
)
def test_several_over_soap(api: Caller, fields: str) -> None:
    first, second = closed(api), closed(api)
    answer = api.soap("resendMail", fields.format(second, first))
    made = list(Message.objects.order_by("id"))[2:]
    assert [one.related_message_id for one in made] == [second, first]
    assert answer.content.decode().partition("<response>")[2].partition("</response>")[0] == (
        f"<messageId>{made[0].pk}</messageId><status><code>0</code><messages/></status>"
        f"<params><param><key>messageId</key><value>{made[1].pk}</value></param></params>"
    )


def test_addresses_times_and_the_request_id_are_the_resends_own(api: Caller) -> None:
    number = closed(api)
    params = [{"key": "SEND_AT", "value": "2045-02-10T08:00:00+01:00"}]
    given = {"messageId": number, "recipientAddress": "uj@example.com", "requestId": "r", "params": params}
    first, again = resend(api, **given), resend(api, **given)
    assert first.json() == again.json()
    message = newest()
    assert (message.pk, message.status, message.held_for) == (first.json()["messageId"], "HELD", "TIME")
    assert (message.request_id, message.recipient_email_address) == ("r", "uj@example.com")
    other = resend(api, messageId=number, requestId="r")
    assert problems(other) == [
        (1005, f"requestId: already used for message {message.pk} with different content; use a new request id")
    ]


def test_every_problem_comes_at_once_in_the_callers_spelling(api: Caller) -> None:
    given = {
        "messageId": ["x", -1], "recipientAddress": "a\nb", "mailBody": "no", "requestId": "r" * 151,
        "params": [{"key": "COLOUR", "value": "red"}], "requestMeta": {"colour": "red"},
    }  # fmt: skip
    told = [
        (1004, "requestMeta.colour: unknown field"),
        (1002, "messageId[0]: must be a whole number"),
        (1002, "messageId[1]: must be between 1 and 9223372036854775807"),
        (1002, "requestId: must be at most 150 characters"),
        (1002, "recipientAddress: must be one line without control characters"),
        (1004, "params[0].key: unknown parameter; known are SEND_AT, EXPIRES_AT"),
        (1004, "mailBody: unknown field"),
    ]
    refused = resend(api, **given)
    assert problems(refused) == told
    assert refused.json()["errors"][1]["source"] == {"pointer": "/messageId/0"}
    refused = as_json_api(api, **given)
    assert problems(refused) == told
    assert refused.json()["errors"][1]["source"] == {"pointer": "/data/attributes/messageId/0"}
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, (1001, "messageId: required")),
        ({"messageId": []}, (1001, "messageId: required")),
        ({"messageIds": ""}, (1001, "messageId: required")),
        ({"messageId": "x"}, (1002, "messageId: must be a whole number")),
        ({"messageId": True}, (1002, "messageId: must be a whole number")),
        ({"messageIds": {"id": 1}}, (1002, "messageIds: must be a whole number")),
        ({"messageId": 10**19}, (1002, "messageId: must be between 1 and 9223372036854775807")),
        ({"messageIds": list(range(1, 1002))}, (1002, "messageIds: must hold at most 1000")),
    ],
)
def test_messages_are_named_by_their_numbers(api: Caller, given: dict[str, Any], told: tuple[int, str]) -> None:
    assert problems(resend(api, **given)) == [told]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ([], [(1000, "data: must be one resource object")]),
        ({"data": []}, [(1000, "data: must be one resource object")]),
        ({"data": {"type": "sendRequests", "relationships": {}, "attributes": []}, "included": []},
         [(1004, "included: unknown member"), (1004, "data.relationships: unknown member"),
          (1002, "data.type: must be resendRequests")]),
        ({"data": {"type": "resendRequest", "attributes": [1]}}, [(1002, "data.attributes: must be an object")]),
        ({"data": {"type": "resendRequest", "id": "7"}}, [(1001, "messageId: required")]),
    ],
)  # fmt: skip
def test_what_is_no_such_document_is_refused(api: Caller, body: Any, told: list[tuple[int, str]]) -> None:
    assert problems(api.post("/v2/resend", body, content_type=JSON_API)) == told


def test_what_a_message_is_refused_for_is_told_where_it_was_named(api: Caller) -> None:
    good, bad = closed(api), closed(api)
    message = Message.objects.get(pk=bad)
    Message.objects.filter(pk=bad).update(content=message.content | {"mail_subject": ""})
    told = f"message {bad} cannot be sent again: mailSubject: required without messageType"
    assert problems(resend(api, messageIds=[good, bad])) == [(1001, f"messageIds[1]: {told}")]
    assert problems(resend(api, messageId=bad)) == [(1001, f"messageId: {told}")]
    assert soap_status(api.soap("resendMail", f"<messageId>{bad}</messageId>")) == (1001, [f"messageId: {told}"])
    assert Message.objects.count() == 2


def test_a_message_under_way_is_a_conflict_and_another_clients_is_not_found(api: Caller) -> None:
    open_one, theirs = api.sent().pk, closed(Caller())
    refused = resend(api, messageId=open_one)
    assert (refused.status_code, problems(refused)) == (
        409, [(3001, f"cannot be sent again: message {open_one} is ACCEPTED")]
    )  # fmt: skip
    refused = resend(api, messageId=theirs)
    assert (refused.status_code, problems(refused)) == (404, [(3000, f"message {theirs} not found")])
    assert soap_status(api.soap("resendMail", f"<messageId>{theirs}</messageId>")) == (
        3000, [f"message {theirs} not found"]
    )  # fmt: skip
    assert Message.objects.count() == 2


@pytest.mark.parametrize("address", ["uj@", "a@example.com\r\nBcc: b@example.com"])
def test_s16_addresses_are_checked_as_those_of_a_letter(api: Caller, address: str) -> None:
    number = closed(api)
    refused = resend(api, messageId=number, recipientEmailAddress=address)
    assert [(code, told.partition(":")[0]) for code, told in problems(refused)] == [(1002, "recipientEmailAddress")]
    assert Message.objects.count() == 1


def test_the_key_and_the_user_may_stand_in_the_body(api: Caller) -> None:
    number = closed(api)
    api.headers, key = {}, api.keys.client_hash_key
    assert resend(api, messageId=number).status_code == 401
    meta = {"clientHashKey": key, "userName": "anna"}
    assert resend(api, messageId=number, requestMeta=meta).status_code == 200
    assert as_json_api(api, messageId=number, clientHashKey=key, userName="anna").status_code == 200
    assert [one.user_name for one in Message.objects.order_by("id")[1:]] == ["anna", "anna"]
    two = {"requestMeta": {**meta, "clientHashKey": "x"}, "clientHashKey": key}
    assert resend(api, messageId=number, **two).status_code == 401
