"""One letter over REST (contract send_v2, "Faces")."""

import json
from base64 import b64encode
from typing import Any

import pytest
from django.test import Client

from gateway.errors import Code, refuse
from sending import services
from sending.channels import letter_channels
from sending.models import Attachment, Blob, Message, MessageEvent
from tests.factories import headers_for, make_client, make_user
from tests.sending.factories import make_template
from tests.sending.send_v2_calls import (
    BASE,
    JSON,
    JSON_API,
    LETTER,
    Caller,
    document,
    files,
    keep_files_in,
    nothing_happened,
    problems,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(settings: Any, tmp_path: Any) -> Caller:
    keep_files_in(tmp_path, settings)
    return Caller()


@pytest.mark.parametrize("path", ["/v2/send", "/v2/send/", "/v1/send", "/v1/send/"])
def test_a_plain_letter_is_answered_as_printed(api: Caller, path: str) -> None:
    answer = api.post(path, LETTER)
    number = Message.objects.get().pk
    assert (answer.status_code, answer["Content-Type"]) == (200, JSON)
    assert answer.content == b'{"meta":{"responseStatus":{"code":0,"messages":[]},"params":[]},"messageId":%d}' % number


@pytest.mark.parametrize("path", ["/v2/send", "/v2/send/", "/v1/send", "/v1/send/"])
def test_a_json_api_letter_is_answered_as_printed(api: Caller, path: str) -> None:
    answer = api.post(path, document(), content_type=JSON_API)
    number = Message.objects.get().pk
    assert (answer.status_code, answer["Content-Type"]) == (200, JSON_API)
    assert answer.content == (
        b'{"data":{"type":"sendResponse","id":"%d","attributes":{}},"meta":{"total":null,"params":[],'
        b'"responseStatus":{"code":0,"messages":[]}}}' % number
    )


def test_both_forms_leave_the_same_rows(api: Caller) -> None:
    api.send()
    api.post("/v2/send", document(), content_type=JSON_API)
    first, second = Message.objects.order_by("id").values("content", "digest", "client", "status", "user_name")
    assert first == second


@pytest.mark.parametrize(
    "content_type", ["", "application/json; charset=utf-8", "application/x-www-form-urlencoded", "APPLICATION/JSON"]
)
def test_plain_json_may_come_without_saying_so(api: Caller, content_type: str) -> None:
    answer = Client().generic(
        "POST", f"{BASE}/v2/send", json.dumps(LETTER), content_type=content_type, headers=api.headers
    )
    assert (answer.status_code, answer["Content-Type"]) == (200, JSON)


def test_accept_is_ignored(api: Caller) -> None:
    assert api.post("/v2/send", LETTER, accept="text/html").status_code == 200


def test_attachments_are_kept_with_their_bytes(api: Caller) -> None:
    source = {"key": "ATTACHMENT_SOURCE", "value": "INLINE"}
    content = b64encode(b"%PDF-1.4 minta").decode()
    message = api.sent(attachments=[{"fileName": "minta.pdf", "content": content, "properties": [source]}])
    attachment = Attachment.objects.get(message=message)
    assert (attachment.file_name, attachment.media_type, attachment.blob.size) == ("minta.pdf", "application/pdf", 14)
    assert files() == [Blob.path(attachment.blob_id)]


def test_an_attachment_may_come_as_json_api(api: Caller) -> None:
    sent = document()
    sent["data"]["relationships"] = {"attachments": {"data": [{"type": "attachments", "id": "1"}]}}
    sent["included"] = [
        {
            "type": "attachments",
            "id": "1",
            "attributes": {"fileName": "minta.pdf", "content": b64encode(b"%PDF").decode(), "contentAvailable": True},
            "relationships": {"properties": {"data": [{"type": "properties", "id": "1"}]}},
        },
        {"type": "properties", "id": "1", "attributes": {"key": "ATTACHMENT_SOURCE", "value": "INLINE"}},
    ]
    assert api.post("/v2/send", sent, content_type=JSON_API).status_code == 200
    assert Attachment.objects.get().file_name == "minta.pdf"


def test_v1_names_are_taken_by_both_versions(api: Caller) -> None:
    letter = {"recipientName": "N", "mailSubject": "S", "mailBody": "B", "recipientAddress": "a@b.hu"}
    for path in ("/v1/send", "/v2/send"):
        assert api.post(path, letter).status_code == 200
    assert set(Message.objects.values_list("recipient_email_address", flat=True)) == {"a@b.hu"}


def test_every_problem_is_told_at_once_and_nothing_is_left(api: Caller) -> None:
    answer = api.post("/v2/send", {"recipientAddress": "nobody", "fromName": "x" * 101, "nope": 1})
    assert (answer.status_code, answer["Content-Type"]) == (400, JSON)
    assert problems(answer) == [
        (1001, "mailSubject: required without messageType"),
        (1001, "mailBody: required without messageType, unless mailHtmlBody is given"),
        (1002, "recipientAddress: not a valid e-mail address: nobody"),
        (1001, "recipientName: required"),
        (1002, "fromName: must be at most 100 characters"),
        (1004, "nope: unknown field"),
    ]
    pointers = [error["source"]["pointer"] for error in answer.json()["errors"]]
    assert pointers == ["/mailSubject", "/mailBody", "/recipientAddress", "/recipientName", "/fromName", "/nope"]
    assert nothing_happened()


def test_a_json_api_refusal_points_into_the_document(api: Caller) -> None:
    answer = api.post("/v2/send", document(mailSubject="x" * 601, fromAddress="nobody"), content_type=JSON_API)
    assert (answer.status_code, answer["Content-Type"]) == (400, JSON_API)
    assert answer.json() == {
        "errors": [
            {
                "status": "400",
                "code": "1002",
                "title": "Invalid value",
                "detail": "mailSubject: must be at most 600 characters",
                "source": {"pointer": "/data/attributes/mailSubject"},
            },
            {
                "status": "400",
                "code": "1002",
                "title": "Invalid value",
                "detail": "fromAddress: not a valid e-mail address: nobody",
                "source": {"pointer": "/data/attributes/fromAddress"},
            },
        ],
        "meta": {
            "params": [],
            "responseStatus": {
                "code": 1002,
                "messages": [
                    "mailSubject: must be at most 600 characters",
                    "fromAddress: not a valid e-mail address: nobody",
                ],
            },
        },
    }
    assert nothing_happened()


def test_a_services_refusal_is_in_the_callers_words(api: Caller) -> None:
    letter = LETTER | {"recipientAddress": "nobody"}
    del letter["recipientEmailAddress"]
    assert problems(api.post("/v2/send", letter)) == [(1002, "recipientAddress: not a valid e-mail address: nobody")]
    sent = {"data": {"type": "sendRequest", "attributes": letter}}
    answer = api.post("/v2/send", sent, content_type=JSON_API)
    assert answer.json()["errors"][0]["source"] == {"pointer": "/data/attributes/recipientAddress"}
    assert nothing_happened()


def test_an_unsupported_channel_lists_the_supported_ones(api: Caller) -> None:
    supported = ", ".join(letter_channels())
    assert problems(api.send(channel="FAX")) == [(1002, f"channel: must be one of {supported}")]
    assert nothing_happened()


def test_an_unknown_template_is_404_and_a_known_one_is_used(api: Caller) -> None:
    letter = {"recipientName": "N", "recipientEmailAddress": "a@b.hu", "messageType": "TEST.MAIL"}
    unknown = api.post("/v2/send", letter)
    assert (unknown.status_code, problems(unknown)) == (404, [(3002, "messageType: no such template")])
    assert nothing_happened()
    version = make_template("TEST.MAIL")
    known = api.post("/v2/send", letter | {"properties": [{"key": "AZON", "value": "7"}], "messageTypeVersion": "1"})
    assert known.status_code == 200
    assert Message.objects.get().template_version_id == version.pk


def test_other_methods_are_refused(api: Caller) -> None:
    answer = api.get("/v2/send")
    assert (answer.status_code, answer["Allow"], problems(answer)[0][0]) == (405, "POST", 1000)


def test_who_may_not_send_is_refused() -> None:
    lacking = Caller(rights=["portal"])
    answer = lacking.send()
    assert (answer.status_code, problems(answer)) == (403, [(2002, "the client lacks the right send")])
    anonymous = Client().post(f"{BASE}/v2/send", LETTER, content_type=JSON)
    assert (anonymous.status_code, problems(anonymous)[0][0]) == (401, 2000)
    assert nothing_happened()


@pytest.mark.parametrize("place", ["requestMeta", ""])
def test_the_client_may_be_named_by_the_body_alone(api: Caller, place: str) -> None:
    named = {"clientHashKey": api.keys.client_hash_key}
    letter = {place: named} if place else named
    for data, form in ((LETTER | letter, JSON), (document(**letter), JSON_API)):
        answer = Client().post(f"{BASE}/v2/send", json.dumps(data), content_type=form)
        assert answer.status_code == 200
    assert set(Message.objects.values_list("client_id", flat=True)) == {api.client.pk}


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"requestMeta":7}', b'{"requestMeta":{"clientHashKey":7}}', b'{"clientHashKey":"nobody"}']
)
def test_s29_a_body_that_names_no_client_is_a_strangers(body: bytes) -> None:
    answer = Client().post(f"{BASE}/v2/send", body, content_type=JSON)
    assert (answer.status_code, problems(answer)[0][0]) == (401, 2000)
    assert nothing_happened()


