"""Every document of an error, and input of any kind: an answer in the contract's shape, and nothing left behind."""

import json
import logging
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.test import Client
from django.test.utils import override_settings
from lxml import etree

from notifications import services
from tests.notifications.ds3_calls import PATH, Ds3, call, error, members, rows

pytestmark = pytest.mark.django_db
_GOOD = "notification_end_point=receiver.example"
_KNOWN = "notification_end_point, format, job_id, naming_convention, notification_http_method"


@pytest.fixture
def api() -> Ds3:
    return Ds3()


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ("", "InvalidUri", "notification_end_point: required"),
        ("notification_end_point=", "InvalidUri", "notification_end_point: required"),
        ("format=JSON", "InvalidUri", "notification_end_point: required"),
        (f"{_GOOD}&notification_endpoint=x", "InvalidUri",
         "notification_endpoint: unknown parameter, use notification_end_point"),
        (f"{_GOOD}&jobid=x", "InvalidUri", "jobid: unknown parameter, use job_id"),
        (f"{_GOOD}&zzz", "InvalidUri", f"zzz: unknown parameter, use one of {_KNOWN}"),
        (f"{_GOOD}&page_length=1", "InvalidUri", f"page_length: unknown parameter, use one of {_KNOWN}"),
        (f"{_GOOD}&userName=x", "InvalidUri", "userName: unknown parameter, send it as a header"),
        (f"{_GOOD}&format=YAML", "BadRequest", "format: must be one of DEFAULT, JSON, XML"),
        (f"{_GOOD}&format=", "BadRequest", "format: must be one of DEFAULT, JSON, XML"),
        (f"{_GOOD}&notification_http_method=PATCH", "BadRequest", "notification_http_method: must be one of POST, PUT"),
        (f"{_GOOD}&naming_convention=kebab", "BadRequest",
         "naming_convention: must be one of CONCAT_LOWERCASE, CONSTANT, UNDERSCORED, "
         "CAMEL_CASE_WITH_FIRST_LETTER_UPPERCASE, CAMEL_CASE_WITH_FIRST_LETTER_LOWERCASE"),
        (f"{_GOOD}&job_id=4711", "BadRequest", "job_id: must be a UUID"),
        (f"{_GOOD}&job_id=", "BadRequest", "job_id: must be a UUID"),
        (f"{_GOOD}&notification_end_point=other", "BadRequest",
         "notification_end_point: given more than once with different values"),
        ("notification_end_point=ftp://receiver.example", "BadRequest",
         "notification_end_point: must be a URL as https://host/path"),
        ("notification_end_point=http://", "BadRequest", "notification_end_point: must be a URL as https://host/path"),
        ("notification_end_point=receiver.example:22", "BadRequest",
         "notification_end_point: the port must be one of 80, 443, 8080, 8443"),
        ("notification_end_point=http://127.0.0.1/", "BadRequest",
         "notification_end_point: leads to an address that may not be called"),
        ("notification_end_point=http://a:b@receiver.example/", "BadRequest",
         "notification_end_point: must not hold a user or password"),
        (f"notification_end_point={'h' * 2001}", "BadRequest",
         "notification_end_point: must be at most 2000 characters"),
        ("format=YAML&zzz=1&job_id=x", "InvalidUri",
         f"zzz: unknown parameter, use one of {_KNOWN}; notification_end_point: required; job_id: must be a UUID; "
         "format: must be one of DEFAULT, JSON, XML"),
    ],
)  # fmt: skip
def test_what_cannot_be_registered_is_said_at_once(api: Ds3, query: str, code: str, message: str) -> None:
    # S5
    before = rows()
    assert error(api.call("POST", query=query)) == (400, code, message)
    assert rows() == before


def test_an_end_point_that_does_not_resolve_is_taken(api: Ds3) -> None:
    assert api.create("notification_end_point=nobody.invalid").target.address == "http://nobody.invalid"


def test_a_job_that_is_not_there_is_not_found(api: Ds3) -> None:
    unknown = uuid4()
    before = rows()
    assert error(api.call("POST", query=f"{_GOOD}&job_id={unknown}")) == (404, "NotFound", f"job {unknown} not found")
    assert rows() == before


