"""Send V2 over AMQP as the door sees it: three forms, read and answered in kind; no broker near."""

import gzip
import json
import zlib
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from gateway.amqp.delivery import UNREADABLE
from gateway.errors import Code
from gateway.lookup import caller_of
from sending import services
from sending.models import Message
from sending.send_v2 import amqp
from tests.sending.queue_calls import JSON, JSON_API, XML, QueueCaller, status
from tests.sending.send_v2_calls import LETTER, document, nothing_happened

pytestmark = pytest.mark.django_db

XML_LETTER = (
    "<sendMailRequest><recipientName>Teszt Elek</recipientName>"
    "<recipientEmailAddress>elek@example.com</recipientEmailAddress><mailSubject>Teszt levél tárgy</mailSubject>"
    "<mailBody>Teszt levél szöveg</mailBody></sendMailRequest>"
)


@pytest.fixture
def queue() -> QueueCaller:
    return QueueCaller()


# ── in kind ─────────────────────────────────────────────────────────────────────────────────────
def test_json_is_answered_as_json(queue: QueueCaller) -> None:
    answer = queue.ask()
    message = Message.objects.get()
    assert (answer.media_type, answer.refusal, answer.is_dead, answer.is_to_wait) == (JSON, "", False, False)
    assert answer.body == (
        b'{"meta":{"responseStatus":{"code":0,"messages":[]},"params":[]},"messageId":%d}' % message.pk
    )
    assert (message.subject, message.client_id, message.request_id) == ("Teszt levél tárgy", queue.client.pk, "")


def test_json_api_is_answered_without_a_total(queue: QueueCaller) -> None:
    answer = queue.ask(json.dumps(document()), content_type=JSON_API)
    assert answer.media_type == JSON_API
    assert answer.body == (
        b'{"data":{"type":"sendResponse","id":"%d","attributes":{}},'
        b'"meta":{"params":[],"responseStatus":{"code":0,"messages":[]}}}'
    ) % (Message.objects.get().pk)


@pytest.mark.parametrize("content_type", [XML, "text/xml", "application/xml; charset=utf-8", "Application/XML"])
def test_xml_is_answered_as_xml(queue: QueueCaller, content_type: str) -> None:
    answer = queue.ask(XML_LETTER, content_type=content_type)
    assert answer.media_type == XML
    assert answer.body.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<sendMailResponse><messageId>{Message.objects.get().pk}</messageId>"
        "<status><code>0</code><messages/></status></sendMailResponse>"
    )


def test_all_forms_of_a_letter_leave_the_same_content(queue: QueueCaller) -> None:
    forms = [(json.dumps(LETTER), JSON), (json.dumps(document()), JSON_API), (XML_LETTER, XML)]
    for number, (body, content_type) in enumerate(forms):
        queue.ask(body, content_type=content_type, message_id=f"m-{number}")
    contents = Message.objects.values_list("content", flat=True)
    assert len(contents) == 3
    assert all(content == contents[0] for content in contents)


def test_the_header_content_type_serves_where_the_property_is_absent(queue: QueueCaller) -> None:
    answer = queue.ask(XML_LETTER, content_type=None, headers={"Content-Type": XML})
    assert (answer.media_type, status(answer)) == (XML, (0, []))


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-python-serialize", "application/x-yaml", None])
def test_s34_no_other_form_is_read(queue: QueueCaller, content_type: str | None) -> None:
    answer = queue.ask(b"\x80\x04cos\nsystem\n.", content_type=content_type)
    sentence = "content_type: must be application/xml, application/json or application/vnd.api+json"
    assert (answer.media_type, answer.is_dead, status(answer)) == (JSON, True, (1000, [sentence]))
    assert nothing_happened()


def test_refusals_of_json_and_json_api_are_the_common_document(queue: QueueCaller) -> None:
    for body, content_type, pointer in (
        ({"recipientName": ""}, JSON, "/recipientName"),
        (json.dumps(document(recipientName="")), JSON_API, "/data/attributes/recipientName"),
    ):
        answer = queue.ask(body, content_type=content_type)
        assert json.loads(answer.body) == {
            "errors": [
                {
                    "status": "400", "code": "1001", "title": "Required field missing",
                    "detail": "recipientName: required", "source": {"pointer": pointer},
                }
            ],
            "meta": {"params": [], "responseStatus": {"code": 1001, "messages": ["recipientName: required"]}},
        }  # fmt: skip
        assert (answer.code, answer.refusal, answer.is_dead) == (1001, "recipientName: required", False)
    assert nothing_happened()


