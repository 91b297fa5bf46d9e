"""The JSON:API form of a letter (contract send_v2, "Faces", REST)."""

from base64 import b64encode
from typing import Any

import pytest

from gateway.errors import Code, Refusal
from sending.send_v2.json_api import Document
from sending.send_v2.request import read

PDF = b64encode(b"%PDF").decode()


def a_property(number: int, key: str = "K", value: Any = "V") -> dict[str, Any]:
    return {"type": "properties", "id": str(number), "attributes": {"key": key, "value": value}}


def an_attachment(number: int, *properties: int, **attributes: Any) -> dict[str, Any]:
    return {
        "type": "attachments",
        "id": str(number),
        "attributes": {"fileName": "minta.pdf", "content": PDF} | attributes,
        "relationships": {"properties": {"data": [{"type": "properties", "id": str(one)} for one in properties]}},
    }


def a_document(
    *included: Any, attributes: Any = None, kind: str = "sendRequests", **relationships: Any
) -> dict[str, Any]:
    good = {"recipientName": "Teszt Elek", "recipientEmailAddress": "elek@example.com"}
    return {
        "data": {"type": kind, "id": "x", "attributes": good | (attributes or {}), "relationships": relationships},
        "included": list(included),
    }


def to(kind: str, *numbers: object) -> dict[str, Any]:
    return {"data": [{"type": kind, "id": number} for number in numbers]}


def refused(document: object) -> list[tuple[int, str, str]]:
    read_document = Document(document)
    with pytest.raises(Refusal) as caught:
        read_document.read()
    return [(int(one.code), one.detail, read_document.pointer(one)) for one in caught.value.problems]


SOURCE = a_property(1, "ATTACHMENT_SOURCE", "INLINE")


@pytest.mark.parametrize("kind", ["sendRequests", "sendRequest"])
def test_a_document_is_the_same_letter_as_plain_json(kind: str) -> None:
    document = a_document(
        SOURCE, an_attachment(1, 1), a_property(2), kind=kind, attachments=to("attachments", "1"),
        properties=to("properties", "2"), attributes={"params": [{"key": "SEND_AT", "value": "2030-01-01"}]},
    )  # fmt: skip
    plain = read(
        {
            "recipientName": "Teszt Elek",
            "recipientEmailAddress": "elek@example.com",
            "properties": [{"key": "K", "value": "V"}],
            "params": [{"key": "SEND_AT", "value": "2030-01-01"}],
            "attachments": [
                {
                    "fileName": "minta.pdf",
                    "content": PDF,
                    "properties": [{"key": "ATTACHMENT_SOURCE", "value": "INLINE"}],
                }
            ],
        }
    )
    assert Document(document).read().letter == plain.letter


def test_ids_may_be_numbers_and_properties_shared() -> None:
    document = a_document(
        SOURCE, an_attachment(1, 1), an_attachment(2, 1, fileName="b.pdf"), attachments=to("attachments", 1, 2)
    )
    assert [one.file_name for one in Document(document).read().letter.attachments] == ["minta.pdf", "b.pdf"]


def test_relationships_and_included_may_be_absent_or_empty() -> None:
    attributes = {"recipientName": "N", "recipientEmailAddress": "a@b.hu"}
    for extra in ({}, {"relationships": None}, {"relationships": {"properties": {"data": []}, "attachments": {}}}):
        assert (
            Document({"data": {"type": "sendRequest", "attributes": attributes} | extra}).read().letter.properties == ()
        )


@pytest.mark.parametrize("document", [None, [], 7, "x", {}, {"data": None}, {"data": []}, {"data": "x"}])
def test_a_document_holds_one_resource(document: object) -> None:
    with pytest.raises(Refusal) as caught:
        Document(document)
    assert (caught.value.code, str(caught.value)) == (Code.MALFORMED, "data: must be one resource object")


def test_included_must_be_a_list() -> None:
    with pytest.raises(Refusal) as caught:
        Document({"data": {}, "included": {"a": 1}})
    assert (caught.value.code, str(caught.value)) == (Code.MALFORMED, "included: must be a list")


def test_problems_of_fields_point_into_attributes() -> None:
    assert refused(a_document(attributes={"mailSubject": "x" * 601, "nope": 1, "recipientName": ""})) == [
        (1002, "mailSubject: must be at most 600 characters", "/data/attributes/mailSubject"),
        (1001, "recipientName: required", "/data/attributes/recipientName"),
        (1004, "nope: unknown field", "/data/attributes/nope"),
    ]