@pytest.mark.parametrize("name", ["4711", "x" * 5000, "%00", "%0A", "..", "%ff", "{id}%0a"])
def test_what_can_be_no_id_is_not_found(api: Ds3, name: str) -> None:
    one = api.create()
    before = rows()
    for method in ("GET", "DELETE"):
        status, code, message = error(api.call(method, f"/{name.format(id=one.uuid)}"))
        assert (status, code) == (404, "NotFound")
        assert len(message) < 200
    assert rows() == before


def test_one_registration_takes_no_parameters(api: Ds3) -> None:
    one = api.create()
    for method in ("GET", "DELETE"):
        assert error(api.call(method, f"/{one.uuid}", "format=JSON")) == (
            400, "InvalidUri", "format: unknown parameter, this request takes none",
        )  # fmt: skip
    assert api.ids() == [str(one.uuid)]


@pytest.mark.parametrize(("path", "methods"), [("", "GET, POST, HEAD"), ("/{id}", "GET, DELETE, HEAD")])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE", "MOVE"])
def test_another_method_is_405_with_the_document(api: Ds3, path: str, methods: str, method: str) -> None:
    one = api.create()
    answer = api.call(method, path.format(id=one.uuid))
    assert error(answer) == (405, "BadRequest", "this address does not take that method")
    assert answer["Allow"] == methods


def test_an_address_where_nothing_is_answers_in_the_same_shape(api: Ds3) -> None:
    for path in ("/_rest_/", "/_rest_/bucket", f"{PATH}/a/b", f"{PATH}x", f"{PATH}%0a"):
        answer = call("GET", path, **api.headers)
        assert error(answer) == (404, "NotFound", "there is nothing at this address")
        assert members(answer)["Resource"] == path.replace("%0a", "%0A")
    told = call("GET", "/_rest_/bucket.json").json()["Error"]
    assert list(told) == ["Code", "HttpErrorCode", "Message", "Resource", "ResourceId"]
    assert (told["Code"], told["HttpErrorCode"]) == ("NotFound", 404)


def test_a_host_that_is_not_ours_answers_in_the_same_shape(api: Ds3) -> None:
    assert error(call("GET", PATH, Host="elsewhere.example", **api.headers))[:2] == (400, "BadRequest")


def test_an_error_is_json_where_the_answer_would_be(api: Ds3) -> None:
    for answer in (api.call("POST", ".json"), api.call("POST", Accept="application/json")):
        assert answer["Content-Type"] == "application/json"
        told = answer.json()["Error"]
        number = told.pop("ResourceId")
        assert isinstance(number, int)
        assert 0 <= number < 2**53
        assert told == {
            "Code": "InvalidUri", "HttpErrorCode": 400, "Message": "notification_end_point: required",
            "Resource": answer.wsgi_request.path,
        }  # fmt: skip


def test_the_number_of_an_error_stands_in_the_log(api: Ds3, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="notifications.ds3.answer"):
        told = members(api.call("POST"))
    assert [record.resource_id for record in caplog.records if hasattr(record, "resource_id")] == [
        int(told["ResourceId"] or "")
    ]


@pytest.mark.parametrize(
    ("raised", "status", "code", "message"),
    [
        (RuntimeError("password=hunter2"), 500, "InternalError", "internal failure, reference "),
        (OperationalError("could not connect to db.internal"), 503, "RetryWithAsynchronousWait",
         "temporarily unavailable, try again later"),
    ],
)  # fmt: skip
def test_failures_of_ours_tell_nothing_of_the_inside(
    api: Ds3, monkeypatch: pytest.MonkeyPatch, raised: Exception, status: int, code: str, message: str
) -> None:
    def broken(**_: Any) -> None:
        raise raised

    monkeypatch.setattr(services, "registrations", broken)
    answer = api.call("GET")
    told = error(answer)
    assert told[:2] == (status, code)
    assert told[2].startswith(message)
    assert str(raised) not in answer.content.decode()
    assert answer.get("Retry-After") == ("5" if status == 503 else None)
    in_json = json.loads(api.call("GET", ".json").content)["Error"]
    assert in_json["Code"] == code


