"""deleteSourceExpected (S20): sources go once their letter went out, and not before."""

from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from gateway.caller import Caller
from gateway.errors import Refusal
from gateway.lookup import caller_of
from sending import blobs, maintenance, removing, services
from sending.channels.base import Outcome, OutcomeKind
from sending.letter import LetterAttachment
from sending.models import Attachment, DmsDocument, SourceDeletion
from tests.factories import make_client
from tests.sending.archives import CONTENT, archiving_to, from_fs, last_event, submit
from tests.sending.factories import a_letter, an_attachment

pytestmark = pytest.mark.django_db


def later(**delta: Any) -> None:
    SourceDeletion.objects.update(due_at=timezone.now())


def deleting(ref: str = "test.pdf", **values: Any) -> LetterAttachment:
    return from_fs(ref, delete_source_expected=True, **values)


def test_a_source_is_deleted_once_the_letter_went_out(external_root: Path, crm: Caller, worker: Any) -> None:
    message = submit(crm, attachments=(deleting(), an_attachment()))
    later()
    assert removing.remove_due() == 0
    assert (external_root / "crm" / "test.pdf").exists()
    worker()
    later()
    maintenance.tick()
    assert not (external_root / "crm" / "test.pdf").exists()
    assert (last_event(message).name, last_event(message).reason) == ("SOURCE_DELETED", "FS test.pdf")
    assert not SourceDeletion.objects.exists()
    assert removing.remove_due() == 0


@pytest.mark.parametrize("kind", [OutcomeKind.FAILED, OutcomeKind.UNCERTAIN, OutcomeKind.RETRY])
def test_a_letter_that_may_yet_go_out_keeps_its_source(
    external_root: Path, crm: Caller, worker: Any, kind: OutcomeKind
) -> None:
    submit(crm, attachments=(deleting(),))
    worker(Outcome(kind=kind, words="no"))
    later()
    assert removing.remove_due() == 0
    assert (external_root / "crm" / "test.pdf").exists()
    waiting = SourceDeletion.objects.get()
    assert waiting.due_at > timezone.now()
    SourceDeletion.objects.update(created_at=timezone.now() - timedelta(days=30))
    later()
    removing.remove_due()
    assert timedelta(minutes=59) < SourceDeletion.objects.get().due_at - timezone.now() <= timedelta(hours=1)


def test_a_cancelled_letters_source_stays(external_root: Path, crm: Caller) -> None:
    message = submit(crm, attachments=(deleting(),))
    services.cancel(caller=crm, message_ids=[message.pk], reason="")
    later()
    assert removing.remove_due() == 0
    assert not SourceDeletion.objects.exists()
    assert (external_root / "crm" / "test.pdf").exists()


def test_another_file_in_the_sources_place_stays_and_is_told(external_root: Path, crm: Caller, worker: Any) -> None:
    message = submit(crm, attachments=(deleting(),))
    worker()
    (external_root / "crm" / "test.pdf").write_bytes(b"the next one")
    later()
    assert removing.remove_due() == 0
    assert (external_root / "crm" / "test.pdf").read_bytes() == b"the next one"
    told = last_event(message)
    assert (told.name, told.reason) == ("SOURCE_KEPT", "FS test.pdf: it is not what was fetched any more")
    assert not SourceDeletion.objects.exists()


def test_a_share_that_is_away_is_tried_again(external_root: Path, crm: Caller, worker: Any) -> None:
    submit(crm, attachments=(deleting(),))
    worker()
    external_root.rename(external_root.parent / "away")
    later()
    assert removing.remove_due() == 0
    assert SourceDeletion.objects.get().due_at > timezone.now()
    (external_root.parent / "away").rename(external_root)
    later()
    assert removing.remove_due() == 1


def test_the_bytes_of_a_deleted_source_stay_with_the_message(external_root: Path, crm: Caller, worker: Any) -> None:
    message = submit(crm, attachments=(deleting(),))
    worker()
    later()
    removing.remove_due()
    assert blobs.read(Attachment.objects.get(message=message).blob_id) == CONTENT


def test_a_tick_looks_at_what_is_due_alone(crm: Caller, django_assert_num_queries: Any) -> None:
    submit(crm, attachments=(deleting(),), send_at=timezone.now() + timedelta(days=1))
    assert SourceDeletion.objects.get().due_at > timezone.now() + timedelta(hours=23)
    with django_assert_num_queries(3):  # a savepoint, the look, its end
        removing.remove_due()


def test_a_dms_source_is_the_owners_document(external_root: Path, crm: Caller, worker: Any) -> None:
    submit(crm, attachments=(archiving_to(),))
    worker()
    document = DmsDocument.objects.get()
    again = LetterAttachment(
        file_name="m.pdf", source="DMS", source_ref=str(document.uuid), delete_source_expected=True
    )
    message = submit(crm, attachments=(again,))
    assert Attachment.objects.get(message=message).blob_id == sha256(CONTENT).hexdigest()
    stranger = caller_of(make_client()[0])
    with pytest.raises(Refusal, match="DMS_DOCUMENT_ID names no document"):
        services.submit(caller=stranger, letter=a_letter(attachments=(again,)))
    worker()
    later()
    assert removing.remove_due() == 1
    assert not DmsDocument.objects.exists()
