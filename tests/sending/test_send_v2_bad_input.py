"""What a hostile or broken client sends: refused as the catalogue says, at once, and nothing is left behind."""

import json
from base64 import b64encode
from typing import Any

import pytest
from django.test import Client

from tests.sending.factories import make_template
from tests.sending.send_v2_calls import (
    BASE,
    JSON,
    JSON_API,
    LETTER,
    Caller,
    document,
    keep_files_in,
    nothing_happened,
    problems,
)

pytestmark = pytest.mark.django_db

FORMS = [JSON, JSON_API]
LIMITS = {
    "requestId": 150, "batchId": 100, "partnerRef": 100, "messageType": 100, "mailSubject": 600,
    "recipientPostalAddress": 255, "recipientEmailAddress": 100, "recipientName": 100, "recipientEmailAddressCC": 100,
    "recipientNameCC": 100, "replyToAddress": 100, "replyToName": 100, "fromAddress": 100, "fromName": 100,
    "bccAddress": 150, "recipientAddress": 100, "recipientAddressCC": 100,
}  # fmt: skip
BOOLEANS = ["archivingExpected", "certificationExpected", "replyEnvelopeAttached", "paymentSlipAttached"]
NUMBERS = ["messageTypeVersion", "relatedMessageId", "campaignPartId"]
TEXTS = [*LIMITS, "mailBody", "mailHtmlBody", "xmlData", "channel", "userName", "letterType", "clientHashKey"]


@pytest.fixture
def api(settings: Any, tmp_path: Any) -> Caller:
    keep_files_in(tmp_path, settings)
    return Caller()


def send(api: Caller, form: str, **members: Any) -> Any:
    return api.post("/v2/send", document(**members) if form == JSON_API else LETTER | members, content_type=form)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("name", "limit"), LIMITS.items())
def test_every_field_too_long(api: Caller, form: str, name: str, limit: int) -> None:
    answer = send(api, form, **{name: "a" * (limit + 1)})
    assert answer.status_code == 400
    assert (1002, f"{name}: must be at most {limit} characters") in problems(answer) or name == "recipientAddress"
    assert nothing_happened()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("names", "values", "sentence"),
    [
        (TEXTS, [True, 1.5, [], {}], "must be text"),
        (BOOLEANS, ["yes", 1, 1.5, [], {}], "must be true or false"),
        (NUMBERS, ["x", True, 1.5, [], {}], "must be a whole number"),
    ],
)
def test_every_field_of_a_wrong_type(
    api: Caller, form: str, names: list[str], values: list[object], sentence: str
) -> None:
    for name in names:
        for value in values:
            members = {name: value}
            if name in ("recipientAddress", "recipientAddressCC"):
                members[f"recipientEmail{name.removeprefix('recipient')}"] = None
            answer = send(api, form, **members)
            assert answer.status_code == 400, (name, value)
            assert (1002, f"{name}: {sentence}") in problems(answer), (name, value)
    assert nothing_happened()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["requestId", "mailBody", "recipientName", "xmlData"])
@pytest.mark.parametrize("bad", ["\\u0000", "\\ud800"])
def test_nul_and_half_of_a_surrogate_pair(api: Caller, form: str, name: str, bad: str) -> None:
    body = json.dumps(document(**{name: "@"}) if form == JSON_API else LETTER | {name: "@"})
    answer = api.post("/v2/send", body.replace('"@"', f'"a{bad}b"'), content_type=form)
    assert (answer.status_code, problems(answer)[0][0]) == (400, 1002)
    assert name in problems(answer)[0][1]
    assert nothing_happened()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "body",
    [
        b" ", b"{", b"nonsense", b"{'a': 1}", b'{"a": NaN}', b'{"a": 1e999}', b"\xff\xfe{\x00}\x00",
        b'{"a": "\xe1"}', b'\xef\xbb\xbf{}', b'{"recipientName": "a", "recipientName": "b"}', b'{"a": "\x00"}',
        b'{"a": 1} x', json.dumps(LETTER).encode("utf-16"), json.dumps(LETTER).encode("utf-7").replace(b"{", b"+AHs-"),
    ],
)  # fmt: skip
def test_what_is_no_json(api: Caller, form: str, body: bytes) -> None:
    answer = api.post("/v2/send", body, content_type=form)
    assert (answer.status_code, problems(answer)[0][0], answer["Content-Type"]) == (400, 1000, form)
    assert nothing_happened()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("body", [b"null", b"[]", b"7", b'"text"', b"true"])
def test_json_that_is_no_object(api: Caller, form: str, body: bytes) -> None:
    answer = api.post("/v2/send", body, content_type=form)
    assert (answer.status_code, problems(answer)[0][0]) == (400, 1000)
    assert nothing_happened()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("path", ["/v2/send", "/v1/send"])
@pytest.mark.parametrize(
    ("opened", "closed"), [(b"[", b"]"), (b'{"a":', b"}"), (b"[", b""), (b'{"attachments":[', b"]}")]
)
def test_ten_megabytes_of_nesting(api: Caller, form: str, path: str, opened: bytes, closed: bytes) -> None:
    times = 10_000_000 // (len(opened) + len(closed))
    answer = api.post(path, opened * times + b"1" + closed * times, content_type=form)
    assert (answer.status_code, problems(answer)) == (400, [(1000, "the body is nested more than 64 levels deep")])
    assert nothing_happened()


