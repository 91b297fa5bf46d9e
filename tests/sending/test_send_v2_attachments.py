"""Attachments of a request and their control properties (contract send_v2, "Attachment")."""

from base64 import b64encode
from typing import Any

import pytest

from gateway.errors import Refusal
from sending.letter import LetterAttachment, Property
from sending.send_v2.attachments import media_type
from sending.send_v2.request import read

GOOD = {"recipientName": "Teszt Elek", "recipientEmailAddress": "elek@example.com"}
CONTENT = b64encode(b"%PDF-1.4").decode()


def prop(key: str, value: str, **members: Any) -> dict[str, Any]:
    return {"key": key, "value": value} | members


SOURCE = prop("ATTACHMENT_SOURCE", "INLINE")


def a_part(*properties: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"fileName": "minta.pdf", "content": CONTENT, "properties": [SOURCE, *properties]} | members


def accepted(*properties: dict[str, Any], **members: Any) -> LetterAttachment:
    return read(GOOD | {"attachments": [a_part(*properties, **members)]}).letter.attachments[0]


def refused(*properties: dict[str, Any], **members: Any) -> list[tuple[int, str]]:
    with pytest.raises(Refusal) as caught:
        read(GOOD | {"attachments": [a_part(*properties, **members)]})
    return [(int(problem.code), problem.detail) for problem in caught.value.problems]


@pytest.mark.parametrize("text", [CONTENT, f" {CONTENT[:4]}\r\n{CONTENT[4:]}\n"])
def test_base64_may_be_broken_into_lines(text: str) -> None:
    assert accepted(content=text).content == b"%PDF-1.4"


@pytest.mark.parametrize("text", ["###", "QQ", "QQ=", "QQ==QQ==", "Q\u00e1==", "QQ==\x00", "=QQ=", "Q-_="])
def test_base64_is_read_strictly(text: str) -> None:
    assert refused(content=text) == [(1002, "attachments[0].content: must be base64")]


@pytest.mark.parametrize("text", [7, 1.5, True, []])
def test_content_must_be_text(text: object) -> None:
    assert refused(content=text) == [(1002, "attachments[0].content: must be text")]


def test_what_is_missing_is_named_at_once() -> None:
    with pytest.raises(Refusal) as caught:
        read(GOOD | {"attachments": [{}]})
    assert [(int(problem.code), problem.detail) for problem in caught.value.problems] == [
        (1001, "attachments[0].fileName: required"),
        (1001, "attachments[0].content: required"),
        (1001, "attachments[0].properties: ATTACHMENT_SOURCE is required; INLINE is available"),
    ]


@pytest.mark.parametrize("source", ["FS", "DMS"])
def test_other_sources_need_a_store(source: str) -> None:
    found = refused(content=None, properties=[prop("ATTACHMENT_SOURCE", source)])
    assert found == [
        (3003, f"attachments[0].properties[0].value: the attachment source {source} is not available; INLINE is")
    ]


def test_a_source_nobody_knows_is_invalid() -> None:
    assert refused(properties=[prop("ATTACHMENT_SOURCE", "HTTP")]) == [
        (1002, "attachments[0].properties[0].value: ATTACHMENT_SOURCE must be INLINE")
    ]


def test_archive_targets_need_a_store() -> None:
    assert refused(
        prop("ARCHIVE_TARGET", "DMS"), prop("ARCHIVE_RELATIVE_PATH", "/alma/"), archivingExpected="true"
    ) == [
        (3003, "attachments[0].archivingExpected: must be false: no archive store is available"),
        (3003, "attachments[0].properties[1].value: the archive store DMS is not available"),
        (3003, "attachments[0].properties[2].value: no archive store is available"),
    ]


