"""Everything that can be wrong with a call, told in the one document, each at its place as it was spelt."""

from typing import Any

import pytest
from django.db import InterfaceError, OperationalError

from gateway.errors import Code, Problem, Refusal
from sending import subscribing
from sending.devices_v4 import request
from tests.schedules.test_v4_errors import _NO_JSON
from tests.schedules.v4_calls import basic, error
from tests.sending.devices_calls import DEVICES, Site, device, rows

pytestmark = pytest.mark.django_db
_LONG = "x" * 256
_POINT, _AUTH = device()["keys"].values()
_BYTES = {"p256dh": "keys.p256dh: must be 65 bytes in base64url", "auth": "keys.auth: must be 16 bytes in base64url"}
_LINE = "must not contain control characters"
_PASSED = "expirationTime: must be in the future, in milliseconds since 1970; it is 1796000000500 now"


@pytest.fixture
def site() -> Site:
    return Site()


def keys(**changes: Any) -> dict[str, Any]:
    values = {"p256dh": _POINT, "auth": _AUTH} | changes
    return {"keys": {name: value for name, value in values.items() if value is not ...}}


_WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no endpoint": ({"endpoint": ...}, "endpoint: required"),
    "a null endpoint": ({"endpoint": None}, "endpoint: must be text"),
    "no text": ({"endpoint": 5}, "endpoint: must be text"),
    "no address": ({"endpoint": "fcm"}, "endpoint: must be a URL as https://host/path"),
    "nothing": ({"endpoint": ""}, "endpoint: must be a URL as https://host/path"),
    "another scheme": ({"endpoint": "ftp://fcm.googleapis.com/x"}, "endpoint: must be a URL as https://host/path"),
    "a script": ({"endpoint": "javascript:alert(1)"}, "endpoint: must be a URL as https://host/path"),
    "no https": ({"endpoint": "http://fcm.googleapis.com/x"}, "endpoint: must be an https address"),
    "a password": ({"endpoint": "https://a:b@fcm.googleapis.com/x"}, "endpoint: must not hold a user or password"),
    "a port": (
        {"endpoint": "https://fcm.googleapis.com:22/x"}, "endpoint: the port must be one of 80, 443, 8080, 8443",
    ),
    "loopback": ({"endpoint": "https://127.0.0.1/x"}, "endpoint: leads to an address that may not be called"),
    "private": ({"endpoint": "https://10.0.0.1/x"}, "endpoint: leads to an address that may not be called"),
    "metadata": ({"endpoint": "http://169.254.169.254/"}, "endpoint: leads to an address that may not be called"),
    "IPv6": ({"endpoint": "https://[::1]/x"}, "endpoint: leads to an address that may not be called"),
    "unusual": ({"endpoint": "https://0x7f.1/x"}, "endpoint: the host is an address in an unusual spelling"),
    "a space": (
        {"endpoint": "https://fcm.googleapis.com/ x"},
        "endpoint: must be a URL without spaces, control characters or backslashes",
    ),
    "too long": (
        {"endpoint": f"https://fcm.googleapis.com/{'x' * 2000}"}, "endpoint: must be at most 2000 characters long",
    ),
    "no keys": ({"keys": ...}, "keys: required"),
    "null keys": ({"keys": None}, "keys: must be an object"),
    "a list of keys": ({"keys": []}, "keys: must be an object"),
    "empty keys": ({"keys": {}}, "keys.p256dh: required; keys.auth: required"),
    "no auth": (keys(auth=...), "keys.auth: required"),
    "another key": (keys(other="x"), "keys.other: unknown field"),
    "a short key": (keys(p256dh=_POINT[:-2]), _BYTES["p256dh"]),
    "a key with junk": (keys(p256dh=f"{_POINT}!!"), _BYTES["p256dh"]),
    "a key with spaces": (keys(p256dh=f" {_POINT}"), _BYTES["p256dh"]),
    "other letters": (keys(p256dh="é" * 87), _BYTES["p256dh"]),
    "no key": (keys(p256dh=""), _BYTES["p256dh"]),
    "no point": (keys(p256dh="B" + "A" * 86), "keys.p256dh: must be a point on the curve P-256"),
    "a long key": (keys(p256dh="A" * 101), "keys.p256dh: must be at most 100 characters long"),
    "a long auth": (keys(auth="A" * 24), _BYTES["auth"]),
    "auth with junk": (keys(auth=f"{_AUTH[:-1]}!"), _BYTES["auth"]),
    "a number for auth": (keys(auth=1), "keys.auth: must be text"),
    "both": (keys(p256dh="x", auth="x"), f"{_BYTES['p256dh']}; {_BYTES['auth']}"),
    "a date": ({"expirationTime": "2027-01-01"}, "expirationTime: must be a number"),
    "a truth": ({"expirationTime": True}, "expirationTime: must be a number"),
    "before 1970": ({"expirationTime": -1}, _PASSED),
    "a moment ago": ({"expirationTime": 1_796_000_000_000.5}, _PASSED),
    "now": ({"expirationTime": 1_796_000_000_500}, _PASSED),
    "seconds": ({"expirationTime": 1_900_000_000}, _PASSED),
    "far ahead": (
        {"expirationTime": 10**18}, "expirationTime: must be at most 253402300799000, in milliseconds since 1970",
    ),
    "another alias": ({"alias": 5}, "alias: must be text"),
    "a long alias": ({"alias": _LONG}, "alias: must be at most 255 characters long"),
    "two lines": ({"alias": "a\nb"}, f"alias: {_LINE}"),
    "a machine's own zone": (
        {"time_zone": "localtime"},
        "time_zone: must be a name of the tz database, as Europe/Budapest",
    ),
    "a zone": ({"time_zone": "Mars/Olympus"}, "time_zone: must be a name of the tz database, as Europe/Budapest"),
    "a long zone": ({"time_zone": "x" * 65}, "time_zone: must be at most 64 characters long"),
    "a path": ({"time_zone": "../etc/passwd"}, "time_zone: must be a name of the tz database, as Europe/Budapest"),
    "a language": ({"language": "magyar nyelv"}, "language: must be a language tag, as hu or en-GB"),
    "an underscore": ({"language": "hu_HU"}, "language: must be a language tag, as hu or en-GB"),
    "a long language": ({"language": "x" * 36}, "language: must be at most 35 characters long"),
    "one tag": ({"tags": "news"}, "tags: must be a list"),
    "tags by object": ({"tags": {"add": ["a"]}}, "tags: must be a list"),
    "an empty tag": ({"tags": ["a", ""]}, "tags[1]: must not be empty"),
    "a long tag": ({"tags": [_LONG]}, "tags[0]: must be at most 255 characters long"),
    "a tag's lines": ({"tags": ["a\tb"]}, f"tags[0]: {_LINE}"),
    "what ends lines too": (
        {"alias": "a\u2028b", "tags": ["a\u2029b", "a\x85b", "a\x7fb"]},
        f"alias: {_LINE}; tags[0]: {_LINE}; tags[1]: {_LINE}; tags[2]: {_LINE}",
    ),
    "a tag that is none": ({"tags": [None, 1]}, "tags[0]: must be text; tags[1]: must be text"),
    "many tags": ({"tags": [f"t{number}" for number in range(101)]}, "tags: must be at most 100 items"),
    "another public key": ({"public_key": 1}, "public_key: must be text"),
    "a long public key": ({"public_key": "x" * 101}, "public_key: must be at most 100 characters long"),
    "another id": ({"registration_id": 1}, "registration_id: must be text"),
    "a long id": ({"registration_id": "x" * 65}, "registration_id: must be at most 64 characters long"),
    "an id's lines": ({"registration_id": "a\rb"}, f"registration_id: {_LINE}"),
    "an unknown member": ({"Tags": [], "p256dh": ""}, "Tags: unknown field; p256dh: unknown field"),
    "our own name": ({"expiration": 5}, "expiration: unknown field"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "message"), _WRONG.values(), ids=_WRONG)
