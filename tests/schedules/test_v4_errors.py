"""Every way in which a call can fail, with its exact document; and calls as clients make them, however odd."""

from io import BytesIO
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError
from django.test import Client

from gateway.errors import Code, Problem, Refusal
from schedules import services
from schedules.models import Schedule
from tests.schedules.v4_calls import V4, basic, body, error, rows, soon

pytestmark = pytest.mark.django_db
_ID = "0eac1b80-c2ac-4b69-948b-c65b34b96512"
CREDENTIALS = (401, 28101, "Basic authentication failed.")
GONE = (404, 28104, "Request schedule operation doesn't exist")
_EVERY = [
    ("GET", "/v4/schedules"), ("POST", "/v4/schedules"), ("GET", f"/v4/schedules/{_ID}"),
    ("PUT", f"/v4/schedules/{_ID}"), ("DELETE", f"/v4/schedules/{_ID}"), ("GET", f"/v4/schedules/{_ID}/msg-ids"),
    ("GET", f"/v4/schedules/{_ID}/msg_ids"), ("POST", "/v4/push"),
]  # fmt: skip


@pytest.fixture
def api() -> V4:
    return V4()


@pytest.mark.parametrize(("method", "path"), _EVERY)
def test_who_shows_no_credentials_is_nobody(api: V4, method: str, path: str) -> None:
    for address in (path, f"{path}/"):
        answer = Client().generic(method, address, b"{}", content_type="application/json")
        assert error(answer) == CREDENTIALS
        assert answer["WWW-Authenticate"] == 'Basic realm="hammy", charset="UTF-8"'
    assert answer.content == b'{"error":{"code":28101,"message":"Basic authentication failed."}}'


def test_credentials_that_prove_nothing_are_refused(api: V4) -> None:
    # S32
    other = V4()
    keys = api.keys
    before = rows()
    for authorization in (
        "", "Basic", "Basic ", "Basic !!!", "Basic =", "Basic Og==", "Basic eDp5", basic(keys.access_id, ""),
        basic("", keys.secret), basic(keys.access_id, other.keys.secret), basic(keys.access_id.lower(), keys.secret),
        basic(keys.access_id, keys.secret + "x"), basic(f"{keys.access_id}\0", keys.secret), basic("x" * 5000, "y"),
        basic("é", "ő"), api.authorization.replace("Basic", "Bearer"), api.authorization.replace("Basic", "JWT"),
        api.authorization.removeprefix("Basic "), f"Basic {keys.access_id}:{keys.secret}", "Basic \u00e9\u00e9",
        basic(keys.client_hash_key, keys.secret), f"{api.authorization}, {api.authorization}",
    ):  # fmt: skip
        assert error(api.call("POST", data=body(soon()), Authorization=authorization)) == CREDENTIALS, authorization
    assert rows() == before


@pytest.mark.parametrize("scheme", ["basic", "BASIC", "Basic  "])
def test_the_scheme_is_read_as_the_standard_says(api: V4, scheme: str) -> None:
    # RFC 7617
    authorization = api.authorization.replace("Basic", scheme)
    assert api.call("GET", Authorization=authorization).status_code == 200


def test_credentials_of_the_other_doors_are_none_here(api: V4) -> None:
    answer = Client().get("/v4/schedules", headers={"X-Client-Hash-Key": api.keys.client_hash_key})
    assert error(answer) == CREDENTIALS


def test_a_client_that_is_not_active_is_nobody(api: V4) -> None:
    api.client.is_active = False
    api.client.save(update_fields=["is_active"])
    assert error(api.call("GET")) == CREDENTIALS


def test_a_client_calls_from_its_networks_alone() -> None:
    near, far = V4(allowed_networks=["127.0.0.0/8"]), V4(allowed_networks=["192.0.2.0/24"])
    assert near.call("GET").status_code == 200
    status, code, message = error(far.call("GET"))
    assert (status, code, message) == (403, 28100, "the client may not call from this address")


@pytest.mark.parametrize(("method", "path"), _EVERY)
def test_every_call_needs_its_right(method: str, path: str) -> None:
    poor = V4(rights=["notifications"])
    right = "send" if path.endswith("push") else "schedules"
    assert error(poor.call(method, path, {})) == (403, 28100, f"the client lacks the right {right}")


@pytest.mark.usefixtures("half_past")
def test_too_many_calls_are_told_when_to_come_again() -> None:
    # S37
    busy = V4(requests_per_minute=1)
    assert busy.call("GET").status_code == 200
    before = rows()
    answer = busy.call("POST", data=body(soon()))
    assert error(answer) == (429, 28203, "Execute action timeout, please try later again")
    assert answer["Retry-After"] == "30"
    assert rows() == before