def test_a_property_of_another_source_is_not_lost_silently() -> None:
    assert refused(prop("RELATIVE_FILE_PATH", "a.pdf"), prop("DMS_DOCUMENT_ID", "7")) == [
        (1003, "attachments[0].properties[1].value: RELATIVE_FILE_PATH goes with ATTACHMENT_SOURCE FS alone"),
        (1003, "attachments[0].properties[2].value: DMS_DOCUMENT_ID goes with ATTACHMENT_SOURCE DMS alone"),
    ]


def test_what_is_to_be_signed_and_what_may_go_without_is_read() -> None:
    both = accepted(certificationExpected=True, postableWithoutCertificate="true", contentAvailable=True)
    assert (both.certification_expected, both.postable_without_certificate) == (True, True)
    neither = accepted(certificationExpected="false")
    assert (neither.certification_expected, neither.postable_without_certificate) == (False, False)


def test_what_came_with_the_request_has_no_source_to_delete() -> None:
    assert refused(deleteSourceExpected="true") == [
        (1002, "attachments[0].deleteSourceExpected: must be false: an INLINE attachment has no source")
    ]


def test_a_control_property_stands_once() -> None:
    assert refused(SOURCE) == [(1002, "attachments[0].properties[1].key: ATTACHMENT_SOURCE is given twice")]


def test_a_part_can_be_named_in_a_multipart_request_alone() -> None:
    assert refused(content=None, attachmentRef="part1") == [
        (
            1002,
            "attachments[0].attachmentRef: names a part of a multipart request, and this is none;"
            " give the bytes as content",
        )
    ]


def test_the_internal_name_is_member_or_property() -> None:
    by_property = prop("INTERNAL_FILE_NAME", "belso.pdf")
    assert accepted(by_property).internal_file_name == "belso.pdf"
    assert accepted(internalFileName="belso.pdf").internal_file_name == "belso.pdf"
    assert accepted(by_property, internalFileName="belso.pdf").internal_file_name == "belso.pdf"
    assert refused(by_property, internalFileName="mas.pdf") == [
        (1003, "attachments[0].internalFileName: must not differ from the property INTERNAL_FILE_NAME")
    ]
    assert refused(prop("INTERNAL_FILE_NAME", "a\r\nb.pdf")) == [
        (1002, "attachments[0].properties[1].value: must be one line of at most 255 characters")
    ]


@pytest.mark.parametrize("name", ["../minta.pdf", "/etc/passwd", "a\\b.pdf", "..", "."])
def test_s19_a_file_name_is_no_path(name: str) -> None:
    sentence = "must be a file name without a path"
    assert refused(fileName=name) == [(1002, f"attachments[0].fileName: {sentence}")]
    assert refused(internalFileName=name) == [(1002, f"attachments[0].internalFileName: {sentence}")]
    assert refused(prop("INTERNAL_FILE_NAME", name)) == [(1002, f"attachments[0].properties[1].value: {sentence}")]


@pytest.mark.parametrize("mark", list("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))
def test_s19_a_file_name_reads_in_one_direction(mark: str) -> None:
    assert refused(fileName=f"minta{mark}fdp.exe") == [
        (1002, "attachments[0].fileName: must not contain characters that change the direction of text")
    ]


def test_s16_a_file_name_is_one_line() -> None:
    assert refused(fileName="a\r\nX: y.pdf") == [
        (1002, "attachments[0].fileName: must be one line without control characters")
    ]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.pdf", "application/pdf"),
        ("a.DOCX", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.tar.gz", "application/octet-stream"),
        ("levél", "application/octet-stream"),
    ],
)
def test_the_media_type_follows_the_name(name: str, kind: str) -> None:
    assert media_type(name) == kind


def test_properties_keep_their_order_and_metadata() -> None:
    given = accepted(prop("SZERZODO_NEVE", "Béla", isMetaData="true"))
    assert given.properties == (
        Property(key="ATTACHMENT_SOURCE", value="INLINE"),
        Property(key="SZERZODO_NEVE", value="Béla", is_meta_data=True),
    )
