"""The samples of the original Send V2 document, replayed over REST (contracts README; golden files as printed).

The samples that read or archive files outside answer 3003 until such stores exist; beside each stands the same letter
with its attachment INLINE, which is taken. The multipart framing belongs to its own issue.
"""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from sending.letter import Property
from sending.models import Attachment, Message
from sending.send_v2 import answer
from tests.sending.factories import make_template
from tests.sending.send_v2_calls import JSON, JSON_API, Caller, keep_files_in, nothing_happened, problems

pytestmark = pytest.mark.django_db

GOLDEN = Path(__file__).parent / "golden" / "send_v2"
PDF = b64encode(b"%PDF-1.4 minta").decode()
UNAVAILABLE = "the attachment source FS is not available; INLINE is"
NO_ARCHIVE = "must be false: no archive store is available"


@pytest.fixture
def api(settings: Any, tmp_path: Path) -> Caller:
    keep_files_in(tmp_path, settings)
    make_template("351.DI", subject="Értesítő", text='Kedves {{ properties["CIMZETT_NEVE"] }}!')
    return Caller()


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text())


def members_in_order(text: str | bytes, masked: tuple[str, ...]) -> Any:
    """JSON with its members in the order written, so that another order is a difference; of ids only the type."""

    def pairs(members: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
        return [(name, type(value) if name in masked else value) for name, value in members]

    return json.loads(text, object_pairs_hook=pairs)


def assert_as_printed(given: bytes, name: str, *ids: str) -> None:
    printed = (GOLDEN / f"{name}.json").read_text()
    assert members_in_order(given, ids) == members_in_order(printed, ids)


def stored_inline() -> None:
    message = Message.objects.get()
    assert (message.recipient_name, message.recipient_email_address) == ("NAME", "emailaddress@dbx.hu")
    assert [(item["key"], item["value"]) for item in message.content["properties"]] == [
        ("CIMZETT_NEVE", "Teszt Elek"),
        ("SZERZODES_AZON", "123456789"),
        ("NYOMT_AZON", "351 díjértesítő"),
        ("ROOT_ID", "111111111"),
    ]
    attachment = Attachment.objects.get()
    assert (attachment.file_name, attachment.document_type) == ("minta.pdf", "351.DI")
    assert attachment.properties == [
        {"key": one.key, "value": one.value, "is_meta_data": one.is_meta_data}
        for one in (
            Property(key="ATTACHMENT_SOURCE", value="INLINE"),
            Property(key="SZERZODO_NEVE", value="Cserepes Virág", is_meta_data=True),
        )
    ]


def test_the_plain_sample_needs_stores_that_do_not_exist(api: Caller) -> None:
    refused = api.post("/v2/send", (GOLDEN / "plain.request.json").read_bytes())
    assert (refused.status_code, refused["Content-Type"]) == (400, JSON)
    assert problems(refused) == [
        (3003, f"attachments[0].archivingExpected: {NO_ARCHIVE}"),
        (3003, f"attachments[0].properties[0].value: {UNAVAILABLE}"),
        (3003, "attachments[0].properties[2].value: the archive store DMS is not available"),
    ]
    assert nothing_happened()


def test_the_plain_sample_inline_is_answered_as_printed(api: Caller) -> None:
    letter = golden("plain.request")
    attachment = letter["attachments"][0]
    attachment |= {"content": PDF, "archivingExpected": "false"}
    attachment["properties"] = [attachment["properties"][0] | {"value": "INLINE"}, attachment["properties"][3]]
    taken = api.post("/v2/send", letter)
    assert (taken.status_code, taken["Content-Type"]) == (200, JSON)
    assert_as_printed(taken.content, "plain.response", "messageId")
    stored_inline()


def test_the_json_api_sample_needs_stores_that_do_not_exist(api: Caller) -> None:
    refused = api.post("/v2/send", (GOLDEN / "json_api.request.json").read_bytes(), content_type=JSON_API)
    assert (refused.status_code, refused["Content-Type"]) == (400, JSON_API)
    assert problems(refused) == [
        (3003, f"attachments[0].archivingExpected: {NO_ARCHIVE}"),
        (3003, f"attachments[0].properties[0].value: {UNAVAILABLE}"),
        (3003, "attachments[0].properties[2].value: the archive store DMS is not available"),
    ]
    assert [error["source"]["pointer"] for error in refused.json()["errors"]] == [
        "/included/0/attributes/archivingExpected",
        "/included/5/attributes/value",
        "/included/7/attributes/value",
    ]
    assert nothing_happened()


def test_the_json_api_sample_inline_is_answered_as_printed(api: Caller) -> None:
    document = golden("json_api.request")
    attachment, *others = document["included"]
    attachment["attributes"] |= {"content": PDF, "archivingExpected": "false"}
    attachment["relationships"]["properties"]["data"] = [{"type": "properties", "id": one} for one in ("5", "8")]
    others[4]["attributes"]["value"] = "INLINE"
    document["included"] = [attachment, *(one for one in others if one["id"] not in ("6", "7"))]
    taken = api.post("/v2/send", document, content_type=JSON_API)
    assert (taken.status_code, taken["Content-Type"]) == (200, JSON_API)
    assert_as_printed(taken.content, "json_api.response", "id")
    stored_inline()


@pytest.mark.parametrize("path", ["/v1/send", "/v2/send"])
def test_the_message_of_the_multipart_sample_without_its_attachment(api: Caller, path: str) -> None:
    """ "If the mail has no attachment, it need not be multipart": the same message, with V1's recipientAddress."""
    document = golden("multipart_message.request")
    del document["data"]["relationships"]["attachments"], document["included"]
    taken = api.post(path, document, content_type=JSON_API)
    assert (taken.status_code, taken["Content-Type"]) == (200, JSON_API)
    assert_as_printed(taken.content, "json_api.response", "id")
    message = Message.objects.get()
    assert (message.recipient_name, message.recipient_email_address, message.subject) == (
        "Dr. Címzett Neve",
        "cimzett.neve@valahol.hu",
        "Teszt",
    )
    assert (message.content["from_address"], message.content["from_name"]) == ("felado@valahonnan.com", "Fel Adó")


def test_the_message_of_the_multipart_sample_alone_lacks_its_part(api: Caller) -> None:
    refused = api.post("/v1/send", golden("multipart_message.request"), content_type=JSON_API)
    assert problems(refused) == [
        (
            1002,
            "attachments[0].attachmentRef: names a part of a multipart request, and this is none;"
            " give the bytes as content",
        ),
        (3003, f"attachments[0].archivingExpected: {NO_ARCHIVE}"),
        (3003, "attachments[0].properties[1].value: the archive store FS is not available"),
        (3003, "attachments[0].properties[2].value: no archive store is available"),
    ]
    assert nothing_happened()


def test_the_queues_answer_has_no_total() -> None:
    given = json.dumps(answer.accepted_json_api(308562, has_total=False))
    assert_as_printed(given.encode(), "queue_json_api.response")


def test_the_printed_numbers_come_out_as_printed() -> None:
    assert_as_printed(json.dumps(answer.accepted(308563)).encode(), "plain.response")
    assert_as_printed(json.dumps(answer.accepted_json_api(122)).encode(), "json_api.response")
