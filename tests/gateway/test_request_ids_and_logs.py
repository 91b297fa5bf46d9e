"""Request ids through answers and logs; logs that hold one line an event and no secret (S16, S35)."""

import io
import json
import logging
from typing import Any

import pytest
from django.test import Client
from prometheus_client import REGISTRY

from gateway.clients import Keys
from gateway.logs import JsonFormatter, RequestFilter, SecretsFilter, Trace, current_trace, redact
from tests.factories import headers_for, make_client


class Lines:
    """A logger as the settings build it, writing to memory."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        handler = logging.StreamHandler(self.stream)
        handler.setFormatter(JsonFormatter())
        handler.addFilter(RequestFilter())
        handler.addFilter(SecretsFilter())
        self.log = logging.Logger("test")
        self.log.addHandler(handler)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def keys(db: None) -> Keys:
    return make_client(name="bank", needs_user_token=False)[1]


@pytest.fixture
def access(lines: Lines) -> Any:
    logger = logging.getLogger("hammy.access")
    handler = lines.log.handlers[0]
    logger.addHandler(handler)
    yield lines
    logger.removeHandler(handler)


@pytest.mark.urls("tests.gateway.urls")
def test_a_sane_request_id_is_kept(keys: Keys) -> None:
    for sane in ("a", "A.b_c-9", "x" * 128):
        response = Client().get("/hammy/echo", headers=headers_for(keys) | {"X-Request-Id": sane})
        assert response["X-Request-Id"] == sane


@pytest.mark.urls("tests.gateway.urls")
@pytest.mark.parametrize(
    "given", ["", "x" * 129, "a b", "a\r\nX-Evil: 1", "a\nb", "\u00e9", "<script>", "a\x00", "a;b"]
)
def test_s16_any_other_request_id_is_replaced(keys: Keys, given: str) -> None:
    response = Client().get("/hammy/echo", headers=headers_for(keys) | {"X-Request-Id": given})
    assert response["X-Request-Id"] != given
    assert len(response["X-Request-Id"]) == 32
    assert "X-Evil" not in response


@pytest.mark.urls("tests.gateway.urls")
def test_each_request_is_one_line(keys: Keys, access: Lines) -> None:
    address = f"/hammy/echo?clientHashKey={keys.client_hash_key}&x=secret"
    Client().get(address, headers={"X-Request-Id": "r-1", "X-User-Name": "kovacs"})
    (line,) = access.all
    assert line.pop("milliseconds") > 0
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "INFO",
        "logger": "hammy.access",
        "message": "request",
        "method": "GET",
        "route": "hammy/echo",
        "status": 200,
        "user": "kovacs",
        "request_id": "r-1",
        "client": "bank",
    }


@pytest.mark.urls("tests.gateway.urls")
def test_refused_and_unknown_requests_are_lines_too(keys: Keys, access: Lines) -> None:
    Client().get("/hammy/echo", headers={"X-Client-Hash-Key": "hk_guessing_is_no_use_at_all_here"})
    Client().generic("BREW", "/hammy/coffee?clientHashKey=x")
    assert [(line["method"], line["route"], line["status"], line["client"]) for line in access.all] == [
        ("GET", "hammy/echo", 401, ""),
        ("other", "unmatched", 404, ""),
    ]
    assert "guessing" not in access.text


@pytest.mark.urls("tests.gateway.urls")
def test_each_request_is_measured(keys: Keys) -> None:
    labels = {"route": "hammy/echo", "method": "GET", "status": "200"}
    before = REGISTRY.get_sample_value("hammy_request_seconds_count", labels) or 0
    Client().get("/hammy/echo", headers=headers_for(keys))
    assert REGISTRY.get_sample_value("hammy_request_seconds_count", labels) == before + 1


def test_no_trace_is_left_after_a_request(keys: Keys) -> None:
    Client().get("/healthz")
    assert current_trace.get() is None


def test_lines_of_a_request_carry_its_id_and_client(lines: Lines) -> None:
    token = current_trace.set(Trace(request_id="r-7", client="bank"))
    lines.log.info("hello %s", "world", extra={"message_id": 5})
    current_trace.reset(token)
    lines.log.info("outside")
    assert lines.all[0] | {"time": ""} == {
        "time": "",
        "level": "INFO",
        "logger": "test",
        "message": "hello world",
        "message_id": 5,
        "request_id": "r-7",
        "client": "bank",
    }
    assert "request_id" not in lines.all[1]


def test_s35_a_line_stays_one_line(lines: Lines) -> None:
    forged = 'x\n{"level":"ERROR","message":"forged"}\r\u2028\u0085\x00\x1b[2J'
    lines.log.info("user %s", forged, extra={"note": forged})
    assert lines.text.count("\n") == 1
    assert lines.text.isascii()
    assert lines.all[0]["message"] == f"user {forged}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/x?clientHashKey=abc&limit=1", "/x?clientHashKey=[redacted]&limit=1"),
        ("X-Client-Hash-Key: abc", "X-Client-Hash-Key: [redacted]"),
        ("Authorization: JWT abc.def", "Authorization: [redacted]"),
        ("authorization=Bearer abc", "authorization=[redacted]"),
        ("{'Authorization': 'Basic YTpi'}", "{'Authorization': '[redacted]'}"),
        ('{"password": "hunter2", "a": 1}', '{"password": "[redacted]", "a": 1}'),
        ("password=hunter2", "password=[redacted]"),
        ("token: abc", "token: [redacted]"),
        ("secret='abc' next", "secret='[redacted]' next"),
        ("key hk_0123456789012345678901234567890 unknown", "key [redacted] unknown"),
        ("whsec_MDEyMzQ1Njc4OWFiY2RlZg== failed", "[redacted] failed"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "[redacted]"),
        ("postgres://hammy:hunter2@db/hammy", "postgres://hammy:[redacted]@db/hammy"),
        ("amqp://:hunter2@mq", "amqp://:[redacted]@mq"),
        ("nothing to hide: 12 tokens sent", "nothing to hide: 12 tokens sent"),
        ("https://example.com:8080/a@b", "https://example.com:8080/a@b"),
    ],
)
def test_s35_secrets_are_redacted(text: str, expected: str) -> None:
    assert redact(text) == expected


def test_s35_secrets_beside_the_message_are_redacted(lines: Lines) -> None:
    lines.log.warning(
        "%s came",
        "password=hunter2",
        extra={
            "client_hash_key": "abc",
            "webhookSecret": "abc",
            "headers": {"Authorization": "JWT abc", "Accept": "x"},
            "urls": ["?token=abc", "?limit=1"],
            "client_name": "bank",
            "count": 3,
        },
    )
    (line,) = lines.all
    assert line["message"] == "password=[redacted] came"
    assert (line["client_hash_key"], line["webhookSecret"]) == ("[redacted]", "[redacted]")
    assert line["headers"] == {"Authorization": "[redacted]", "Accept": "x"}
    assert line["urls"] == ["?token=[redacted]", "?limit=1"]
    assert (line["client_name"], line["count"]) == ("bank", 3)


def test_s35_tracebacks_hold_no_secrets(lines: Lines) -> None:
    try:
        raise RuntimeError("cannot log in with password=hunter2")
    except RuntimeError:
        lines.log.exception("failed")
    assert "hunter2" not in lines.text
    assert lines.all[0]["exc_info"].endswith("password=[redacted]")


def test_a_line_with_what_json_does_not_know_is_still_a_line(lines: Lines) -> None:
    lines.log.info("odd", extra={"thing": object(), "raw": b"\xff", "error": ValueError("x")})
    assert lines.all[0]["message"] == "odd"


def test_a_line_with_wrong_arguments_does_not_stop_anything(lines: Lines) -> None:
    lines.log.info({"event": "x", "password": "hunter2"})
    assert (lines.all[0]["event"], lines.all[0]["password"]) == ("x", "[redacted]")