def test_what_is_wrong_with_a_device_is_told_at_its_place(
    site: Site, changes: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request, "time", lambda: 1_796_000_000.5)
    before = rows()
    for call in (site.call, site.browser):
        assert error(call("POST", DEVICES, device(**changes))) == (400, 28100, message)
    assert rows() == before


def test_all_that_is_wrong_is_told_at_once(site: Site) -> None:
    given = device(endpoint=5, alias=5, tags=[5], x=5, **keys(auth=5))
    assert error(site.call("POST", DEVICES, given)) == (
        400, 28100,
        "alias: must be text; endpoint: must be text; keys.auth: must be text; tags[0]: must be text; x: unknown field",
    )  # fmt: skip


_WRONG_CHANGES = {
    "one tag": ({"tags": "news"}, "tags: must be a list, or an object with add and remove"),
    "a tag that is none": ({"tags": ["a", 5]}, "tags[1]: must be text"),
    "an empty tag": ({"tags": [""]}, "tags[0]: must not be empty"),
    "an unknown change": ({"tags": {"all": ["a"]}}, "tags.all: unknown field"),
    "an added tag": ({"tags": {"add": ["a", ""]}}, "tags.add[1]: must not be empty"),
    "a null": ({"tags": {"remove": None}}, "tags.remove: must be a list"),
    "lines": ({"tags": {"add": ["a\nb"]}}, f"tags.add[0]: {_LINE}"),
    "many": ({"tags": {"add": ["a"] * 101}}, "tags.add: must be at most 100 items"),
    "an alias": ({"alias": _LONG, "tags": ["new"]}, "alias: must be at most 255 characters long"),
    "a zone": ({"alias": "new", "time_zone": "x"}, "time_zone: must be a name of the tz database, as Europe/Budapest"),
    "a language": ({"alias": "new", "language": "?"}, "language: must be a language tag, as hu or en-GB"),
    "an endpoint": ({"alias": "new", "endpoint": "https://fcm.googleapis.com/x"}, "endpoint: unknown field"),
}