def test_a_refusal_in_xml_is_the_status_alone(queue: QueueCaller) -> None:
    answer = queue.ask("<sendMailRequest><recipientNam>x</recipientNam></sendMailRequest>", content_type=XML)
    assert answer.body.decode().partition("\n")[2].startswith("<sendMailResponse><status><code>1001</code><messages>")
    assert status(answer) == (
        1001,
        [
            "mailSubject: required without messageType",
            "mailBody: required without messageType, unless mailHtmlBody is given",
            "recipientEmailAddress: required",
            "recipientName: required",
            "recipientNam: unknown field; did you mean recipientName?",
        ],
    )
    assert nothing_happened()


# ── which method ────────────────────────────────────────────────────────────────────────────────
def test_without_a_method_the_root_decides_and_else_it_is_send(queue: QueueCaller) -> None:
    none = {"X-Method-Name": None}
    assert status(queue.ask(XML_LETTER, content_type=XML, headers=none, message_id="1"))[0] == 0
    assert status(queue.ask(headers=none, message_id="2"))[0] == 0
    resend = "<resendMailRequest><messageId>99</messageId></resendMailRequest>"
    answer = queue.ask(resend, content_type=XML, headers=none, message_id="3")
    assert b"<resendMailResponse><status><code>3000</code>" in answer.body
    assert Message.objects.count() == 2


@pytest.mark.parametrize(
    ("headers", "body", "sentence"),
    [
        (
            {"X-Method-Name": "Send_V1_Send"}, XML_LETTER,
            "X-Method-Name: must be Send_V2_Send or Send_V2_Resend",
        ),
        (
            {"X-Method-Name": "Send_V2_Resend"}, XML_LETTER,
            "X-Method-Name: names another method than the root of the body, sendMailRequest",
        ),
        ({}, "<mail/>", "the root of the body must be sendMailRequest or resendMailRequest"),
    ],
)  # fmt: skip
def test_another_method_is_refused(queue: QueueCaller, headers: Any, body: str, sentence: str) -> None:
    answer = queue.ask(body, content_type=XML, headers=headers)
    assert (answer.is_dead, status(answer)) == (True, (1000, [sentence]))
    assert nothing_happened()


# ── who calls ───────────────────────────────────────────────────────────────────────────────────
def test_the_key_may_stand_in_the_body_and_the_user_is_recorded(queue: QueueCaller) -> None:
    key = queue.keys.client_hash_key
    first = queue.sent({"clientHashKey": key, "userName": "ekis"}, headers={"X-Client-Hash-Key": None}, message_id="1")
    second = queue.sent({"requestMeta": {"clientHashKey": key}}, headers={"X-User-Name": "ekis"}, message_id="2")
    assert [(one.client_id, one.user_name) for one in (first, second)] == [(queue.client.pk, "ekis")] * 2


@pytest.mark.parametrize(
    ("headers", "body", "sentence"),
    [
        ({"X-Client-Hash-Key": None}, {}, "X-Client-Hash-Key: required"),
        ({"X-Client-Hash-Key": "hk_none"}, {}, "X-Client-Hash-Key: unknown or inactive"),
        (
            {}, {"clientHashKey": "hk_other"},
            "X-Client-Hash-Key: clientHashKey and X-Client-Hash-Key say different things",
        ),
        (
            {"X-User-Name": "one"}, {"requestMeta": {"userName": "two"}},
            "X-User-Name: userName and X-User-Name say different things",
        ),
        ({"X-User-Name": "a\nb"}, {}, "X-User-Name: must be at most 150 printable characters"),
        ({"X-User-Name": "a" * 151}, {}, "X-User-Name: must be at most 150 printable characters"),
    ],
)  # fmt: skip
def test_who_is_not_known_is_refused(queue: QueueCaller, headers: Any, body: Any, sentence: str) -> None:
    answer = queue.ask(body, headers=headers)
    assert (answer.is_dead, status(answer)) == (False, (2000, [sentence]))
    assert nothing_happened()


