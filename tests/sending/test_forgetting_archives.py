"""S36 in archives: what a forgotten person's letters archived goes, and nothing that others archived too."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from gateway.caller import Caller
from sending import archiving, blobs, erasing
from sending.models import ArchivedPart, DmsDocument, Message
from tests.sending.archives import CONTENT, archiving_to, submit

pytestmark = pytest.mark.django_db
Letters = Callable[[str], list[Message]]


@pytest.fixture
def letters(crm: Caller, worker: Any) -> Letters:
    """Two letters that archive the same content in the same place."""

    def send(target: str) -> list[Message]:
        terms = archiving_to(target, internal_file_name="terms.pdf", object_type="TERMS", object_ref="2026")
        sent = [submit(crm, request_id=f"r{number}", attachments=(terms,)) for number in range(2)]
        worker()
        return sent

    return send


def _dms_holds() -> list[bytes]:
    return [blobs.read(document.blob_id) for document in DmsDocument.objects.all()]


def test_s36_a_document_that_others_archived_too_stays_in_the_dms_until_the_last_is_forgotten(letters: Letters) -> None:
    first, second = letters("DMS")
    assert _dms_holds() == [CONTENT]
    assert archiving.erase([first.pk]) == 1
    assert _dms_holds() == [CONTENT]
    assert archiving.erase([second.pk]) == 1
    assert _dms_holds() == []


def test_s36_a_document_stays_whose_other_letters_tell_no_more_what_they_archived(letters: Letters) -> None:
    first, second = letters("DMS")
    ArchivedPart.objects.filter(message=second).delete()
    archiving.erase([first.pk])
    assert _dms_holds() == [CONTENT]


def test_s36_a_file_that_others_archived_too_stays_until_the_last_is_forgotten(
    letters: Letters, external_root: Path
) -> None:
    first, second = letters("FS")
    file = external_root / "crm" / "terms.pdf"
    archiving.erase([first.pk])
    assert file.read_bytes() == CONTENT
    archiving.erase([second.pk])
    assert not file.exists()


@pytest.mark.parametrize("target", ["DMS", "FS"])
def test_s36_what_was_archived_is_found_though_the_letters_say_no_more(
    letters: Letters, external_root: Path, target: str
) -> None:
    sent = letters(target)
    assert erasing.erase_content(closed_before=timezone.now() + timedelta(days=1)) == 2
    assert set(ArchivedPart.objects.values_list("blob", flat=True)) == {None}
    assert archiving.erase([message.pk for message in sent]) == 2
    assert (DmsDocument.objects.count(), list((external_root / "crm").rglob("terms.pdf"))) == (0, [])


@pytest.mark.parametrize("target", ["DMS", "FS"])
def test_s36_what_one_persons_letters_archived_together_goes_at_once(
    letters: Letters, external_root: Path, target: str
) -> None:
    assert archiving.erase([message.pk for message in letters(target)]) == 2
    assert (DmsDocument.objects.count(), list((external_root / "crm").rglob("terms.pdf"))) == (0, [])
    assert not ArchivedPart.objects.exists()