def test_a_failure_outside_of_any_view_answers_in_the_same_shape(api: Ds3, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("hunter2")

    monkeypatch.setattr("notifications.ds3.answer.failed", broken)
    told = error(api.call("POST"))
    assert told[:2] == (500, "InternalError")
    assert "hunter2" not in told[2]


def test_a_body_is_taken_and_means_nothing(api: Ds3) -> None:
    body = b"<Data><NotificationEndPoint>other.example</NotificationEndPoint></Data>"
    for content_type in ("text/xml", "application/x-www-form-urlencoded", "nonsense;;;=", "multipart/form-data"):
        answer = api.call("POST", query=_GOOD, body=body, content_type=content_type)
        assert members(answer)["NotificationEndPoint"] == "receiver.example"
    assert error(api.call("POST", body=_GOOD.encode())) == (400, "InvalidUri", "notification_end_point: required")


@override_settings(HAMMY_MAX_REQUEST_BYTES=1000)
def test_a_body_beyond_the_cap_is_413_with_the_document(api: Ds3) -> None:
    # S23
    before = rows()
    answer = api.call("POST", query=_GOOD, body=b"x" * 1001)
    assert error(answer) == (413, "BadRequest", "the body is larger than 1000 bytes")
    assert rows() == before
    assert api.call("POST", query=_GOOD, body=b"x" * 1000).status_code == 201


_ANY_INPUT = {
    "a megabyte": f"{_GOOD}&x={'y' * 1_000_000}",
    "a megabyte of a name": "y" * 1_000_000,
    "a megabyte of an end point": f"notification_end_point={'y' * 1_000_000}",
    "ten thousand parameters": "&".join(f"p{number}=1" for number in range(10_000)),
    "ten thousand times the same": "&".join([_GOOD] * 10_000),
    "a NUL": "notification_end_point=a%00b.example",
    "a NUL in a name": f"{_GOOD}&a%00b=1",
    "a NUL in an id": f"{_GOOD}&job_id=%00",
    "broken escapes": "notification_end_point=a%zz",
    "a broken escape at the end": f"{_GOOD}&x=%",
    "half an escape": f"{_GOOD}&x=%f",
    "control characters": "notification_end_point=a%0d%0aSet-Cookie:%20a=b",
    "control characters in a name": f"{_GOOD}&%1b%5b31m%0a=1",
    "no UTF-8": "notification_end_point=a%ff.example",
    "no UTF-8 in a name": f"{_GOOD}&%c3%28=1",
    "half of a surrogate pair": "notification_end_point=%ed%a0%80.example",
    "markup": f"{_GOOD}&%3C/Message%3E%3CCode%3E=1",
    "no character of XML": f"{_GOOD}&%ef%bf%be=1",
    "writing turned round": f"{_GOOD}&%e2%80%ae=1",
    "spaces": "notification_end_point=a+b.example",
    "an entity": "notification_end_point=%26lt%3B%26amp%3B",
    "an endless number": f"{_GOOD}&page_length={'9' * 5000}",
}


@pytest.mark.parametrize("query", _ANY_INPUT.values(), ids=_ANY_INPUT)
def test_any_input_is_answered_in_shape_and_leaves_nothing(api: Ds3, query: str) -> None:
    # S35
    before = rows()
    for method in ("POST", "GET"):
        status, code, message = error(api.call(method, query=query))
        assert (status, code in ("BadRequest", "InvalidUri")) == (400, True)
        assert len(message) <= 2000
        assert message.isprintable()
        told = api.call(method, ".json", query)
        assert (told.status_code, told.json()["Error"]["Code"]) == (400, code)
    assert rows() == before


@pytest.mark.parametrize("number", ["-1", "1e9", "99999999999999999999", "0x10", "", "%00", "1000000001", "+1", " 1"])
def test_any_number_that_is_none_of_the_list_is_refused(api: Ds3, number: str) -> None:
    # S31
    for name in ("page_length", "page_offset"):
        status, code, _ = error(api.call("GET", query=f"{name}={quote(number, safe='%')}"))
        assert (status, code) == (400, "BadRequest")


def test_raw_bytes_in_the_query_are_answered_in_shape(api: Ds3) -> None:
    for raw in ("notification_end_point=\u00e1.example", "\u00ff\u00fe", "x\u0000y"):
        answer = Client().get(PATH, QUERY_STRING=raw, headers=api.headers)
        assert answer.status_code == 400
        assert etree.fromstring(answer.content).findtext("Code") in ("BadRequest", "InvalidUri")