@pytest.mark.parametrize(
    ("raised", "status", "code", "message"),
    [
        (OperationalError("could not connect to db.internal"), 503, 28203,
         "Execute action timeout, please try later again"),
        (InterfaceError("connection already closed"), 503, 28203, "Execute action timeout, please try later again"),
        (RuntimeError("password=hunter2"), 500, 28200, "Server Internal error. internal failure, reference "),
        (Refusal(Problem(code=Code.UNAVAILABLE, sentence="the store is away"), retry_after=9), 503, 28203,
         "Execute action timeout, please try later again"),
    ],
)  # fmt: skip
def test_failures_of_ours_tell_nothing_of_the_inside(
    api: V4, monkeypatch: pytest.MonkeyPatch, raised: Exception, status: int, code: int, message: str
) -> None:
    def broken(**_: Any) -> None:
        raise raised

    monkeypatch.setattr(services, "create", broken)
    answer = api.call("POST", data=body(soon()))
    told = error(answer)
    assert told[:2] == (status, code)
    assert told[2].startswith(message)
    assert str(raised) not in answer.content.decode()
    assert answer.get("Retry-After") == (None if status == 500 else "9" if isinstance(raised, Refusal) else "5")


def test_a_failure_outside_of_any_view_answers_in_the_same_shape(api: V4, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("hunter2")

    monkeypatch.setattr("schedules.v4.rest.shown", broken)
    client = Client(raise_request_exception=False)
    answer = client.get("/v4/schedules", headers={"Authorization": api.authorization})
    told = error(answer)
    assert told[:2] == (500, 28200)
    assert "hunter2" not in told[2]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("schedules", "GET, POST, HEAD"), (f"schedules/{_ID}", "GET, PUT, DELETE, HEAD"),
        (f"schedules/{_ID}/msg-ids", "GET, HEAD"), (f"schedules/{_ID}/msg_ids/", "GET, HEAD"), ("push", "POST"),
    ],
)  # fmt: skip
def test_another_method_is_405_with_the_document(api: V4, path: str, allowed: str) -> None:
    for method in {"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "MOVE"} - set(allowed.split(", ")):
        answer = api.call(method, f"/v4/{path}")
        assert error(answer) == (405, 28100, "this address does not take that method")
        assert answer["Allow"] == allowed


def test_an_address_where_nothing_is_answers_in_the_same_shape(api: V4) -> None:
    for path in ("/v4/", "/v4/schedule", "/v4/push/validate", f"/v4/schedules/{_ID}/msgids", f"/v4/schedules/{_ID}//",
                 "/v4//schedules", "/v4/schedules%0a", "/v4/SCHEDULES", f"/v4/schedules/{_ID}/msg-ids/x"):  # fmt: skip
        assert error(api.call("GET", path)) == GONE, path


def test_a_host_that_is_not_ours_answers_in_the_same_shape(api: V4) -> None:
    answer = api.call("GET", Host="elsewhere.example")
    assert error(answer)[:2] == (400, 28100)


def test_no_address_redirects(api: V4) -> None:
    made = api.create(soon())
    for path in (
        "schedules",
        f"schedules/{made.uuid}",
        f"schedules/{made.uuid}/msg-ids",
        f"schedules/{made.uuid}/msg_ids",
    ):
        with_slash, without = (api.call("GET", f"/v4/{path}{end}") for end in ("/", ""))
        assert (with_slash.status_code, with_slash.content) == (200, without.content)
    assert api.call("POST", "/v4/schedules/", body(soon())).status_code == 200
    assert api.call("PUT", f"/v4/schedules/{made.uuid}/", {"name": "x"}).json()["name"] == "x"


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json", "application/json; charset=utf-8", "application/json;charset:utf-8", "APPLICATION/JSON",
        "application/x-www-form-urlencoded", "text/plain", "application/vnd.api+json", "multipart/form-data",
        "multipart/form-data; boundary=x", "", "nonsense", ";;;=", "application/json; charset=iso-8859-2",
        "text/xml; charset=\u00e9",
    ],
)  # fmt: skip
def test_a_body_is_json_whatever_it_is_called(api: V4, content_type: str) -> None:
    made = api.call("POST", data=body(soon(), name="ő"), Content_Type=content_type)
    assert (made.status_code, made.json()["name"]) == (200, "ő")
    path = f"/v4/schedules/{made.json()['schedule_id']}"
    assert api.call("PUT", path, {"name": "ű"}, Content_Type=content_type).json()["name"] == "ű"
    for method in ("GET", "HEAD", "DELETE"):
        assert api.call(method, path, b"anything at all", Content_Type=content_type).status_code == 200