@pytest.mark.parametrize(("change", "message"), _WRONG_CHANGES.values(), ids=_WRONG_CHANGES)
def test_what_is_wrong_with_a_change_is_told_at_its_place(site: Site, change: dict[str, Any], message: str) -> None:
    path = f"{DEVICES}/{site.register(alias='old', tags=['old']).registration_id}"
    before = rows()
    for method in ("PUT", "POST"):
        assert error(site.call(method, path, change)) == (400, 28100, message)
    assert rows() == before


@pytest.mark.parametrize(("content", "message"), _NO_JSON.values(), ids=_NO_JSON)
def test_what_is_no_json_is_told_why_and_leaves_nothing(site: Site, content: bytes, message: str) -> None:
    path = f"{DEVICES}/{site.register().registration_id}"
    before = rows()
    for method, address in (("POST", DEVICES), ("PUT", path), ("POST", path)):
        assert error(site.call(method, address, content)) == (400, 28100, message)
    too_large = (413, 28100, "the body is larger than 16384 bytes")
    refused = too_large if len(content) > 16 * 1024 else (400, 28100, message)
    assert error(site.browser("POST", DEVICES, content)) == refused
    assert rows() == before


@pytest.mark.parametrize("document", [b"[]", b'"x"', b"5", b"null", b"true"])
def test_a_request_is_an_object(site: Site, document: bytes) -> None:
    path = f"{DEVICES}/{site.register().registration_id}"
    for address in (DEVICES, path):
        assert error(site.call("POST", address, document)) == (400, 28100, "the request must be a JSON object")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("page=0", "page: must be a number from 1"),
        ("page=x", "page: must be a number from 1"),
        ("page=-1", "page: must be a number from 1"),
        ("page=1.5", "page: must be a number from 1"),
        ("page=%D9%A1", "page: must be a number from 1"),
        (f"page={'9' * 16}", "page: must be a number from 1"),
        ("page=1&page=2", "page: given more than once with different values"),
        ("tag=a&tag=b", "tag: given more than once with different values"),
        ("tag=%00", "tag: must not contain NUL"),
        ("alias=a%00", "alias: must not contain NUL"),
        ("tags=a", "tags: unknown parameter, use page, tag, alias"),
    ],
)
def test_a_query_that_is_not_understood_is_refused(site: Site, query: str, message: str) -> None:
    assert error(site.call("GET", f"{DEVICES}?{query}")) == (400, 28100, message)


@pytest.mark.parametrize("name", ["nobody", "%00", "a%0Ab", "x" * 500, "%C5%91"])
def test_who_is_not_there_is_named(site: Site, name: str) -> None:
    site.register()
    before = rows()
    for method, data in (("GET", None), ("PUT", {"alias": "x"}), ("POST", {"alias": "x"}), ("DELETE", None)):
        status, code, message = error(site.call(method, f"{DEVICES}/{name}", data))
        assert (status, code) == (404, 28104)
        assert (message[:7], message[-10:]) == ("device ", " not found")
    assert rows() == before


