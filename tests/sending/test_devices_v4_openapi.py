"""The published document tells what the door takes and answers."""

from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from sending.devices_v4 import request
from sending.devices_v4.paging import PAGE
from sending.devices_v4.urls import urlpatterns

_ONE = "/devices/{registration_id}"
_DETAIL = ["registration_id", "alias", "time_zone", "language", "tags", "push_service", "created_at", "last_seen_at"]


@pytest.fixture(scope="module")
def published() -> dict[str, Any]:
    return SchemaGenerator(patterns=urlpatterns).get_schema(request=None, public=True)


def content(published: dict[str, Any], path: str, method: str, part: str = "200") -> dict[str, Any]:
    operation = published["paths"][path][method]
    place = operation["requestBody"] if part == "request" else operation["responses"][part]
    schema: dict[str, Any] = place["content"]["application/json"]["schema"]
    return schema


def test_the_document_is_valid_and_names_every_operation_once(published: dict[str, Any]) -> None:
    validate_schema(published)
    operations = {
        (path, method): (operation["operationId"], operation["security"])
        for path, methods in published["paths"].items()
        for method, operation in methods.items()
    }
    servers: list[dict[str, list[str]]] = [{"basic": []}]
    browsers: list[dict[str, list[str]]] = [{"basic": []}, {"applicationKey": []}]
    assert operations == {
        ("/devices", "get"): ("listDevices", servers),
        ("/devices", "post"): ("registerDevice", browsers),
        ("/devices/key", "get"): ("showPushKey", browsers),
        (_ONE, "get"): ("showDevice", servers),
        (_ONE, "put"): ("nameDevice", servers),
        (_ONE, "delete"): ("removeDevice", servers),
    }


def test_the_published_members_are_those_that_are_taken(published: dict[str, Any]) -> None:
    new, change = content(published, "/devices", "post", "request"), content(published, _ONE, "put", "request")
    assert set(new["properties"]) == set(request._Device.model_json_schema(by_alias=True)["properties"])
    assert new["required"] == request._Device.model_json_schema(by_alias=True)["required"] == ["endpoint", "keys"]
    assert set(change["properties"]) == set(request._Change.model_json_schema()["properties"])
    assert "required" not in change


def test_members_stand_in_the_order_in_which_they_are_answered(published: dict[str, Any]) -> None:
    assert list(content(published, "/devices", "post")["properties"]) == ["registration_id"]
    assert list(content(published, "/devices/key", "get")["properties"]) == ["public_key"]
    assert list(content(published, _ONE, "get")["properties"]) == _DETAIL
    assert list(content(published, _ONE, "put")["properties"]) == _DETAIL
    listed = content(published, "/devices", "get")["properties"]
    assert list(listed) == ["total_count", "total_pages", "page", "devices"]
    assert list(listed["devices"]["items"]["properties"]) == _DETAIL


def test_the_lists_parameters_are_those_that_are_taken(published: dict[str, Any]) -> None:
    parameters = published["paths"]["/devices"]["get"]["parameters"]
    assert {one["name"] for one in parameters} == {PAGE, *request.NARROWING}
