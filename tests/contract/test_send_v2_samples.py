"""The samples of the original Send V2 document, replayed over REST (contracts README; golden files as printed).

The JSON samples fetch test.pdf from the external root, send it and archive it to the DMS; the multipart one archives to
the folder alma below that root. The multipart framing has tests of its own.
"""

import json
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sending import blobs
from sending.letter import Property
from sending.models import Attachment, DmsDocument, Message
from sending.send_v2 import answer
from tests.sending.factories import ScriptedChannel, make_template
from tests.sending.send_v2_calls import JSON, JSON_API, Caller, keep_files_in, nothing_happened, problems

pytestmark = pytest.mark.django_db

GOLDEN = Path(__file__).parent / "golden" / "send_v2"
PDF = b"%PDF-1.4 minta"


@pytest.fixture
def root(settings: Any, tmp_path: Path) -> Path:
    """The external root of the samples, in which test.pdf lies."""
    root = tmp_path / "external"
    root.mkdir()
    (root / "test.pdf").write_bytes(PDF)
    settings.HAMMY_EXTERNAL_ROOT = root
    return root


@pytest.fixture
def api(settings: Any, root: Path, tmp_path: Path) -> Caller:
    keep_files_in(tmp_path / "files", settings)
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


def assert_sent_and_archived(worker: Callable[..., ScriptedChannel]) -> None:
    """What the JSON samples ask for, from the row to the mail and the archive."""
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
            Property(key="ATTACHMENT_SOURCE", value="FS"),
            Property(key="RELATIVE_FILE_PATH", value="test.pdf"),
            Property(key="ARCHIVE_TARGET", value="DMS"),
            Property(key="SZERZODO_NEVE", value="Cserepes Virág", is_meta_data=True),
        )
    ]
    (parcel,) = worker().parcels
    assert (parcel.subject, parcel.text) == ("Értesítő", "Kedves Teszt Elek!")
    assert [(one.file_name, one.read()) for one in parcel.enclosures] == [("minta.pdf", PDF)]
    message.refresh_from_db()
    document = DmsDocument.objects.get()
    assert (message.status, document.message_id) == ("SENT", message.pk)
    assert (document.file_name, document.document_type) == ("minta.pdf", "351.DI")
    assert document.metadata == {"SZERZODO_NEVE": "Cserepes Virág"}
    assert blobs.read(document.blob_id) == PDF


def test_the_plain_sample_is_answered_as_printed_sent_and_archived(
    api: Caller, worker: Callable[..., ScriptedChannel]
) -> None:
    taken = api.post("/v2/send", (GOLDEN / "plain.request.json").read_bytes())
    assert (taken.status_code, taken["Content-Type"]) == (200, JSON)
    assert_as_printed(taken.content, "plain.response", "messageId")
    assert_sent_and_archived(worker)


def test_the_json_api_sample_is_answered_as_printed_sent_and_archived(
    api: Caller, worker: Callable[..., ScriptedChannel]
) -> None:
    taken = api.post("/v2/send", (GOLDEN / "json_api.request.json").read_bytes(), content_type=JSON_API)
    assert (taken.status_code, taken["Content-Type"]) == (200, JSON_API)
    assert_as_printed(taken.content, "json_api.response", "id")
    assert_sent_and_archived(worker)


@pytest.mark.parametrize(
    ("name", "content_type", "pointer"),
    [
        ("plain", JSON, "/attachments/0/properties/1/value"),
        ("json_api", JSON_API, "/included/6/attributes/value"),
    ],
)
def test_a_sample_without_its_file_is_refused_and_leaves_nothing(
    api: Caller, root: Path, name: str, content_type: str, pointer: str
) -> None:
    (root / "test.pdf").unlink()
    refused = api.post("/v2/send", (GOLDEN / f"{name}.request.json").read_bytes(), content_type=content_type)
    assert (refused.status_code, refused["Content-Type"]) == (400, content_type)
    assert problems(refused) == [
        (3003, "attachments[0].properties[1].value: RELATIVE_FILE_PATH names nothing that is there")
    ]
    assert [error["source"]["pointer"] for error in refused.json()["errors"]] == [pointer]
    assert nothing_happened()


@pytest.mark.parametrize("name", ["plain", "json_api"])
def test_a_sample_is_for_later_while_its_file_system_is_away(api: Caller, root: Path, name: str) -> None:
    root.rename(root.parent / "away")
    content_type = JSON if name == "plain" else JSON_API
    refused = api.post("/v2/send", (GOLDEN / f"{name}.request.json").read_bytes(), content_type=content_type)
    assert (refused.status_code, refused["Retry-After"]) == (503, "60")
    assert problems(refused) == [(9001, "the attachments cannot be fetched at present; send the request again")]
    assert nothing_happened()


def test_the_message_of_the_multipart_sample_is_archived_below_the_root(
    api: Caller, root: Path, worker: Callable[..., ScriptedChannel]
) -> None:
    """With its bytes as content, as SOAP has them, in the place of a part."""
    document = golden("multipart_message.request")
    attributes = document["included"][0]["attributes"]
    del attributes["attachmentRef"]
    attributes["content"] = b64encode(b"a picture").decode()
    taken = api.post("/v2/send", document, content_type=JSON_API)
    assert_as_printed(taken.content, "json_api.response", "id")
    (parcel,) = worker().parcels
    assert [(one.file_name, one.media_type) for one in parcel.enclosures] == [("image.png", "image/png")]
    assert (root / "alma" / "internal-image.png").read_bytes() == b"a picture"


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
        )
    ]
    assert nothing_happened()


def test_the_queues_answer_has_no_total() -> None:
    given = json.dumps(answer.accepted_json_api(308562, has_total=False))
    assert_as_printed(given.encode(), "queue_json_api.response")


def test_the_printed_numbers_come_out_as_printed() -> None:
    assert_as_printed(json.dumps(answer.accepted(308563)).encode(), "plain.response")
    assert_as_printed(json.dumps(answer.accepted_json_api(122)).encode(), "json_api.response")
