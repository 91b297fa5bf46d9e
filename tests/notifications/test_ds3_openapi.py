"""The published document tells what the door takes and answers."""

from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from notifications.ds3.request import CREATE_PARAMETERS, LIST_PARAMETERS
from notifications.ds3.urls import urlpatterns
from tests.notifications.ds3_calls import MEMBERS

_LIST = "/job_completed_notification_registration"
_ONE = f"{_LIST}/{{registration_id}}"


@pytest.fixture(scope="module")
def published() -> dict[str, Any]:
    return SchemaGenerator(patterns=urlpatterns).get_schema(request=None, public=True)


def test_the_document_is_valid_and_names_every_operation_once(published: dict[str, Any]) -> None:
    validate_schema(published)
    operations = {
        (path, method): (operation["operationId"], min(operation["responses"]))
        for path, methods in published["paths"].items()
        for method, operation in methods.items()
    }
    assert operations == {
        (_LIST, "get"): ("listRegistrations", "200"),
        (_LIST, "post"): ("register", "201"),
        (_ONE, "get"): ("showRegistration", "200"),
        (_ONE, "delete"): ("deleteRegistration", "204"),
    }


@pytest.mark.parametrize(("method", "names"), [("get", LIST_PARAMETERS), ("post", CREATE_PARAMETERS)])
def test_every_parameter_is_published(published: dict[str, Any], method: str, names: tuple[str, ...]) -> None:
    assert sorted(one["name"] for one in published["paths"][_LIST][method]["parameters"]) == sorted(names)


def test_a_registration_has_the_published_members(published: dict[str, Any]) -> None:
    content = published["paths"][_ONE]["get"]["responses"]["200"]["content"]
    assert set(content) == {"text/xml", "application/json"}
    assert list(content["text/xml"]["schema"]["properties"]) == MEMBERS
    assert list(content["application/json"]["schema"]["properties"]["Data"]["properties"]) == MEMBERS