def test_a_strangers_large_body_is_not_read_for_a_key(api: Caller) -> None:
    letter = LETTER | {"clientHashKey": api.keys.client_hash_key, "mailBody": "x" * 1024 * 1024}
    answer = Client().post(f"{BASE}/v2/send", json.dumps(letter), content_type=JSON)
    assert (answer.status_code, problems(answer)[0][0]) == (401, 2000)


def test_s29_the_body_may_not_name_another_client(api: Caller) -> None:
    key = api.keys.client_hash_key
    assert api.send(requestMeta={"clientHashKey": key}, clientHashKey=key).status_code == 200
    Message.objects.all().delete()
    other = Caller()
    answer = api.send(requestMeta={"clientHashKey": other.keys.client_hash_key})
    assert (answer.status_code, problems(answer)) == (
        401,
        [(2000, "requestMeta.clientHashKey: is not the client of this request")],
    )
    assert nothing_happened()


def test_s29_the_body_may_not_name_another_user(api: Caller) -> None:
    answer = api.post("/v2/send", LETTER | {"requestMeta": {"userName": "bela"}}, X_User_Name="anna")
    assert problems(answer) == [(2000, "requestMeta.userName: is not the user of this request")]
    answer = api.send(userName="anna", requestMeta={"userName": "bela"})
    assert problems(answer) == [
        (2000, "userName: is not the user of this request"),
        (2000, "requestMeta.userName: is not the user of this request"),
    ]
    assert nothing_happened()


