"""What a JSON body must be, and that everything else is named and refused (S22, S23)."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.test import Client, RequestFactory

from gateway.body import decode_json, read_json
from gateway.errors import Refusal
from tests.factories import headers_for, make_client

POST = "/hammy/echo"


def refused(body: bytes) -> tuple[int, int, list[str]]:
    with pytest.raises(Refusal) as caught:
        decode_json(body)
    problems = caught.value.problems
    return int(problems[0].code), problems[0].http_status, [problem.detail for problem in problems]


def request_refused(request: Any) -> tuple[int, int, str]:
    with pytest.raises(Refusal) as caught:
        read_json(request)
    first = caught.value.problems[0]
    return int(first.code), first.http_status, first.detail


def request_with(body: bytes = b'{"a": 1}', content_type: str | None = "application/json", **meta: Any) -> Any:
    request = RequestFactory().generic("POST", POST, body, content_type=content_type or "", **meta)
    if content_type is None:
        del request.META["CONTENT_TYPE"]
    return request


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/vnd.api+json",
        "APPLICATION/JSON",
        "application/json; charset=utf-8",
        'application/json; charset="UTF-8"',
        "application/vnd.api+json;charset=utf8",
        "application/json; profile=x",
    ],
)
def test_both_json_types_are_read(content_type: str) -> None:
    assert read_json(request_with(content_type=content_type)).data == {"a": 1}


@pytest.mark.parametrize("content_type", [None, "", "application/x-www-form-urlencoded"])
def test_a_body_of_no_type_or_as_a_form_that_begins_with_a_brace_is_json(content_type: str | None) -> None:
    body = read_json(request_with(b'  {"a": "b&c=d"}', content_type=content_type))
    assert (body.data, body.media_type) == ({"a": "b&c=d"}, "application/json")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"a=1", "application/x-www-form-urlencoded"),
        (b"<a/>", "application/xml"),
        (b"{}", "text/plain"),
        (b"{}", "multipart/form-data; boundary=x"),
        (b"{}", "application/json-patch+json"),
        (b"{}", "nonsense"),
    ],
)
def test_other_media_types_are_refused(body: bytes, content_type: str) -> None:
    assert request_refused(request_with(body, content_type=content_type)) == (
        1000,
        415,
        "Content-Type: must be application/json or application/vnd.api+json",
    )


@pytest.mark.parametrize("charset", ["iso-8859-2", "utf-16", "utf-7"])
def test_other_charsets_are_refused(charset: str) -> None:
    request = request_with(content_type=f"application/json; charset={charset}")
    assert request_refused(request) == (1000, 415, "Content-Type: the charset must be utf-8")


def test_parameters_that_nobody_can_read_are_refused() -> None:
    request = request_with()
    request.META["CONTENT_TYPE"] = f"application/json; a*{'9' * 5000}=x"
    assert request_refused(request) == (1000, 415, "Content-Type: its parameters cannot be read")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity, gzip"])
def test_s22_encoded_bodies_are_refused(encoding: str) -> None:
    request = request_with(b"\x1f\x8b\x08", HTTP_CONTENT_ENCODING=encoding)
    assert request_refused(request) == (1000, 415, "Content-Encoding: must be absent or identity")


def test_s23_a_large_body_is_refused_before_it_is_read(settings: Any) -> None:
    settings.HAMMY_MAX_REQUEST_BYTES = 100

    class Unread(BytesIO):
        def read(self, *args: Any) -> bytes:
            raise AssertionError("the body was read")

    request = request_with(**{"wsgi.input": Unread(), "CONTENT_LENGTH": "101"})
    assert request_refused(request) == (1002, 413, "the body is larger than 100 bytes")


def chunked(body: BytesIO, **meta: Any) -> Any:
    request = request_with(b"", HTTP_TRANSFER_ENCODING="chunked", **{"wsgi.input": body}, **meta)
    request.META.pop("CONTENT_LENGTH", None)
    return request


def test_a_chunked_body_is_read_whole() -> None:
    body = json.dumps({"a": "x" * 200_000}).encode()
    assert read_json(chunked(BytesIO(body), **{"wsgi.input_terminated": True})).data == {"a": "x" * 200_000}


def test_s23_a_chunked_body_is_read_up_to_the_bound_and_no_further(settings: Any) -> None:
    settings.HAMMY_MAX_REQUEST_BYTES = 100
    endless = BytesIO(b" " * 1_000_000)
    request = chunked(endless, **{"wsgi.input_terminated": True})
    assert request_refused(request) == (1002, 413, "the body is larger than 100 bytes")
    assert endless.tell() == 101


def test_a_chunked_body_that_the_server_cannot_end_is_refused() -> None:
    assert request_refused(chunked(BytesIO(b"{}"))) == (1000, 411, "Content-Length: required")


def test_a_body_that_ends_too_early_is_refused() -> None:
    request = request_with(b'{"a": 1}')
    request.META["CONTENT_LENGTH"] = "9"
    assert request_refused(request) == (1000, 400, "the body ends before its Content-Length")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b" \n", "the body is empty"),
        (b"{", "the body is not JSON: Expecting property name enclosed in double quotes at line 1, column 2"),
        (b'{"a": 1} x', "the body is not JSON: Extra data at line 1, column 10"),
        (b'{"a":\n nope}', "the body is not JSON: Expecting value at line 2, column 2"),
        (b'{"a": "\n"}', "the body is not JSON: Invalid control character at at line 1, column 8"),
        (b'{"a": "\x00"}', "the body is not JSON: Invalid control character at at line 1, column 8"),
        (b'{"a": NaN}', "the body is not JSON: NaN is no number of JSON"),
        (b'{"a": -Infinity}', "the body is not JSON: -Infinity is no number of JSON"),
        (b'{"a": 1e999}', "the body is not JSON: 1e999 is too large a number"),
        (b'{"a": "\xff"}', "the body is not UTF-8: byte 7"),
        ('{"a": "é"}'.encode("latin-1"), "the body is not UTF-8: byte 7"),
        (b'{"a": "\xed\xa0\x80"}', "the body is not UTF-8: byte 7"),
        ('{"a": 1}'.encode("utf-16"), "the body is not UTF-8: byte 0"),
        (b'\xef\xbb\xbf{"a": 1}', "the body begins with a byte order mark, send UTF-8 without it"),
        (b"[" * 65 + b"]" * 65, "the body is nested more than 64 levels deep"),
        (b"[" * 10_000_000, "the body is nested more than 64 levels deep"),
        (b'{"a":' * 2_000_000, "the body is nested more than 64 levels deep"),
    ],
    ids=range(17),
)
def test_what_is_not_strict_json_is_refused_with_its_place(body: bytes, sentence: str) -> None:
    assert refused(body) == (1000, 400, [sentence])


def test_a_number_of_ten_thousand_digits_is_refused() -> None:
    code, status, sentences = refused(b'{"a": ' + b"9" * 10_000 + b"}")
    assert (code, status) == (1000, 400)
    assert sentences == ["the body is not JSON: a number has too many digits"]


def test_keys_given_twice_are_named_wherever_they_stand() -> None:
    body = b'{"a": [{"b": 1, "c": 2, "b": 3}], "d": 1, "a": 2}'
    assert refused(body) == (1000, 400, ["a[0].b: given twice in one object", "a: given twice in one object"])


def test_a_doubled_key_deep_down_is_no_crash() -> None:
    body = b'{"a":' * 900 + b'{"b":1,"b":1}' + b"}" * 900
    assert refused(body)[:2] == (1000, 400)


def test_texts_that_cannot_be_stored_are_named() -> None:
    body = rb'{"a": ["ok", "x\u0000"], "b": {"c": "\ud800"}, "d": "\uDFFFx", "e": "\ud83d\ude00"}'
    assert refused(body) == (
        1002,
        400,
        [
            "a[1]: must not contain NUL characters",
            "b.c: must not contain half of a surrogate pair",
            "d: must not contain half of a surrogate pair",
        ],
    )


def test_a_key_that_cannot_be_stored_is_refused() -> None:
    assert refused(rb'{"a": {"\u0000": 1}}') == (
        1002,
        400,
        ["a: a key must not contain NUL or half of a surrogate pair"],
    )


def test_a_flood_of_problems_is_cut() -> None:
    code, _, sentences = refused(json.dumps(["\0"] * 100_000).encode())
    assert (code, len(sentences)) == (1002, 50)


def test_whole_pairs_and_deep_but_reasonable_bodies_pass() -> None:
    deep = b"[" * 64 + b"]" * 64
    assert decode_json(rb'{"a": "\ud83d\ude00 \u0151 \\u0000 \\ud800"}') == {"a": "\U0001f600 \u0151 \\u0000 \\ud800"}
    assert decode_json(deep) == json.loads(deep)
    assert decode_json(json.dumps([{"a": [1]}] * 10_000).encode()) == [{"a": [1]}] * 10_000


@pytest.mark.django_db
@pytest.mark.urls("tests.gateway.urls")
def test_half_a_pair_in_a_refused_key_comes_back_as_the_escape_it_was() -> None:
    _, keys = make_client(needs_user_token=False)
    body = rb'{"\ud800": 1, "\ud800": 2}'
    response = Client().post(POST, body, content_type="application/json", headers=headers_for(keys))
    assert (response.status_code, response.json()["errors"][0]["detail"]) == (400, "\ud800: given twice in one object")


@pytest.mark.django_db
def test_s23_a_file_sent_to_a_form_of_the_console_is_kept_nowhere(settings: Any, tmp_path: Path) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    form = BytesIO(b'--X\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n' + b"a" * 5_000_000)
    request = WSGIRequest(
        {
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": "multipart/form-data; boundary=X",
            "CONTENT_LENGTH": str(form.getbuffer().nbytes),
            "wsgi.input": form,
        }
    )
    assert list(request.POST) == []
    assert list(request.FILES) == []
    assert list(tmp_path.iterdir()) == []
