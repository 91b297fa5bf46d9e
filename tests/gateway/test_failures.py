"""Whatever goes wrong reaches the caller in the contract's shape and tells nothing of the inside."""

from typing import Any

import pytest
from django.test import Client

from gateway.clients import Keys
from gateway.envelope import meta, pointer, resource
from gateway.errors import Code, Problem
from tests.factories import headers_for, make_client

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.gateway.urls")]


@pytest.fixture
def keys() -> Keys:
    return make_client(needs_user_token=False)[1]


def fail(keys: Keys, name: str) -> Any:
    return Client().get(f"/hammy/fail/{name}", headers=headers_for(keys))


@pytest.mark.parametrize(
    ("name", "status", "code", "sentence"),
    [
        ("http404", 404, 3000, "not found"),
        ("forbidden", 403, 2002, "not allowed"),
        ("suspicious", 400, 1000, "the request is not acceptable"),
        ("operational", 503, 9001, "temporarily unavailable, try again later"),
        ("interface", 503, 9001, "temporarily unavailable, try again later"),
        ("parse", 400, 1000, "cannot parse"),
        ("throttled", 429, 2003, "too many requests, try again later"),
        ("validation", 400, 1001, "name: needed"),
    ],
)
def test_each_failure_has_its_code(keys: Keys, name: str, status: int, code: int, sentence: str) -> None:
    response = fail(keys, name)
    assert response.status_code == status
    assert response["Content-Type"] == "application/vnd.api+json"
    assert response.json()["meta"] == {"params": [], "responseStatus": {"code": code, "messages": [sentence]}}


def test_temporary_failures_say_when_to_come_back(keys: Keys) -> None:
    assert fail(keys, "operational")["Retry-After"] == "5"
    assert fail(keys, "throttled")["Retry-After"] == "7"


def test_every_problem_has_its_own_error(keys: Keys) -> None:
    response = fail(keys, "many")
    assert response.status_code == 400
    assert response.json() == {
        "errors": [
            {
                "status": "400",
                "code": "1001",
                "title": "Required field missing",
                "detail": "attachments[0].fileName: required",
                "source": {"pointer": "/attachments/0/fileName"},
            },
            {
                "status": "400",
                "code": "1002",
                "title": "Invalid value",
                "detail": "limit: must be between 1 and 1000",
                "source": {"parameter": "limit"},
            },
        ],
        "meta": {
            "params": [],
            "responseStatus": {
                "code": 1001,
                "messages": ["attachments[0].fileName: required", "limit: must be between 1 and 1000"],
            },
        },
    }


def test_s35_an_unforeseen_failure_gives_a_reference_and_nothing_else(keys: Keys, caplog: Any) -> None:
    response = fail(keys, "unforeseen")
    assert response.status_code == 500
    (sentence,) = response.json()["meta"]["responseStatus"]["messages"]
    reference = sentence.removeprefix("internal failure, reference ")
    assert len(reference) == 12
    assert "hunter2" not in response.text
    (record,) = [record for record in caplog.records if record.name == "gateway.failures"]
    assert record.getMessage() == f"internal failure {reference}"
    assert record.exc_info is not None


def test_a_failure_outside_of_the_views_has_the_same_shape() -> None:
    response = Client(raise_request_exception=False).get("/hammy/broken")
    assert (response.status_code, response.json()["errors"][0]["code"]) == (500, "9000")


def test_an_unknown_address_has_the_same_shape() -> None:
    response = Client().get("/hammy/nowhere")
    assert response.status_code == 404
    assert response.json()["meta"]["responseStatus"] == {
        "code": 3000,
        "messages": ["there is nothing at this address"],
    }
    assert Client().get("/elsewhere")["Content-Type"].startswith("text/html")


def test_a_strange_host_has_the_same_shape() -> None:
    response = Client().get("/hammy/echo", headers={"Host": "evil.example"})
    assert (response.status_code, response.json()["errors"][0]["code"]) == (400, "1000")


def test_a_wrong_method_is_told_the_right_ones(keys: Keys) -> None:
    # English, as every sentence of the contract, whatever language the site's console speaks.
    response = Client().delete("/hammy/echo", headers={**headers_for(keys), "Accept-Language": "hu"})
    assert (response.status_code, response["Allow"]) == (405, "GET, POST, HEAD")
    status = response.json()["meta"]["responseStatus"]
    assert status == {"code": 1000, "messages": ["this address does not take that method"]}
    assert Client().options("/hammy/echo", headers=headers_for(keys)).status_code == 405


@pytest.mark.parametrize("accept", ["application/json", "text/html", "image/png", "nonsense"])
def test_accept_is_ignored(keys: Keys, accept: str) -> None:
    response = Client().get("/hammy/echo", headers=headers_for(keys) | {"Accept": accept})
    assert (response.status_code, response["Content-Type"]) == (200, "application/vnd.api+json")


def test_cross_site_request_forgery_does_not_concern_keys(keys: Keys) -> None:
    response = Client(enforce_csrf_checks=True).post(
        "/hammy/echo", b"{}", content_type="application/json", headers=headers_for(keys)
    )
    assert response.status_code == 200


def test_pointers_escape_what_rfc_6901_reserves() -> None:
    assert pointer(Problem(code=Code.INVALID, sentence="", field=("a/b", 0, "c~d"))) == "/a~1b/0/c~0d"


def test_the_envelope_names_a_total_only_where_there_is_one() -> None:
    status = {"code": 0, "messages": []}
    assert meta() == {"params": [], "responseStatus": status}
    assert meta(total=None) == {"total": None, "params": [], "responseStatus": status}
    assert meta([("jobUuid", "x")], total=3) == {
        "total": 3,
        "params": [{"key": "jobUuid", "value": "x"}],
        "responseStatus": status,
    }
    assert resource("sendResponse", 122, {}) == {"type": "sendResponse", "id": "122", "attributes": {}}
