"""The published document tells what the door takes and answers."""

from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from schedules.v4.urls import urlpatterns

_ONE = "/schedules/{schedule_id}"
_MEMBERS = ["name", "enabled", "trigger", "push"]


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
        (path, method): (operation["operationId"], min(operation["responses"]), operation["security"])
        for path, methods in published["paths"].items()
        for method, operation in methods.items()
    }
    basic: list[dict[str, list[str]]] = [{"basic": []}]
    assert operations == {
        ("/schedules", "get"): ("listSchedules", "200", basic),
        ("/schedules", "post"): ("createSchedule", "200", basic),
        (_ONE, "get"): ("showSchedule", "200", basic),
        (_ONE, "put"): ("updateSchedule", "200", basic),
        (_ONE, "delete"): ("deleteSchedule", "200", basic),
        (f"{_ONE}/msg-ids", "get"): ("listMessageIds", "200", basic),
        ("/push", "post"): ("push", "200", basic),
    }


def test_members_stand_in_the_order_in_which_they_are_answered(published: dict[str, Any]) -> None:
    assert list(content(published, "/schedules", "post")["properties"]) == ["schedule_id", "name"]
    detail = ["schedule_id", *_MEMBERS]
    assert list(content(published, _ONE, "get")["properties"]) == detail
    assert list(content(published, _ONE, "put")["properties"]) == detail
    listed = content(published, "/schedules", "get")["properties"]
    assert list(listed) == ["total_count", "total_pages", "page", "schedules"]
    assert list(listed["schedules"]["items"]["properties"]) == detail
    assert list(content(published, f"{_ONE}/msg-ids", "get")["properties"]) == ["count", "msgids", "MsgIds"]
    assert list(content(published, "/push", "post")["properties"]) == ["request_id", "msg_id"]


def test_a_new_schedule_needs_all_its_members_and_a_change_any(published: dict[str, Any]) -> None:
    new, change = content(published, "/schedules", "post", "request"), content(published, _ONE, "put", "request")
    assert (list(new["properties"]), new["required"]) == (_MEMBERS, _MEMBERS)
    assert (list(change["properties"]), change.get("required")) == (_MEMBERS, None)
    assert list(new["properties"]["trigger"]["properties"]) == ["single", "periodical", "intelligent"]
    kinds = [next(iter(kind["properties"])) for kind in new["properties"]["push"]["oneOf"]]
    assert kinds == ["from", "send", "job"]


def test_every_refusal_is_the_one_document(published: dict[str, Any]) -> None:
    for path, methods in published["paths"].items():
        for method, operation in methods.items():
            failures = [status for status in operation["responses"] if status != "200"]
            assert failures == ["400", "401", "403", "404", "405", "413", "429", "500", "503"]
            for status in failures:
                error = content(published, path, method, status)["properties"]["error"]
                assert list(error["properties"]) == ["code", "message"]


def test_the_page_is_the_lists_one_parameter(published: dict[str, Any]) -> None:
    (page,) = published["paths"]["/schedules"]["get"]["parameters"]
    assert (page["name"], page["in"], page["schema"]) == ("page", "query", {"type": "integer", "default": 1})


def test_the_published_members_of_a_push_are_those_that_are_taken(published: dict[str, Any]) -> None:
    push = content(published, "/push", "post", "request")
    assert (list(push["properties"]), push["required"]) == (
        ["from", "to", "body", "request_id", "custom_args"], ["to", "body"],
    )  # fmt: skip