@pytest.mark.parametrize("accept", ["application/json", "text/html", "application/xml", "nonsense", "*/*;q=0"])
def test_accept_is_ignored(api: V4, accept: str) -> None:
    answer = api.call("GET", Accept=accept)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")


_NO_JSON = {
    "nothing": (b"", "the body is empty"),
    "spaces": (b" \r\n", "the body is empty"),
    "half": (b'{"name":', "the body is not JSON: Expecting value at line 1, column 9"),
    "a form": (b"name=x&enabled=true", "the body is not JSON: Expecting value at line 1, column 1"),
    "a comment": (b'{"name": "x" // why\n}', "the body is not JSON: Expecting ',' delimiter at line 1, column 14"),
    "two": (b"{}{}", "the body is not JSON: Extra data at line 1, column 3"),
    "no number": (b'{"enabled": NaN}', "the body is not JSON: NaN is no number of JSON"),
    "an endless number": (b'{"enabled": 1e999}', "the body is not JSON: 1e999 is too large a number"),
    "many digits": (b'{"enabled": ' + b"9" * 5000 + b"}", "the body is not JSON: a number has too many digits"),
    "a mark": ("\ufeff{}".encode(), "the body begins with a byte order mark, send UTF-8 without it"),
    "UTF-16": ('{"name": "x"}'.encode("utf-16-le") + b"\xff", "the body is not UTF-8: byte 26"),
    "no UTF-8": (b'{"name": "\xe9"}', "the body is not UTF-8: byte 10"),
    "a key twice": (b'{"name": "a", "name": "b"}', "name: given twice in one object"),
    "a key twice within": (
        b'{"trigger": {"single": {"time": "a", "time": "b"}}}', "trigger.single.time: given twice in one object",
    ),
    "deep lists": (b"[" * 100 + b"]" * 100, "the body is nested more than 64 levels deep"),
    "deep objects": (b'{"a":' * 5000 + b"1" + b"}" * 5000, "the body is nested more than 64 levels deep"),
    "very deep": (b"[" * 200_000 + b"]" * 200_000, "the body is nested more than 64 levels deep"),
    "a NUL": (b'{"name": "a\\u0000b"}', "name: must not contain NUL characters"),
    "a raw NUL": (b'{"name": "a\0b"}', "the body is not JSON: Invalid control character at at line 1, column 12"),
    "half of a pair": (b'{"name": "\\ud800"}', "name: must not contain half of a surrogate pair"),
    "a NUL in a key": (b'{"a\\u0000": 1}', "a key must not contain NUL or half of a surrogate pair"),
    "a NUL deep down": (
        b'{"push": {"send": {"mailBody": "\\u0000"}}}', "push.send.mailBody: must not contain NUL characters",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "message"), _NO_JSON.values(), ids=_NO_JSON)
def test_what_is_no_json_is_told_why_and_leaves_nothing(api: V4, content: bytes, message: str) -> None:
    made = api.create(soon())
    before = rows()
    for method, path in (("POST", "/v4/schedules"), ("PUT", f"/v4/schedules/{made.uuid}"), ("POST", "/v4/push")):
        assert error(api.call(method, path, content)) == (400, 28100, message)
    assert rows() == before


def test_a_compressed_body_is_refused(api: V4) -> None:
    # S22
    told = error(api.call("POST", data=body(soon()), Content_Encoding="gzip"))
    assert told == (400, 28100, "Content-Encoding: must be absent or identity")


def test_a_body_beyond_the_cap_is_413_with_the_document(api: V4, settings: Any) -> None:
    # S23
    settings.HAMMY_MAX_REQUEST_BYTES = 1000
    before = rows()
    for path in ("/v4/schedules", "/v4/push"):
        assert error(api.call("POST", path, b"x" * 1001)) == (413, 28100, "the body is larger than 1000 bytes")
    assert rows() == before
    assert api.call("POST", data=body(soon())).status_code == 200


def test_a_chunked_body_is_read_whole(api: V4) -> None:
    content = BytesIO(b'{"nme": "x"}')
    environ: dict[str, Any] = {
        "wsgi.input": content, "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"
    }  # fmt: skip
    answer = Client().generic("POST", "/v4/schedules", headers={"Authorization": api.authorization}, **environ)
    assert error(answer)[2].startswith("nme: unknown field")


def test_many_unknown_members_are_told_in_a_bounded_answer(api: V4) -> None:
    answer = api.call("POST", data={f"{'x' * 300}{number}": 1 for number in range(5000)})
    assert error(answer)[:2] == (400, 28100)
    assert len(error(answer)[2]) == 2000
    assert Schedule.objects.count() == 0


def test_an_answer_bears_its_request_id(api: V4) -> None:
    assert api.call("GET", X_Request_Id="abc")["X-Request-Id"] == "abc"
