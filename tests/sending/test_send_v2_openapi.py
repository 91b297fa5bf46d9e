"""The published document tells what this door takes and answers."""

from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from sending import choosing
from sending.send_v2.bulk_request import BulkRequest
from sending.send_v2.model import ALIASES, SendRequest
from sending.send_v2.urls import urlpatterns


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
        ("/v2/send", "post"): "send",
        ("/v2/batches", "post"): "sendBatch",
        ("/v2/resend", "post"): "resend",
        ("/v2/messages", "get"): "listMessages",
        ("/v2/messages/bulk", "post"): "operateInBulk",
        ("/v2/messages/bulk/{job_uuid}/results", "get"): "listBulkResults",
        ("/v2/messages/bulk/{job_uuid}/results.csv", "get"): "saveBulkResults",
        ("/v2/messages/{message_id}", "get"): "readMessage",
        ("/v2/messages/{message_id}/events", "get"): "readEvents",
        ("/v2/messages/{message_id}/cancel", "post"): "cancelMessage",
    }


def test_a_letter_is_published_with_its_fields_and_limits(published: dict[str, Any]) -> None:
    content = published["paths"]["/v2/send"]["post"]["requestBody"]["content"]
    letter = content["application/json"]["schema"]
    assert set(letter["properties"]) == {field.alias for field in SendRequest.model_fields.values()} | set(ALIASES)
    assert letter["properties"]["mailSubject"] == {"type": "string", "maxLength": 600}
    assert letter["properties"]["messageTypeVersion"] == {"type": "integer", "minimum": 1, "maximum": 2147483647}
    assert letter["properties"]["attachments"]["items"]["required"] == ["fileName", "properties"]
    attributes = content["application/vnd.api+json"]["schema"]["properties"]["data"]["properties"]["attributes"]
    assert set(letter["properties"]) - set(attributes["properties"]) == {"attachments", "properties"}


@pytest.mark.parametrize("media_type", ["multipart/form-data", "multipart/mixed"])
def test_a_letter_with_uploads_is_published(published: dict[str, Any], media_type: str) -> None:
    content = published["paths"]["/v2/send"]["post"]["requestBody"]["content"]
    form = content[media_type]["schema"]
    forms = [content[name]["schema"] for name in ("application/vnd.api+json", "application/json")]
    assert (form["required"], form["properties"]) == (["message"], {"message": {"oneOf": forms}})
    assert (form["additionalProperties"]["type"], form["additionalProperties"]["format"]) == ("string", "binary")
    encoding = {"message": {"contentType": "application/vnd.api+json, application/json"}}
    assert content[media_type]["encoding"] == encoding


def test_answers_and_failures_are_published_in_both_forms(published: dict[str, Any]) -> None:
    responses = published["paths"]["/v2/send"]["post"]["responses"]
    assert set(responses) == {"200", "400", "401", "403", "404", "409", "413", "415", "429", "500", "503"}
    for response in responses.values():
        assert set(response["content"]) == {"application/json", "application/vnd.api+json"}


def test_an_operation_in_bulk_is_published_with_its_filters(published: dict[str, Any]) -> None:
    content = published["paths"]["/v2/messages/bulk"]["post"]["requestBody"]["content"]
    asked = content["application/json"]["schema"]
    assert set(asked["properties"]) == {field.alias for field in BulkRequest.model_fields.values()}
    assert asked["properties"]["operation"]["enum"] == ["CANCEL", "HOLD", "RELEASE", "REQUEUE", "RESEND"]
    assert list(asked["properties"]["filter"]["properties"]) == list(choosing.NAMES)
    attributes = content["application/vnd.api+json"]["schema"]["properties"]["data"]["properties"]["attributes"]
    assert attributes == asked
    csv = published["paths"]["/v2/messages/bulk/{job_uuid}/results.csv"]["get"]["responses"]
    assert (set(csv["200"]["content"]), set(csv["404"]["content"])) == ({"text/csv"}, {"application/vnd.api+json"})
