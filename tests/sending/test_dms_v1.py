"""The DMS over REST: what its owner finds and fetches, and nobody else."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client

from gateway.dates import format_moment
from sending import blobs
from sending.models import Blob, DmsDocument
from sending.stores import stores
from sending.stores.base import Document, Owner
from tests.factories import headers_for
from tests.sending.send_v2_calls import Caller, keep_files_in, problems

pytestmark = pytest.mark.django_db

BASE = "/hammy/json/dms/v1/documents"
CONTENT = b"<script>alert(1)</script>"


@pytest.fixture
def api(settings: Any, tmp_path: Path) -> Caller:
    keep_files_in(tmp_path, settings)
    return Caller()


def archived(api: Caller, content: bytes = CONTENT, **values: Any) -> DmsDocument:
    given: dict[str, Any] = {
        "message_id": DmsDocument.objects.count() + 1,
        "part": "0",
        "file_name": "szerződés.html",
        "media_type": "text/html",
        "digest": blobs.keep(lambda: BytesIO(content)),
        "opener": lambda: BytesIO(content),
    }
    ref = stores()["DMS"].keep(Document(**given | values), Owner(client_id=api.client.pk))
    return DmsDocument.objects.get(uuid=ref)


def get(api: Caller, path: str = "", query: Any = None) -> Any:
    return Client().get(BASE + path, query, headers=api.headers)


def found(api: Caller, query: Any) -> list[str]:
    answer = get(api, "", query)
    assert answer.status_code == 200, answer.content
    assert answer.json()["meta"]["total"] == len(answer.json()["data"])
    return [item["id"] for item in answer.json()["data"]]


def test_a_document_is_described(api: Caller) -> None:
    document = archived(
        api, document_type="351.DI", object_type="SZERZODES", object_ref="123", user_name="elek",
        metadata={"SZERZODO_NEVE": "Cserepes Virág"},
    )  # fmt: skip
    answer = get(api, f"/{document.uuid}")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/vnd.api+json")
    assert answer.json() == {
        "data": {
            "type": "documents",
            "id": str(document.uuid),
            "attributes": {
                "fileName": "szerződés.html",
                "mediaType": "text/html",
                "size": len(CONTENT),
                "sha256": document.blob_id,
                "version": 1,
                "documentType": "351.DI",
                "objectType": "SZERZODES",
                "objectRef": "123",
                "properties": [{"key": "SZERZODO_NEVE", "value": "Cserepes Virág"}],
                "messageId": 1,
                "userName": "elek",
                "createdAt": format_moment(document.created_at),
            },
        },
        "meta": {"params": [], "responseStatus": {"code": 0, "messages": []}},
    }


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_document_is_saved_and_never_shown(api: Caller, slash: str) -> None:
    document = archived(api)
    answer = get(api, f"/{document.uuid}/content{slash}")
    assert b"".join(answer.streaming_content) == CONTENT
    assert dict(answer.items()) == {
        "Content-Type": "text/html",
        "Content-Length": str(len(CONTENT)),
        "Content-Disposition": "attachment; filename*=utf-8''szerz%C5%91d%C3%A9s.html",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
    } | {name: value for name, value in answer.items() if name in _OTHERS}


_OTHERS = {"X-Request-Id", "X-Frame-Options", "Cross-Origin-Opener-Policy", "Allow", "Vary"}


def test_a_document_whose_bytes_cannot_be_read_is_for_later(api: Caller) -> None:
    document = archived(api)
    default_storage.delete(Blob.path(document.blob_id))
    answer = get(api, f"/{document.uuid}/content")
    assert problems(answer) == [(9001, "the document cannot be read at present")]


@pytest.mark.parametrize("name", ["x", "7", "5a7c1f6e-3d7b-4b8e-9c68-0f6f3a1d2b4c", "..", "%00"])
@pytest.mark.parametrize("path", ["", "/content"])
def test_what_is_no_document_is_not_found(api: Caller, name: str, path: str) -> None:
    assert get(api, f"/{name}{path}").status_code == 404


def test_s30_a_stranger_sees_nothing_and_who_may_see_all_sees_it(api: Caller) -> None:
    document = archived(api, metadata={"K": "V"})
    stranger, auditor = Caller(), Caller(rights=["send", "see_all"])
    for path in (f"/{document.uuid}", f"/{document.uuid}/content"):
        refused = get(stranger, path)
        assert (refused.status_code, problems(refused)) == (404, [(3000, f"document {document.uuid} not found")])
        assert get(auditor, path).status_code == 200
    for query in ({}, {"messageId": 1}, {"property": "K=V"}, {"fileName": document.file_name}):
        assert found(stranger, query) == []
        assert found(auditor, query) == [str(document.uuid)]


def test_the_right_to_send_is_needed(api: Caller) -> None:
    document = archived(api)
    other = Caller(rights=["portal"])
    for path in ("", f"/{document.uuid}", f"/{document.uuid}/content"):
        assert get(other, path).status_code == 403
        assert Client().get(BASE + path).status_code == 401


def test_documents_are_found_by_what_is_known_of_them(api: Caller) -> None:
    first = archived(api, object_type="SZERZODES", object_ref="1", metadata={"A": "x, y", "B": "2"})
    second = archived(api, object_type="SZERZODES", object_ref="2", document_type="DI", metadata={"A": "x, y"})
    third = archived(api, file_name="c.pdf", metadata={"B": "x, y"})
    one, two, three = (str(document.uuid) for document in (first, second, third))
    assert found(api, {}) == [three, two, one]
    assert found(api, {"sort": "createdAt"}) == [one, two, three]
    assert found(api, {"objectType": "SZERZODES"}) == [two, one]
    assert found(api, {"objectType": "SZERZODES", "objectRef": "1"}) == [one]
    assert found(api, {"documentType": "DI"}) == [two]
    assert found(api, {"fileName": "c.pdf"}) == [three]
    assert found(api, {"messageId": "3"}) == [three]
    assert found(api, {"property": "A=x, y"}) == [two, one]
    assert found(api, {"property": ["A=x, y", "B=2"]}) == [one]
    assert found(api, {"property": "A=X"}) == []
    assert found(api, {"createdAtTo": "2000-01-01"}) == []
    assert get(api, "", {"limit": 1, "offset": 1}).json()["data"][0]["id"] == two


def test_versions_are_documents_of_one_object_and_name(api: Caller) -> None:
    named = {"object_type": "SZERZODES", "object_ref": "1"}
    contents = enumerate((b"1", b"2", b"2", b"3"), start=11)
    documents = [archived(api, content, message_id=number, **named) for number, content in contents]
    assert [document.version for document in documents] == [1, 2, 2, 3]
    listed = get(api, "", {"objectRef": "1", "sort": "-version"}).json()["data"]
    assert [item["attributes"]["version"] for item in listed] == [3, 2, 1]
    # The third archiving found its content there.
    assert found(api, {"messageId": "13"}) == [str(documents[1].uuid)]


def test_bad_parameters_are_told_all_at_once(api: Caller) -> None:
    answer = get(api, "", {"limit": "0", "messageId": "x", "property": "K", "sort": "colour", "filter[fileName]": "a"})
    assert [detail.partition(":")[0] for _, detail in problems(answer)] == [
        "limit",
        "sort",
        "messageId",
        "property",
        "filter[fileName]",
    ]
    many = get(api, "", {"property": ["K=V"] * 11})
    assert problems(many) == [(1002, "property: must be at most 10 values")]


@pytest.mark.parametrize("path", ["", "/x", "/x/content"])
def test_only_reading_is_offered(api: Caller, path: str) -> None:
    assert Client().post(BASE + path, {}, headers=api.headers).status_code == 405
    assert Client().delete(BASE + path, headers=headers_for(api.keys)).status_code == 405