def test_a_user_named_by_the_body_alone_is_recorded(api: Caller) -> None:
    assert api.sent(userName="anna").user_name == "anna"


def test_a_user_proved_by_a_token_may_act_for_another_only_with_the_right() -> None:
    anna = make_user(username="anna")
    for rights, status in ((["send"], 401), (["send", "act_for_users"], 200)):
        client, keys = make_client(rights=rights)
        answer = Client().post(
            f"{BASE}/v2/send", LETTER | {"userName": "bela"}, content_type=JSON, headers=headers_for(keys, anna)
        )
        assert answer.status_code == status
    assert [(one.user_name, one.client_id) for one in Message.objects.all()] == [("bela", client.pk)]


def test_the_same_request_id_is_one_message(api: Caller) -> None:
    answers = [api.send(requestId="r1").content for _ in range(2)]
    answers.append(api.post("/v1/send", LETTER | {"requestId": "r1"}).content)
    assert len(set(answers)) == 1
    as_document = api.post("/v2/send", document(requestId="r1"), content_type=JSON_API)
    assert as_document.json()["data"]["id"] == str(Message.objects.get().pk)
    assert MessageEvent.objects.count() == 1


def test_the_same_request_id_with_other_content_is_409(api: Caller) -> None:
    number = api.sent(requestId="r1").pk
    answer = api.send(requestId="r1", mailBody="más")
    sentence = f"requestId: already used for message {number} with different content; use a new request id"
    assert (answer.status_code, problems(answer)) == (409, [(1005, sentence)])
    assert Message.objects.count() == 1


def test_s30_request_ids_of_two_clients_never_meet(api: Caller) -> None:
    api.sent(requestId="r1")
    Caller().sent(requestId="r1", mailBody="más")
    assert Message.objects.count() == 2


def test_a_client_may_reuse_its_request_ids() -> None:
    api = Caller(request_id_unique=False)
    assert api.sent(requestId="123").pk != api.sent(requestId="123", mailBody="más").pk


def test_a_refused_letter_does_not_burn_its_request_id(api: Caller) -> None:
    assert api.send(requestId="r1", mailSubject=None).status_code == 400
    assert api.send(requestId="r1").status_code == 200


def test_what_nobody_foresaw_is_9000_with_a_reference(api: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def submit(**_: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(services, "submit", submit)
    answer = api.send()
    assert (answer.status_code, problems(answer)[0][0]) == (500, 9000)
    assert b"secret" not in answer.content


def test_a_refusals_retry_after_reaches_the_caller(api: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def submit(**_: Any) -> None:
        refusal = refuse(Code.UNAVAILABLE, "temporarily unavailable")
        refusal.retry_after = 7
        raise refusal

    monkeypatch.setattr(services, "submit", submit)
    answer = api.send()
    assert (answer.status_code, answer["Retry-After"]) == (503, "7")
