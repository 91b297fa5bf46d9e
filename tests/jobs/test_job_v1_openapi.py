"""The published document tells what this door takes and answers."""

from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from jobs.job_v1.request import FILTERS
from jobs.job_v1.urls import urlpatterns
from jobs.states import Status
from tests.jobs.job_v1_calls import JSON, JSON_API, Caller


@pytest.fixture(scope="module")
def published() -> dict[str, Any]:
    return SchemaGenerator(patterns=urlpatterns).get_schema(request=None, public=True)


def test_the_document_is_valid_openapi(published: dict[str, Any]) -> None:
    validate_schema(published)


def test_every_operation_is_published_once(published: dict[str, Any]) -> None:
    operations = {
        (path, method): operation["operationId"]
        for path, methods in published["paths"].items()
        for method, operation in methods.items()
    }
    assert operations == {
        ("/v1/jobs", "get"): "findJobs",
        ("/v1/jobs", "post"): "triggerJob",
        ("/v1/jobs", "put"): "setJobStatus",
        ("/v1/jobs/{uuid}", "get"): "showJob",
        ("/v1/jobs/{uuid}/events", "get"): "listJobEvents",
        ("/v1/jobs/{uuid}/relatives", "get"): "listRelatives",
        ("/v1/jobInfos/{uuid}", "get"): "getJobInfo",
    }


def test_the_parameters_of_a_list_are_published(published: dict[str, Any]) -> None:
    parameters = {one["name"]: one for one in published["paths"]["/v1/jobs"]["get"]["parameters"]}
    assert set(parameters) == {*FILTERS, "limit", "offset", "sort"}
    assert parameters["statuses"]["schema"] == {"type": "array", "items": {"type": "string", "enum": sorted(Status)}}


def test_commands_are_published_in_both_forms(published: dict[str, Any]) -> None:
    for method, names in (
        ("post", {"jobName", "legIds", "params"}),
        ("put", {"jobId", "uuids", "jobStatus", "reason"}),
    ):
        content = published["paths"]["/v1/jobs"][method]["requestBody"]["content"]
        assert set(content) == {JSON, JSON_API}
        assert set(content[JSON]["schema"]["properties"]) == names
        document = content[JSON_API]["schema"]["properties"]["data"]["properties"]
        assert set(document["attributes"]["properties"]) == names


@pytest.mark.django_db
def test_a_job_has_the_published_members(published: dict[str, Any]) -> None:
    api = Caller()
    job = api.make_job(total=1, completed=1)

    def resource(path: str) -> Any:
        schema = published["paths"][path]["get"]["responses"]["200"]["content"][JSON_API]["schema"]
        return schema["properties"]["data"]["properties"]["attributes"]["properties"]

    shown = api.get(f"/jobs/{job.uuid}").json()["data"]["attributes"]
    assert list(shown) == list(resource("/v1/jobs/{uuid}"))
    info = api.get(f"/jobInfos/{job.uuid}").json()["data"]["attributes"]["jobInfo"]
    assert list(info) == list(resource("/v1/jobInfos/{uuid}")["jobInfo"]["properties"])
