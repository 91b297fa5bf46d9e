"""The published document tells what the doors of campaigns take and answer."""

from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from campaigns.campaign_v1 import urls as campaign_urls
from campaigns.campaign_v1.request import ChangedCampaign, NewCampaign, _Leg
from campaigns.recipient_v1 import urls as recipient_urls
from campaigns.recipient_v1.request import NewRecipient
from campaigns.recipient_v1.uploads import ImportRequest

JSON = "application/json"


def published(patterns: Any) -> dict[str, Any]:
    document = SchemaGenerator(patterns=patterns).get_schema(request=None, public=True)
    validate_schema(document)
    return document


def operations(document: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {
        (path, method): operation["operationId"]
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def fields(model: Any) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


@pytest.fixture(scope="module")
def recipient() -> dict[str, Any]:
    return published(recipient_urls.urlpatterns)


@pytest.fixture(scope="module")
def campaign() -> dict[str, Any]:
    return published(campaign_urls.urlpatterns)


def test_every_operation_on_recipients_is_published_once(recipient: dict[str, Any]) -> None:
    assert operations(recipient) == {
        ("/recipientGroups", "get"): "listRecipientGroups",
        ("/recipientGroups", "post"): "createRecipientGroup",
        ("/recipientGroups/{group_id}", "get"): "readRecipientGroup",
        ("/recipientGroups/{group_id}", "patch"): "changeRecipientGroup",
        ("/recipientGroups/{group_id}", "delete"): "deleteRecipientGroup",
        ("/recipientGroups/{group_id}/export", "get"): "exportRecipientGroup",
        ("/recipients", "get"): "listRecipients",
        ("/recipients", "post"): "createRecipient",
        ("/recipients/{recipient_id}", "get"): "readRecipient",
        ("/recipients/{recipient_id}", "patch"): "changeRecipient",
        ("/recipients/{recipient_id}", "delete"): "deleteRecipient",
        ("/imports", "post"): "importRecipients",
        ("/imports/{job_uuid}", "get"): "readImport",
        ("/imports/{job_uuid}/invalidLines", "get"): "readInvalidLines",
    }


def test_every_operation_on_campaigns_is_published_once(campaign: dict[str, Any]) -> None:
    one = "/campaigns/{campaign_id}"
    assert operations(campaign) == {
        ("/campaigns", "get"): "listCampaigns",
        ("/campaigns", "post"): "createCampaign",
        (one, "get"): "readCampaign",
        (one, "patch"): "changeCampaign",
        (one, "delete"): "deleteCampaign",
        (f"{one}/start", "post"): "startCampaign",
        (f"{one}/pause", "post"): "pauseCampaign",
        (f"{one}/resume", "post"): "resumeCampaign",
        (f"{one}/cancel", "post"): "cancelCampaign",
        (f"{one}/report", "get"): "readCampaignReport",
        (f"{one}/estimate", "get"): "estimateCampaign",
        (f"{one}/preview", "get"): "previewCampaign",
        (f"{one}/test", "post"): "testCampaign",
    }


def test_bodies_are_published_with_every_field(recipient: dict[str, Any], campaign: dict[str, Any]) -> None:
    def body(document: dict[str, Any], path: str, method: str) -> dict[str, Any]:
        return document["paths"][path][method]["requestBody"]["content"][JSON]["schema"]

    assert set(body(recipient, "/recipients", "post")["properties"]) == fields(NewRecipient)
    assert set(body(recipient, "/imports", "post")["properties"]) == fields(ImportRequest)
    new = body(campaign, "/campaigns", "post")
    assert set(new["properties"]) == fields(NewCampaign)
    assert set(new["properties"]["legs"]["items"]["properties"]) == fields(_Leg) - {"legId"}
    changed = body(campaign, "/campaigns/{campaign_id}", "patch")
    assert set(changed["properties"]) == fields(ChangedCampaign)
    assert set(changed["properties"]["legs"]["items"]["properties"]) == fields(_Leg)


def test_an_upload_is_published_as_a_form(recipient: dict[str, Any]) -> None:
    form = recipient["paths"]["/imports"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["required"] == ["file"]
    assert set(form["properties"]) == fields(ImportRequest) - {"relativeFilePath"} | {"file", "import"}
