"""Bytes that a letter names again in the very moment in which the sweep drops them."""

from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from sending import blobs
from sending.models import Attachment, Blob, Message
from tests.sending.factories import an_attachment, submitted

pytestmark = pytest.mark.django_db(transaction=True)


def _old() -> None:
    Blob.objects.update(created_at=timezone.now() - 2 * blobs.ORPHAN_AGE)


def test_a_letter_whose_bytes_are_dropped_while_it_is_taken_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    submitted(attachments=(an_attachment(b"once"),))
    Attachment.objects.all().delete()
    _old()
    real, calls = Attachment.objects.bulk_create, []

    def swept_first(*words: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            # As another process does it, at this place.
            Blob.objects.all().delete()
            default_storage.delete(Blob.path(an_attachment(b"once").digest))
        return real(*words, **options)

    monkeypatch.setattr(Attachment.objects, "bulk_create", swept_first)
    message = submitted(attachments=(an_attachment(b"once"),))
    assert (len(calls), Message.objects.count()) == (2, 2)
    assert blobs.read(Attachment.objects.get(message=message).blob_id) == b"once"


def test_what_is_named_again_while_it_is_swept_stays_and_keeps_nothing_else_from_being_cleaned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    message = submitted(attachments=(an_attachment(b"named"), an_attachment(b"unnamed")))
    Attachment.objects.filter(position=1).delete()
    _old()
    # As it was seen a moment before.
    monkeypatch.setattr(blobs, "_unnamed", lambda before: Blob.objects.order_by("digest"))
    assert blobs.sweep() == 0
    monkeypatch.undo()
    blobs.sweep()
    assert list(Blob.objects.values_list("digest", flat=True)) == [an_attachment(b"named").digest]
    assert blobs.read(Attachment.objects.get(message=message).blob_id) == b"named"


def test_many_unnamed_ones_go_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blobs, "_PORTION", 2)
    submitted(attachments=tuple(an_attachment(b"%d" % number) for number in range(5)))
    Attachment.objects.all().delete()
    _old()
    blobs.sweep()
    assert not Blob.objects.exists()