@pytest.mark.usefixtures("half_past")
def test_rights_and_limits_hold(queue: QueueCaller) -> None:
    assert status(QueueCaller(rights=["jobs.read"]).ask()) == (2002, ["the client lacks the right send"])
    busy = QueueCaller(requests_per_minute=1)
    assert [status(busy.ask(message_id=str(number)))[0] for number in range(2)] == [0, 2003]
    # A queue knows no address: who may write to it, the broker decides.
    assert status(QueueCaller(allowed_networks=["192.0.2.0/24"]).ask())[0] == 0
    assert Message.objects.count() == 2


# ── once ────────────────────────────────────────────────────────────────────────────────────────
def test_r9_the_same_message_again_is_answered_alike_and_sends_nothing(queue: QueueCaller) -> None:
    first = queue.ask(message_id="m-7")
    again = queue.ask(message_id="m-7")
    other = queue.ask(message_id="m-8")
    assert first == again != other
    assert Message.objects.count() == 2


def test_r9_twice_in_one_batch_is_once(queue: QueueCaller) -> None:
    answers = amqp.answers([queue.delivery(message_id="m-7", tag=tag) for tag in (1, 2, 3)])
    assert answers[0] == answers[1] == answers[2]
    assert Message.objects.count() == 1


def test_the_request_id_goes_before_the_message_id(queue: QueueCaller) -> None:
    first = queue.ask({"requestId": "r-1"}, message_id="m-1")
    again = queue.ask({"requestId": "r-1"}, message_id="m-2")
    other = queue.ask({"requestId": "r-2"}, message_id="m-1")
    assert first == again != other
    assert sorted(Message.objects.values_list("request_id", flat=True)) == ["r-1", "r-2"]


def test_a_message_id_is_no_request_id(queue: QueueCaller) -> None:
    by_message, by_request = queue.sent(message_id="same"), queue.sent({"requestId": "same"}, message_id=None)
    assert by_message.pk != by_request.pk
    assert (by_message.request_id, by_request.request_id) == ("", "same")


def test_where_request_ids_may_repeat_the_message_id_still_tells_a_redelivery() -> None:
    queue = QueueCaller(request_id_unique=False)
    ids = [queue.sent({"requestId": "r"}, message_id=message_id).pk for message_id in ("1", "1", "2")]
    assert ids[0] == ids[1] != ids[2]


def test_another_letter_under_the_same_message_id_is_refused(queue: QueueCaller) -> None:
    first = queue.sent(message_id="m-1")
    answer = queue.ask({"mailSubject": "other"}, message_id="m-1")
    sentence = f"message_id: already used for message {first.pk} with different content; use a new message id"
    assert (answer.is_dead, status(answer)) == (False, (1005, [sentence]))
    assert Message.objects.count() == 1


def test_each_client_has_message_ids_of_its_own(queue: QueueCaller) -> None:
    assert queue.sent(message_id="m").pk != QueueCaller().sent(message_id="m").pk


def test_a_message_id_of_any_length_serves(queue: QueueCaller) -> None:
    assert queue.ask(message_id="é" * 127) == queue.ask(message_id="é" * 127)
    assert Message.objects.count() == 1


# ── batches ─────────────────────────────────────────────────────────────────────────────────────
def test_a_batch_of_several_clients_is_answered_one_by_one(queue: QueueCaller) -> None:
    other = QueueCaller()
    answers = amqp.answers(
        [
            queue.delivery(message_id="1"),
            queue.delivery("{", message_id="2"),
            other.delivery(message_id="1"),
            queue.delivery({"recipientName": None}, message_id="3"),
            queue.delivery(XML_LETTER, content_type=XML, message_id="4"),
        ]
    )
    assert [answer.code for answer in answers] == [0, 1000, 0, 1001, 0]
    assert [answer.media_type for answer in answers] == [JSON, JSON, JSON, JSON, XML]
    assert sorted(Message.objects.values_list("client_id", flat=True)) == [queue.client.pk] * 2 + [other.client.pk]


