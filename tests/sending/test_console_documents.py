"""The console's documents: found by what people have at hand, looked at, and saved by who may, with a trace."""

from io import BytesIO
from typing import Any

import pytest
from django.core.files.storage import default_storage

from sending import blobs
from sending.models import Blob, DmsDocument, MessageEvent
from sending.stores import stores
from sending.stores.base import Document, Owner
from tests.console import client_of, plain_pages, trail  # noqa: F401
from tests.factories import make_client
from tests.sending.console import MESSAGES
from tests.sending.factories import submitted

pytestmark = pytest.mark.django_db

DOCUMENTS = "/admin/sending/dmsdocument/"
CONTENT = b"<script>alert(1)</script>"


def archived(content: bytes = CONTENT, client: int | None = None, **values: Any) -> DmsDocument:
    given: dict[str, Any] = {
        "message_id": DmsDocument.objects.count() + 41,
        "part": "0",
        "file_name": "szerződés.html",
        "media_type": "text/html",
        "digest": blobs.keep(lambda: BytesIO(content)),
        "opener": lambda: BytesIO(content),
    }
    ref = stores()["DMS"].keep(Document(**given | values), Owner(client_id=client))
    return DmsDocument.objects.get(uuid=ref)


def found(words: str) -> list[DmsDocument]:
    response = client_of("Viewer").get(DOCUMENTS, {"q": words})
    return list(response.context["cl"].result_list)


@pytest.mark.parametrize(
    "words", ["szerz", "szerződés.html", "1234", "{uuid}", "41", "Cserepes Virág", "NEV=Cserepes Virág"]
)
def test_a_document_is_found_by_what_people_have_at_hand(words: str) -> None:
    wanted = archived(object_type="SZERZODES", object_ref="1234", metadata={"NEV": "Cserepes Virág"})
    archived(file_name="other.pdf", object_ref="12345", metadata={"NEV": "Cserepes"})
    assert found(words.format(uuid=wanted.uuid)) == [wanted]


@pytest.mark.parametrize("words", ["ződés", "34", "Virág", "NEV=", "%", "9" * 40])
def test_nothing_is_found_by_a_part_that_no_index_holds(words: str) -> None:
    archived(object_type="SZERZODES", object_ref="1234", metadata={"NEV": "Cserepes Virág"})
    assert found(words) == []


def test_the_list_costs_the_same_queries_however_many_rows_it_has(django_assert_num_queries: Any) -> None:
    browser = client_of("Viewer")
    archived()
    browser.get(DOCUMENTS)
    for number in range(20):
        archived(file_name=f"{number}.pdf", client=make_client()[0].pk)
    with django_assert_num_queries(8):
        assert browser.get(DOCUMENTS).status_code == 200


def test_a_documents_page_shows_what_is_known_and_its_versions() -> None:
    first = archived(object_ref="1", metadata={"NEV": "<b>Virág</b>"})
    second = archived(b"new", object_ref="1")
    page = client_of("Viewer").get(f"{DOCUMENTS}{first.pk}/change/").content.decode()
    assert "&lt;b&gt;Virág&lt;/b&gt;" in page
    assert str(first.uuid) in page
    assert f"{DOCUMENTS}{second.pk}/change/" in page
    assert f"{DOCUMENTS}{first.pk}/content/" not in page


def test_s33_a_document_is_saved_by_who_may_read_letters_and_leaves_a_trace() -> None:
    document = archived()
    address = f"{DOCUMENTS}{document.pk}/content/"
    for group in ("Viewer", "Template editor", ""):
        assert client_of(group).get(address).status_code == 403
    assert trail() == []
    operator = client_of("Operator")
    assert address in operator.get(f"{DOCUMENTS}{document.pk}/change/").content.decode()
    response = operator.get(address)
    assert b"".join(response.streaming_content) == CONTENT
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment;")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert trail() == [(str(document.pk), "read: document")]
    assert operator.get(f"{DOCUMENTS}999/content/").status_code == 404
    default_storage.delete(Blob.path(document.blob_id))
    assert operator.get(address).status_code == 404


@pytest.mark.parametrize("path", ["add/", "{pk}/delete/"])
def test_nothing_is_changed_through_the_console(path: str) -> None:
    document = archived()
    assert client_of("Administrator").post(DOCUMENTS + path.format(pk=document.pk), {"post": "yes"}).status_code == 403
    assert DmsDocument.objects.get() == document


def test_a_messages_page_tells_what_happened_beside_its_statuses() -> None:
    message = submitted()
    MessageEvent.objects.create(message=message, name="SENT", facts={"archived.0": "DMS 5a7c"})
    MessageEvent.objects.create(message=message, name="SOURCE_DELETED", reason="FS test.pdf")
    MessageEvent.objects.create(message=message, name="OF_TOMORROW")
    page = client_of("Viewer").get(f"{MESSAGES}{message.pk}/change/").content.decode()
    for words in ("Source deleted", "FS test.pdf", "Archived: attachment 1", "DMS 5a7c", "OF_TOMORROW"):
        assert words in page


def test_a_message_tells_what_became_of_it_in_the_readers_words_and_leads_to_its_documents() -> None:
    message = submitted()
    ref = archived(message_id=message.pk).uuid
    facts = {"archived.0": f"DMS {ref}", "archived.1": "FS out/<b>.pdf", "size": 2048, "pages": 2, "signed": "letter"}
    MessageEvent.objects.create(message=message, name="SENT", facts=facts)
    page = f"{MESSAGES}{message.pk}/change/"
    link = f'<a class="console-link" href="{DOCUMENTS}?q={ref}">DMS {ref}</a>'
    body = client_of("Viewer").get(page, headers={"accept-language": "hu"}).content.decode()
    shown = [
        "<dt>Aláírva</dt><dd>letter</dd>",
        "<dt>Oldalak</dt><dd>2</dd>",
        "<dt>Méret</dt><dd>2,0\xa0KB</dd>",
        f"<dt>Archiválva: 1. melléklet</dt><dd>{link}</dd>",
        "<dt>Archiválva: 2. melléklet</dt><dd>FS out/&lt;b&gt;.pdf</dd>",
    ]
    assert "".join(shown) in body


def test_a_document_leads_to_its_message_while_there_is_one() -> None:
    message = submitted()
    document = archived(message_id=message.pk)
    place = f'href="{MESSAGES}{message.pk}/change/"'
    browser = client_of("Viewer")
    assert place in browser.get(f"{DOCUMENTS}{document.pk}/change/").content.decode()
    message.delete()
    assert place not in browser.get(f"{DOCUMENTS}{document.pk}/change/").content.decode()
