"""What every store must keep to, run on each one the registry finds."""

from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from sending import blobs
from sending.stores import stores
from sending.stores.base import Document, Owner, Store, StoreRefusal
from tests.factories import make_client

pytestmark = pytest.mark.django_db

every_store = pytest.mark.parametrize("name", sorted(stores()))
CONTENT = b"%PDF-1.4 minta"
NOBODYS = "5a7c1f6e-3d7b-4b8e-9c68-0f6f3a1d2b4c"


@pytest.fixture
def owner(settings: Any, tmp_path: Path) -> Owner:
    settings.HAMMY_EXTERNAL_ROOT = tmp_path
    for folder in ("mine", "theirs"):
        (tmp_path / folder).mkdir()
    return Owner(client_id=make_client()[0].pk, folder="mine")


@pytest.fixture
def stranger(owner: Owner) -> Owner:
    return Owner(client_id=make_client()[0].pk, folder="theirs")


def a_document(content: bytes = CONTENT, **values: Any) -> Document:
    digest = blobs.keep(lambda: BytesIO(content))
    given = {"message_id": 7, "part": "0", "file_name": "számla 1.pdf", "media_type": "application/pdf"} | values
    return Document(digest=digest, opener=lambda: BytesIO(content), **given)


def read(store: Store, ref: str, owner: Owner) -> bytes:
    with store.open(ref, owner) as file:
        return file.read()


def test_the_contracts_stores_are_there_and_the_base_is_none() -> None:
    assert list(stores()) == ["DMS", "FS"]
    assert stores() is stores()


@every_store
def test_a_store_is_named_as_it_is_registered_and_says_what_it_does(name: str) -> None:
    store = stores()[name]
    assert store.name == name == name.upper()
    assert type(store).__doc__
    assert store.source_property == store.source_property.upper() != ""


@every_store
def test_what_was_archived_can_be_named_as_a_source(name: str, owner: Owner) -> None:
    store = stores()[name]
    document = a_document()
    store.check_target(document.path, document.file_name, owner)
    ref = store.keep(document, owner)
    store.check(ref, owner)
    assert read(store, ref, owner) == CONTENT


@every_store
def test_archiving_the_same_document_again_changes_nothing(name: str, owner: Owner) -> None:
    store = stores()[name]
    document = a_document()
    assert store.keep(document, owner) == store.keep(document, owner)
    assert read(store, store.keep(document, owner), owner) == CONTENT


@every_store
def test_two_documents_lie_beside_each_other(name: str, owner: Owner) -> None:
    store = stores()[name]
    first = store.keep(a_document(), owner)
    second = store.keep(a_document(b"other", part="1", file_name="b.pdf"), owner)
    assert (read(store, first, owner), read(store, second, owner)) == (CONTENT, b"other")


@every_store
def test_s30_another_owners_document_looks_like_none(name: str, owner: Owner, stranger: Owner) -> None:
    store = stores()[name]
    ref = store.keep(a_document(), owner)
    for refused in (store.check, store.open):
        with pytest.raises(StoreRefusal) as caught:
            refused(ref, stranger)
        assert caught.value.is_missing
    assert store.remove(ref, stranger, digest=sha256(CONTENT).hexdigest()) is True
    assert read(store, ref, owner) == CONTENT


@every_store
def test_removing_once_or_twice_is_the_same(name: str, owner: Owner) -> None:
    store = stores()[name]
    ref = store.keep(a_document(), owner)
    assert store.remove(ref, owner, digest=sha256(CONTENT).hexdigest()) is True
    with pytest.raises(StoreRefusal) as caught:
        store.open(ref, owner)
    assert caught.value.is_missing
    assert store.remove(ref, owner, digest=sha256(CONTENT).hexdigest()) is True


@every_store
def test_what_is_no_longer_what_was_fetched_is_not_removed(name: str, owner: Owner) -> None:
    store = stores()[name]
    ref = store.keep(a_document(), owner)
    assert store.remove(ref, owner, digest=sha256(b"other").hexdigest()) is False
    assert read(store, ref, owner) == CONTENT


@every_store
@pytest.mark.parametrize(
    "ref", ["x", "7", "5a7c1f6e-3d7b-4b8e-9c68-0f6f3a1d2b4c", "a/b", "é" * 600, "a\0b", "../x", "/etc/passwd", "\r\n"]
)
def test_what_names_nothing_is_refused_in_a_sentence(name: str, ref: str, owner: Owner) -> None:
    for refused in (stores()[name].check, stores()[name].open):
        with pytest.raises(StoreRefusal) as caught:
            refused(ref, owner)
        assert caught.value.sentence.isprintable()
        assert 0 < len(caught.value.sentence) < 100
    assert stores()[name].remove(ref, owner, digest="0" * 64) in (True, False)


@every_store
def test_the_house_sees_what_a_client_archived(name: str, owner: Owner) -> None:
    store = stores()[name]
    ref = store.keep(a_document(), owner)
    house = replace(owner, client_id=None, sees_all=True)
    assert read(store, ref, house) == CONTENT