def test_while_there_is_no_database_messages_wait(queue: QueueCaller, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(**_: Any) -> None:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(services, "submit_many", gone)
    bad, good = amqp.answers([queue.delivery("{", message_id="1"), queue.delivery(message_id="2")])
    assert (bad.code, bad.is_to_wait) == (1000, False)
    assert (good.body, good.is_to_wait) == (b"", True)
    assert nothing_happened()


def test_a_letter_that_fails_over_is_not_the_others_fault(queue: QueueCaller, monkeypatch: pytest.MonkeyPatch) -> None:
    submit_many = services.submit_many

    def failing(*, caller: Any, letters: Any) -> Any:
        if any(letter.mail_subject == "bad" for letter in letters):
            raise RuntimeError("a secret of ours")
        return submit_many(caller=caller, letters=letters)

    monkeypatch.setattr(services, "submit_many", failing)
    deliveries = [queue.delivery({"mailSubject": subject}, message_id=subject) for subject in ("a", "bad", "c")]
    first, failed, last = amqp.answers(deliveries)
    assert [first.code, failed.code, last.code] == [0, Code.INTERNAL, 0]
    assert failed.is_dead
    assert failed.refusal.startswith("internal failure, reference ")
    assert Message.objects.count() == 2


# ── resend ──────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ('{"messageId": %d}', JSON),
        ('{"data": {"type": "resendRequests", "attributes": {"messageId": %d}}}', JSON_API),
        ("<resendMailRequest><messageId>%d</messageId></resendMailRequest>", XML),
    ],
)
def test_a_closed_message_is_sent_again_once(queue: QueueCaller, body: str, content_type: str) -> None:
    first = queue.sent(message_id="first")
    services.cancel(caller=submitted_by(queue), message_ids=[first.pk], reason="test")
    options = {"content_type": content_type, "headers": {"X-Method-Name": "Send_V2_Resend"}, "message_id": "again"}
    answer = queue.ask(body % first.pk, **options)
    assert (answer.media_type, status(answer)) == (content_type, (0, []))
    assert queue.ask(body % first.pk, **options) == answer
    second = Message.objects.exclude(pk=first.pk).get()
    assert (second.related_message_id, second.content["mail_subject"]) == (first.pk, "Teszt levél tárgy")
    assert str(second.pk).encode() in answer.body


def test_another_resend_under_the_same_message_id_is_refused(queue: QueueCaller) -> None:
    ids = [queue.sent(message_id=str(number)).pk for number in range(2)]
    services.cancel(caller=submitted_by(queue), message_ids=ids, reason="test")
    resend = {"headers": {"X-Method-Name": "Send_V2_Resend"}, "message_id": "again"}
    assert [status(queue.ask(json.dumps({"messageId": pk}), **resend))[0] for pk in ids] == [0, 1005]
    assert Message.objects.count() == 3


def submitted_by(queue: QueueCaller) -> Any:
    """The client as services know it."""
    return caller_of(queue.client)


# ── rubbish ─────────────────────────────────────────────────────────────────────────────────────
BOMB = zlib.compress(b" " * 200_000_000, 9)
# Without the time, by which the tests would be named anew in each process.
_GZIPPED = gzip.compress(b"{}", mtime=0)


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP", "deflate", "gzip, utf-8", "utf-8, gzip"])
def test_compressed_bodies_are_inflated(queue: QueueCaller, encoding: str) -> None:
    body = json.dumps(LETTER).encode()
    packed = zlib.compress(body) if encoding == "deflate" else gzip.compress(body)
    assert status(queue.ask(packed, content_encoding=encoding)) == (0, [])


def test_deflate_without_its_frame_is_inflated_too(queue: QueueCaller) -> None:
    packing = zlib.compressobj(wbits=-15)
    packed = packing.compress(json.dumps(LETTER).encode()) + packing.flush()
    assert status(queue.ask(packed, content_encoding="deflate")) == (0, [])


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "iso-8859-2", "windows-1250", "utf-16"])
def test_a_charset_says_how_text_is_written(queue: QueueCaller, charset: str) -> None:
    for number, (body, content_type) in enumerate([(json.dumps(LETTER, ensure_ascii=False), JSON), (XML_LETTER, XML)]):
        answer = queue.ask(
            body.encode(charset), content_type=content_type, content_encoding=charset, message_id=str(number)
        )
        assert status(answer) == (0, [])
    assert set(Message.objects.values_list("subject", flat=True)) == {"Teszt levél tárgy"}


def test_a_bomb_is_refused_while_it_is_inflated(queue: QueueCaller, settings: Any) -> None:
    settings.HAMMY_MAX_REQUEST_BYTES = 1_000_000
    answer = queue.ask(BOMB, content_encoding="deflate")
    assert (answer.is_dead, status(answer)) == (True, (1002, ["the body is larger than 1000000 bytes"]))
    assert nothing_happened()