def test_addresses_of_other_services_are_nobody(site: Site) -> None:
    site.register()
    before = rows()
    for path, message in (
        ("status", "device status not found"),
        ("token/registration_id", "Request schedule operation doesn't exist"),
    ):
        answer = site.call("POST", f"{DEVICES}/{path}", {"registration_ids": ["x"]})
        assert error(answer) == (404, 28104, message)
    assert error(site.call("POST", f"{DEVICES}/status", b"no JSON")) == (404, 28104, "device status not found")
    assert rows() == before


def test_another_method_is_405_with_those_that_are_taken(site: Site) -> None:
    path = f"{DEVICES}/{site.register().registration_id}"
    for method, address, allowed in (
        ("PUT", DEVICES, "GET, POST, HEAD, OPTIONS"),
        ("DELETE", DEVICES, "GET, POST, HEAD, OPTIONS"),
        ("POST", f"{DEVICES}/key", "GET, HEAD, OPTIONS"),
        ("PATCH", path, "GET, POST, PUT, DELETE, HEAD"),
        ("OPTIONS", path, "GET, POST, PUT, DELETE, HEAD"),
    ):
        answer = site.call(method, address, {})
        assert error(answer) == (405, 28100, "this address does not take that method")
        assert set(answer["Allow"].split(", ")) == set(allowed.split(", "))


def test_credentials_that_prove_nothing_are_refused(site: Site) -> None:
    keys_of, other = site.keys, Site()
    path = f"{DEVICES}/{site.register().registration_id}"
    before = rows()
    for authorization in ("", "Basic", basic(keys_of.access_id, ""), basic(keys_of.access_id, other.keys.secret)):
        for method, address in (("POST", DEVICES), ("GET", DEVICES), ("GET", f"{DEVICES}/key"), ("DELETE", path)):
            answer = site.call(method, address, device(), Authorization=authorization)
            assert error(answer) == (401, 28101, "Basic authentication failed.")
    assert rows() == before


def test_a_client_calls_from_its_networks_and_its_browsers_from_anywhere() -> None:
    site = Site(allowed_networks=["10.0.0.0/8"])
    assert error(site.call("GET", DEVICES)) == (403, 28100, "the client may not call from this address")
    site.subscribe()


def test_a_body_beyond_the_cap_is_413_with_the_document(site: Site, settings: Any) -> None:
    settings.HAMMY_MAX_REQUEST_BYTES = 1000
    for call in (site.call, site.browser):
        assert error(call("POST", DEVICES, b"x" * 1001)) == (413, 28100, "the body is larger than 1000 bytes")
        assert call("POST", DEVICES, device()).status_code == 200


def test_a_compressed_body_is_refused(site: Site) -> None:
    told = error(site.call("POST", DEVICES, device(), Content_Encoding="gzip"))
    assert told == (400, 28100, "Content-Encoding: must be absent or identity")


@pytest.mark.parametrize(
    ("failure", "expected", "retry_after"),
    [
        (OperationalError("away"), (503, 28203), "5"),
        (InterfaceError("closed"), (503, 28203), "5"),
        (Refusal(Problem(code=Code.RATE_LIMITED, sentence="x"), retry_after=17), (429, 28203), "17"),
        (RuntimeError("hunter2"), (500, 28200), None),
    ],
)
def test_what_fails_on_our_side_says_so(
    site: Site, monkeypatch: pytest.MonkeyPatch, failure: Exception, expected: tuple[int, int], retry_after: str | None
) -> None:
    def fails(**_: Any) -> None:
        raise failure

    monkeypatch.setattr(subscribing, "register", fails)
    for call in (site.call, site.browser):
        answer = call("POST", DEVICES, device())
        assert (error(answer)[:2], answer.headers.get("Retry-After")) == (expected, retry_after)
        assert b"hunter2" not in answer.content


def test_a_browser_is_told_too_when_the_database_is_away(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> None:
        raise OperationalError("away")

    monkeypatch.setattr("gateway.lookup._load_origins", away)
    monkeypatch.setattr("gateway.lookup._load_client", away)
    answer = site.browser("POST", DEVICES, device())
    assert error(answer)[:2] == (503, 28203)
    assert "Access-Control-Allow-Origin" not in answer