def test_s23_an_oversized_body_is_refused_before_it_is_read(api: Caller, settings: Any) -> None:
    settings.HAMMY_MAX_REQUEST_BYTES = 10_000
    for path in ("/v2/send", "/v2/batches"):
        answer = api.post(path, LETTER | {"mailBody": "x" * 10_000})
        assert (answer.status_code, problems(answer)) == (413, [(1002, "the body is larger than 10000 bytes")])
    assert nothing_happened()


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "multipart/related; boundary=x", "nonsense"])
def test_a_wrong_media_type(api: Caller, content_type: str) -> None:
    answer = Client().generic("POST", f"{BASE}/v2/send", b"{}", content_type=content_type, headers=api.headers)
    assert (answer.status_code, problems(answer)[0][0]) == (415, 1000)
    assert nothing_happened()


@pytest.mark.parametrize("charset", ["utf-16", "iso-8859-2", "utf-7", "cp037"])
def test_a_wrong_charset(api: Caller, charset: str) -> None:
    answer = api.post("/v2/send", json.dumps(LETTER).encode(), content_type=f"{JSON}; charset={charset}")
    assert (answer.status_code, problems(answer)) == (415, [(1000, "Content-Type: the charset must be utf-8")])
    assert nothing_happened()


def test_s22_a_compressed_body_is_not_inflated(api: Caller) -> None:
    answer = api.post("/v2/send", b"\x1f\x8b" + b"x" * 100, Content_Encoding="gzip")
    assert (answer.status_code, problems(answer)) == (415, [(1000, "Content-Encoding: must be absent or identity")])
    assert nothing_happened()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["mailSubject", "recipientName", "recipientEmailAddress", "fromName", "fromAddress",
                                  "replyToAddress", "replyToName", "recipientNameCC", "recipientEmailAddressCC",
                                  "bccAddress"])  # fmt: skip
def test_s16_header_injection_is_refused_at_accept(api: Caller, form: str, name: str) -> None:
    answer = send(api, form, **{name: "a@b.hu\r\nBcc: victim@example.com"})
    assert (answer.status_code, problems(answer)) == (
        400,
        [(1002, f"{name}: must be one line without control characters")],
    )
    assert nothing_happened()


def test_s17_ten_thousand_copies_do_not_fit(api: Caller) -> None:
    answer = api.send(recipientEmailAddressCC=";".join(["a@b.hu"] * 10_000))
    assert problems(answer) == [(1002, "recipientEmailAddressCC: must be at most 100 characters")]
    assert nothing_happened()


@pytest.mark.parametrize(
    "address", ["a@b>,<c@d", "a@b,c@d", "<a@b.hu>", "a b@c.hu", "a@", "@b.hu", "a@[127.0.0.1]", "a@b..hu"]
)
def test_s17_what_is_no_address(api: Caller, address: str) -> None:
    assert problems(api.send(recipientEmailAddress=address))[0][0] == 1002
    assert nothing_happened()


def test_a_bad_attachment_refuses_the_letter_and_keeps_no_file(api: Caller) -> None:
    source = [{"key": "ATTACHMENT_SOURCE", "value": "INLINE"}]
    good = {"fileName": "a.pdf", "content": b64encode(b"%PDF").decode(), "properties": source}
    answer = api.send(attachments=[good, good | {"content": "###"}])
    assert problems(answer) == [(1002, "attachments[1].content: must be base64")]
    assert nothing_happened()


def test_a_letter_refused_by_its_template_keeps_no_file(api: Caller) -> None:
    source = [{"key": "ATTACHMENT_SOURCE", "value": "INLINE"}]
    good = {"fileName": "a.pdf", "content": b64encode(b"%PDF").decode(), "properties": source}
    answer = api.send(attachments=[good], mailSubject=None, mailBody=None, messageType="NONE")
    assert problems(answer) == [(3002, "messageType: no such template")]
    assert nothing_happened()


def test_an_attachment_without_a_name_is_told_beside_what_the_template_lacks(api: Caller) -> None:
    make_template("NEEDY")
    nameless = {"content": "aGVsbG8=", "properties": [{"key": "ATTACHMENT_SOURCE", "value": "INLINE"}]}
    answer = api.send(mailSubject=None, mailBody=None, messageType="NEEDY", attachments=[nameless])
    assert problems(answer) == [
        (1001, "attachments[0].fileName: required"),
        (1001, 'properties: the template NEEDY needs properties["AZON"]'),
    ]
    assert nothing_happened()


@pytest.mark.parametrize("form", FORMS)
def test_sql_and_markup_are_mere_text(api: Caller, form: str) -> None:
    text = "'; DROP TABLE sending_message; -- <script>{{ 7*7 }}%s"
    assert send(api, form, recipientName=text, requestId=text).status_code == 200
    listed = api.get("/v2/messages", {"requestId": text}).json()
    assert [item["attributes"]["recipientName"] for item in listed["data"]] == [text]