def test_r10_what_is_too_large_is_refused_unread(queue: QueueCaller, settings: Any) -> None:
    settings.HAMMY_MAX_REQUEST_BYTES = 100
    answer = queue.ask(b"{" + b" " * 100)
    assert (answer.is_dead, status(answer)) == (True, (1002, ["the body is larger than 100 bytes"]))


@pytest.mark.parametrize(
    ("body", "properties", "sentence"),
    [
        (b"", {}, "the body is empty"),
        (b"\xff", {}, "the body is not UTF-8: byte 0"),
        (b"[1]", {}, "the request must be a JSON object"),
        (b'"x"', {}, "the request must be a JSON object"),
        (b"[" * 100_000, {}, "the body is nested more than 64 levels deep"),
        (b"{}", {"content_encoding": "gzip"}, "content_encoding: the body is not gzip"),
        (_GZIPPED[:-1], {"content_encoding": "gzip"}, "content_encoding: the gzip body ends too early"),
        (
            _GZIPPED + b"x", {"content_encoding": "gzip"},
            "content_encoding: the gzip body goes on after its end",
        ),
        (
            b"{}", {"content_encoding": "br"},
            "content_encoding: must be a charset (utf-8), gzip or deflate, or one of each",
        ),
        (
            b"{}", {"content_encoding": "gzip, gzip"},
            "content_encoding: must be a charset (utf-8), gzip or deflate, or one of each",
        ),
        (b"{}", {"content_encoding": "utf-7"},
         "content_encoding: must be a charset (utf-8), gzip or deflate, or one of each"),
        (b"{}", {"content_type": "application/json; charset=rot13"},
         "content_type: the charset must be UTF-8 or UTF-16"),
        (b"\xff\xff\xff", {"content_encoding": "utf-16"}, "the body is not UTF-16"),
        (b"<a", {"content_type": XML}, "the body is not well-formed XML"),
        (
            b'<!DOCTYPE a [<!ENTITY b "c">]><sendMailRequest>&b;</sendMailRequest>', {"content_type": XML},
            "a document type is not allowed",
        ),
        (
            b"<sendMailRequest>" + b"<a>" * 40 + b"</a>" * 40 + b"</sendMailRequest>", {"content_type": XML},
            "the request is nested more than 32 levels deep",
        ),
        (
            b"<sendMailRequest>" + b"<a/>" * 100_001 + b"</sendMailRequest>", {"content_type": XML},
            "the body holds more than 100000 tags",
        ),
        (b"{}", {"headers": {UNREADABLE: "no"}}, "the message cannot be read: no"),
        (b'{"data": []}', {"content_type": JSON_API}, "data: must be one resource object"),
    ],
)  # fmt: skip
def test_s7_to_s12_what_cannot_be_read_is_told_and_dead(
    queue: QueueCaller, body: bytes, properties: Any, sentence: str
) -> None:
    answer = queue.ask(body, **properties)
    assert (answer.is_dead, answer.code, status(answer)) == (True, 1000, (1000, [sentence]))
    assert answer.refusal == sentence
    assert nothing_happened()


def test_100_000_properties_are_refused(queue: QueueCaller) -> None:
    answer = queue.ask({"properties": [{"key": "k", "value": "v"}] * 100_000})
    assert status(answer) == (1002, ["properties: must hold at most 1000"])
    assert nothing_happened()


# ── the commands ────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("command", ["consume_send_requests", "replay_send_errors"])
def test_without_rabbitmq_the_commands_say_what_is_missing(command: str, settings: Any) -> None:
    settings.HAMMY_AMQP_URL = ""
    with pytest.raises(CommandError, match="HAMMY_AMQP_URL"):
        call_command(command)


def test_a_broker_that_cannot_be_reached_is_told(settings: Any) -> None:
    settings.HAMMY_AMQP_URL = "amqp://guest:secret@127.0.0.1:1//"
    with pytest.raises(CommandError, match="the broker cannot be used: ") as told:
        call_command("replay_send_errors", "--list")
    assert "secret" not in str(told.value)
    with pytest.raises(CommandError, match="--limit: must be at least 1"):
        call_command("replay_send_errors", "--limit", "0")
