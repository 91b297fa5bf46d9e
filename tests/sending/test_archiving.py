"""What letters leave in archives, once, whatever happens meanwhile."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from gateway.caller import Caller
from sending import archiving, blobs, dispatch, maintenance, parcels
from sending.channels.base import Outcome, OutcomeKind, Parcel
from sending.letter import Property
from sending.models import ArchivedPart, Attachment, DmsDocument, DmsFiling, Message
from sending.stores import stores
from sending.stores.base import Document, StoreRefusal
from tests.sending.archives import CONTENT, Died, an_archiving, archiving_to, from_fs, last_event, refused, submit
from tests.sending.factories import ScriptedChannel, an_attachment, event_names

pytestmark = pytest.mark.django_db

LARGE = 32 * 1024 * 1024


# ── beside a channel ────────────────────────────────────────────────────────────────────────────
def test_an_attachment_is_archived_with_its_metadata_before_the_letter_goes(crm: Caller, worker: Any) -> None:
    there: list[int] = []

    def on(parcel: Parcel) -> Outcome:
        there.append(DmsDocument.objects.count())
        return Outcome(kind=OutcomeKind.SENT, facts={"pages": 1})

    properties = (
        Property(key="ATTACHMENT_SOURCE", value="INLINE"),
        Property(key="SZERZODO_NEVE", value="Cserepes Virág", is_meta_data=True),
    )
    attachment = archiving_to(
        internal_file_name="belső.pdf", document_type="351.DI", object_type="SZERZODES", object_ref="123",
        media_type="application/pdf", properties=properties,
    )  # fmt: skip
    message = submit(replace(crm, user_name="elek"), attachments=(an_attachment(b"not this"), attachment))
    worker(on)
    document = DmsDocument.objects.get()
    assert there == [1]
    assert (document.client_id, document.message_id, document.user_name) == (crm.client_id, message.pk, "elek")
    assert (document.file_name, document.media_type) == ("belső.pdf", "application/pdf")
    assert (document.document_type, document.object_type, document.object_ref) == ("351.DI", "SZERZODES", "123")
    assert document.metadata == {"SZERZODO_NEVE": "Cserepes Virág"}
    assert (blobs.read(document.blob_id), document.version) == (CONTENT, 1)
    assert last_event(message).facts == {"pages": 1, "archived.1": f"DMS {document.uuid}"}


def test_a_document_goes_to_its_folder_below_the_clients_own(external_root: Path, crm: Caller, worker: Any) -> None:
    message = submit(crm, attachments=(archiving_to("FS", archive_path="alma", internal_file_name="i.pdf"),))
    worker()
    assert (external_root / "crm" / "alma" / "i.pdf").read_bytes() == CONTENT
    assert last_event(message).facts == {"archived.0": "FS alma/i.pdf"}


def test_a_letter_that_archives_nothing_asks_the_database_nothing(
    crm: Caller, worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiving, "ArchivedPart", None)
    message = submit(crm, attachments=(an_attachment(),))
    worker()
    assert (last_event(message).name, last_event(message).facts) == ("SENT", None)


def test_subject_and_text_are_archived_as_they_go_out(crm: Caller, worker: Any) -> None:
    message = submit(
        crm,
        archiving_expected=True,
        mail_html_body="<p>Szöveg</p>",
        properties=(
            Property(key="AZON", value="7", is_meta_data=True),
            Property(key="NEM", value="x"),
        ),
    )
    worker()
    text, html = DmsDocument.objects.order_by("id")
    assert (text.file_name, text.media_type) == (f"message-{message.pk}.txt", "text/plain")
    assert blobs.read(text.blob_id).decode() == "Teszt levél tárgy\n\nTeszt levél szöveg"
    assert (html.file_name, html.media_type) == (f"message-{message.pk}.html", "text/html")
    assert blobs.read(html.blob_id).decode() == "<p>Szöveg</p>"
    assert text.metadata == html.metadata == {"AZON": "7"}
    assert last_event(message).facts == {"archived.text": f"DMS {text.uuid}", "archived.html": f"DMS {html.uuid}"}


def test_the_messages_own_properties_say_where_its_words_go(external_root: Path, crm: Caller, worker: Any) -> None:
    properties = (Property(key="ARCHIVE_TARGET", value="FS"), Property(key="ARCHIVE_RELATIVE_PATH", value="/levelek/"))
    message = submit(crm, archiving_expected=True, properties=properties)
    worker()
    assert (
        (external_root / "crm" / "levelek" / f"message-{message.pk}.txt")
        .read_text()
        .startswith("Teszt levél tárgy\n\n")
    )


@pytest.mark.parametrize(
    ("properties", "told"),
    [
        ({"ARCHIVE_TARGET": "S3"}, "properties[0].value: ARCHIVE_TARGET must be one of DMS, FS"),
        (
            {"ARCHIVE_RELATIVE_PATH": "a"},
            "properties[0].value: ARCHIVE_RELATIVE_PATH goes not together with ARCHIVE_TARGET DMS,"
            " which has no folders",
        ),
        (
            {"ARCHIVE_TARGET": "FS", "ARCHIVE_RELATIVE_PATH": "../a"},
            "properties[1].value: ARCHIVE_RELATIVE_PATH must not contain an empty name, . or ..",
        ),
    ],
)
def test_a_bad_place_for_the_words_is_refused(crm: Caller, properties: dict[str, str], told: str) -> None:
    given = tuple(Property(key=key, value=value) for key, value in properties.items())
    assert refused(crm, archiving_expected=True, properties=given) == [(3003, told)]


def test_a_default_target_that_there_is_not_is_refused(crm: Caller, settings: Any) -> None:
    settings.HAMMY_ARCHIVE_TARGET = "S3"
    assert refused(crm, archiving_expected=True) == [
        (3003, "archiving_expected: ARCHIVE_TARGET must be one of DMS, FS")
    ]


@pytest.mark.parametrize(
    ("path", "sentence"),
    [("../billing", "must not contain an empty name, . or .."), ("test.pdf", "leads through what is no folder")],
)
def test_s21_a_target_outside_is_refused_at_once(crm: Caller, path: str, sentence: str) -> None:
    ((code, told),) = refused(crm, attachments=(archiving_to("FS", archive_path=path),))
    assert code == 3003
    assert told.startswith(f"attachments[0].ARCHIVE_RELATIVE_PATH: ARCHIVE_RELATIVE_PATH {sentence}")


def test_two_attachments_cannot_be_one_file(crm: Caller) -> None:
    pair = (archiving_to("FS"), archiving_to("DMS"), archiving_to("FS"))
    assert refused(crm, attachments=pair) == [
        (
            3003,
            "attachments[2].ARCHIVE_RELATIVE_PATH: ARCHIVE_RELATIVE_PATH and name are those of attachments[0], too",
        )
    ]


# ── trouble ─────────────────────────────────────────────────────────────────────────────────────
def test_another_file_in_its_place_fails_the_letter_and_nothing_goes_out(
    external_root: Path, crm: Caller, worker: Any
) -> None:
    message = submit(crm, attachments=(archiving_to("FS", file_name="minta.pdf"),))
    (external_root / "crm" / "minta.pdf").write_bytes(b"another")
    assert worker().parcels == []
    event = last_event(message)
    assert (event.name, event.reason) == ("FAILED", "minta.pdf not archived: another file minta.pdf lies there")
    assert (external_root / "crm" / "minta.pdf").read_bytes() == b"another"


def test_a_store_that_is_away_keeps_the_letter_until_it_is_back(external_root: Path, crm: Caller, worker: Any) -> None:
    message = submit(crm, attachments=(archiving_to("FS"),))
    external_root.rename(external_root.parent / "away")
    assert worker().parcels == []
    event = last_event(message)
    assert (event.name, event.reason) == ("RETRY", "minta.pdf not archived: No such file or directory")
    (external_root.parent / "away").rename(external_root)
    Message.objects.update(due_at=timezone.now())
    assert len(worker().parcels) == 1
    assert last_event(message).name == "SENT"


def test_what_was_archived_before_the_trouble_is_not_archived_again(
    external_root: Path, crm: Caller, worker: Any
) -> None:
    message = submit(crm, attachments=(archiving_to("DMS"), archiving_to("FS", archive_path="alma")))
    external_root.rename(external_root.parent / "away")
    worker()
    (external_root.parent / "away").rename(external_root)
    Message.objects.update(due_at=timezone.now())
    worker()
    document = DmsDocument.objects.get()
    assert last_event(message).facts == {"archived.0": f"DMS {document.uuid}", "archived.1": "FS alma/minta.pdf"}


@pytest.mark.parametrize("target", ["DMS", "FS"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_worker_that_dies_over_a_store_leaves_one_document(
    external_root: Path, crm: Caller, monkeypatch: pytest.MonkeyPatch, target: str, moment: str
) -> None:
    """R2 in the middle of archiving: what is archived at the end are the bytes of the first try, once."""
    submit(crm, attachments=(archiving_to(target, archive_path="alma" if target == "FS" else ""),))
    message = Message.objects.get()
    (attachment,) = Attachment.objects.all()
    keep = type(stores()[target]).keep

    def dying(store: Any, document: Document, owner: Any) -> str:
        if moment == "after":
            keep(store, document, owner)
        raise Died

    def made_ready() -> Parcel:
        parcel = parcels.build(message, [attachment])
        # Each signature is another: of the time, and of chance.
        signed = replace(parcel.enclosures[0], content=CONTENT + str(timezone.now()).encode(), opener=None)
        return archiving.archived(message, [attachment], replace(parcel, enclosures=(signed,)), ScriptedChannel())

    with monkeypatch.context() as patch:
        patch.setattr(type(stores()[target]), "keep", dying)
        with pytest.raises(Died):
            made_ready()
    first = blobs.read(ArchivedPart.objects.get().blob_id)
    parcel = made_ready()
    assert parcel.enclosures[0].read() == first
    assert DmsDocument.objects.count() == (target == "DMS")
    assert [path.name for path in external_root.rglob("alma/*")] == (["minta.pdf"] if target == "FS" else [])
    assert set(parcel.facts) == {"archived.0"}
    assert made_ready() == replace(parcel, enclosures=made_ready().enclosures)


def test_a_disk_without_room_for_the_archive_is_tried_again(crm: Caller, worker: Any, monkeypatch: Any) -> None:
    def full(*_: Any, **__: Any) -> str:
        raise OSError(28, "No space left on device")

    message = submit(crm, attachments=(archiving_to(),))
    with monkeypatch.context() as patch:
        patch.setattr(default_storage, "save", full)
        assert worker().parcels == []
    assert last_event(message).reason == "minta.pdf not archived: No space left on device"
    assert (last_event(message).name, DmsDocument.objects.count(), ArchivedPart.objects.count()) == ("RETRY", 0, 0)


# ── ARCHIVE ─────────────────────────────────────────────────────────────────────────────────────
def test_the_channel_archive_is_done_when_all_is_archived(
    external_root: Path, crm: Caller, work: Callable[[str], None]
) -> None:
    fs = an_attachment(b"second", archive_target="FS", archive_path="alma", file_name="m.pdf")
    message = submit(crm, **an_archiving(an_attachment(CONTENT, archive_target="DMS"), fs))
    work("ARCHIVE")
    document = DmsDocument.objects.get()
    event = last_event(message)
    assert (event.name, event.reason) == ("SENT", "archived")
    assert event.facts == {"archived.0": f"DMS {document.uuid}", "archived.1": "FS alma/m.pdf"}
    assert (external_root / "crm" / "alma" / "m.pdf").read_bytes() == b"second"


def test_the_channel_archive_needs_targets_and_nothing_else(crm: Caller) -> None:
    assert refused(crm, **an_archiving()) == [(1001, "attachments: required on channel ARCHIVE")]
    found = refused(crm, **an_archiving(an_attachment(archive_target="DMS"), an_attachment()))
    assert found == [(1001, "attachments[1].properties: ARCHIVE_TARGET is required on channel ARCHIVE")]
    found = refused(crm, **an_archiving(an_attachment(archive_target="FS", archive_path="../x")))
    assert [code for code, _ in found] == [3003]


def test_a_worker_that_dies_over_an_archiving_leaves_nothing_in_doubt(
    crm: Caller, work: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    message = submit(crm, **an_archiving(an_attachment(CONTENT, archive_target="DMS")))
    keep = type(stores()["DMS"]).keep

    def dying(store: Any, document: Document, owner: Any) -> str:
        keep(store, document, owner)
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(type(stores()["DMS"]), "keep", dying)
        patch.setattr(dispatch.queue, "give_back", lambda *_, **__: None)
        with pytest.raises(Died):
            dispatch.work("ARCHIVE")
    assert maintenance.recover_dead() == []
    work("ARCHIVE")
    assert event_names(message) == ["ACCEPTED", "SENDING", "ACCEPTED", "SENDING", "SENT"]
    assert (DmsDocument.objects.count(), DmsFiling.objects.count()) == (1, 1)


def test_a_store_that_refuses_in_the_end_says_why(crm: Caller, worker: Any, monkeypatch: Any) -> None:
    def refusing(*_: Any) -> str:
        raise StoreRefusal("is not to be had")

    submit(crm, attachments=(archiving_to(),))
    with monkeypatch.context() as patch:
        patch.setattr(type(stores()["DMS"]), "keep", refusing)
        worker()
    assert Message.objects.get().reason == "minta.pdf not archived: is not to be had"


@pytest.mark.parametrize("target", ["DMS", "FS"])
def test_a_large_document_is_never_in_memory_whole(
    external_root: Path, crm: Caller, work: Callable[[str], None], target: str
) -> None:
    (external_root / "crm" / "large.pdf").write_bytes(b"x" * LARGE)
    submit(crm, **an_archiving(from_fs("large.pdf", archive_target=target)))
    tracemalloc.start()
    try:
        work("ARCHIVE")
        assert tracemalloc.get_traced_memory()[1] < LARGE / 4
    finally:
        tracemalloc.stop()
    assert Message.objects.get().status == "SENT"


# ── a person is forgotten ───────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("target", ["FS", "DMS"])
def test_s36_what_was_archived_goes_with_its_last_message(
    target: str, external_root: Path, crm: Caller, worker: Any
) -> None:
    path = {"archive_path": "alma"} if target == "FS" else {"object_type": "TERMS", "object_ref": "2026"}
    attachment = archiving_to(target, internal_file_name="i.pdf", **path)
    first, second = (submit(crm, attachments=(attachment,)) for _ in range(2))
    worker()

    def there() -> bool:
        return DmsDocument.objects.exists() if target == "DMS" else (external_root / "crm" / "alma" / "i.pdf").exists()

    # Somebody else's letter has the same document at the same place.
    assert (archiving.erase([first.pk]), there()) == (1, True)
    assert (archiving.erase([first.pk]), there()) == (0, True)
    assert (archiving.erase([second.pk]), there()) == (1, False)


def test_s36_two_letters_of_one_person_share_nothing_with_others(external_root: Path, crm: Caller, worker: Any) -> None:
    attachment = archiving_to("FS", internal_file_name="i.pdf")
    ids = [submit(crm, attachments=(attachment,)).pk for _ in range(2)]
    worker()
    assert archiving.erase(ids) == 2
    assert not (external_root / "crm" / "i.pdf").exists()