def test_problems_of_included_objects_point_at_them() -> None:
    document = a_document(
        a_property(3, value=1.5), an_attachment(1, 1, 2, fileName="", nope=1), a_property(1, "ATTACHMENT_SOURCE", "FS"),
        a_property(2, ""), an_attachment(2), properties=to("properties", "3"), attachments=to("attachments", "1", "2"),
    )  # fmt: skip
    assert refused(document) == [
        (1001, "attachments[0].fileName: required", "/included/1/attributes/fileName"),
        (1003, "attachments[0].content: not together with ATTACHMENT_SOURCE FS", "/included/1/attributes/content"),
        (
            1001,
            "attachments[0].properties: RELATIVE_FILE_PATH is required with ATTACHMENT_SOURCE FS",
            "/included/1/relationships/properties",
        ),
        (1001, "attachments[0].properties[1].key: required", "/included/3/attributes/key"),
        (1004, "attachments[0].nope: unknown field", "/included/1/attributes/nope"),
        (
            1001,
            "attachments[1].properties: ATTACHMENT_SOURCE is required: INLINE, DMS, FS",
            "/included/4/relationships/properties",
        ),
        (1002, "properties[0].value: must be text", "/included/0/attributes/value"),
    ]


def test_references_point_to_something_of_their_kind_once() -> None:
    there = "/data/relationships"
    document = a_document(
        a_property(2), an_attachment(7, 7),
        properties={"data": [
            {"type": "properties", "id": "2"}, {"type": "properties", "id": "2"}, {"type": "properties", "id": "9"},
            {"type": "attachments", "id": "7"}, {"type": "people", "id": "1"}, {"type": "properties"}, "x",
        ]},
        attachments={"data": {"type": "attachments", "id": "7"}}, letters={},
    )  # fmt: skip
    assert [
        (code, detail.removeprefix("data.relationships."), pointer) for code, detail, pointer in refused(document)
    ] == [
        (1002, "properties.data[1]: the properties 2 is referred to twice", f"{there}/properties/data/1"),
        (1002, "properties.data[2]: points to nothing: properties 9 is not included", f"{there}/properties/data/2"),
        (1002, "properties.data[3].type: must be properties", f"{there}/properties/data/3/type"),
        (1002, "properties.data[4].type: must be one of attachments, properties", f"{there}/properties/data/4/type"),
        (1001, "properties.data[5].id: required", f"{there}/properties/data/5/id"),
        (1002, "properties.data[6]: must be an object with type and id", f"{there}/properties/data/6"),
        (1002, "attachments: must hold a list of references as data", f"{there}/attachments"),
        (1004, "letters: unknown relationship", f"{there}/letters"),
        (1002, "included[1]: nothing refers to it", "/included/1"),
    ]


def test_included_objects_are_known_given_once_and_referred_to() -> None:
    document = a_document(
        a_property(2), a_property(2), 7, {"type": "people", "id": "1"}, {"type": "properties", "nope": 1},
        a_property(3), properties=to("properties", "2"),
    )  # fmt: skip
    assert refused(document) == [
        (1002, "included[1]: the properties 2 is given twice", "/included/1"),
        (1002, "included[2]: must be a resource object", "/included/2"),
        (1002, "included[3].type: must be one of attachments, properties", "/included/3/type"),
        (1004, "included[4].nope: unknown member", "/included/4/nope"),
        (1001, "included[4].id: required", "/included/4/id"),
        (1002, "included[5]: nothing refers to it", "/included/5"),
    ]


def test_no_document_goes_in_circles() -> None:
    circle = an_attachment(1, 1)
    circle["relationships"]["attachments"] = to("attachments", "1")
    back = SOURCE | {"relationships": {"attachments": to("attachments", "1")}}
    assert refused(a_document(circle, back, attachments=to("attachments", "1"))) == [
        (1004, "included[1].relationships.attachments: unknown relationship", "/included/1/relationships/attachments"),
        (1004, "included[0].relationships.attachments: unknown relationship", "/included/0/relationships/attachments"),
    ]


def test_the_type_is_checked_and_members_are_known() -> None:
    document = a_document(kind="jobRequests") | {"extra": 1}
    document["data"]["nope"] = 1
    assert refused(document) == [
        (1004, "extra: unknown member", "/extra"),
        (1002, "data.type: must be sendRequests", "/data/type"),
        (1004, "data.nope: unknown member", "/data/nope"),
    ]


def test_lists_are_relationships_and_no_attributes() -> None:
    document = a_document(attributes={"properties": [], "attachments": []})
    assert refused(document) == [
        (1004, "data.attributes.properties: must be a relationship", "/data/attributes/properties"),
        (1004, "data.attributes.attachments: must be a relationship", "/data/attributes/attachments"),
    ]


def test_endless_problems_are_not_counted_out() -> None:
    with pytest.raises(Refusal) as caught:
        Document(a_document(*range(2000)))
    assert str(caught.value) == "more than 1000 things are wrong with this request"
