"""The built-in DMS: versions, owners, and what stays when messages go."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from gateway.caller import Caller
from gateway.lookup import caller_of
from gateway.models import ApiClient
from sending import blobs, services
from sending.models import ArchivedPart, Blob, DmsDocument, DmsFiling, Message
from tests.factories import make_client
from tests.sending.archives import CONTENT, archiving_to, submit

pytestmark = pytest.mark.django_db


def test_documents_outlive_their_messages_and_their_bytes_are_not_swept(crm: Caller, worker: Any) -> None:
    submit(crm, attachments=(archiving_to(),))
    worker()
    services.purge(closed_before=timezone.now() + timedelta(days=1))
    assert (Message.objects.count(), ArchivedPart.objects.count()) == (0, 0)
    Blob.objects.update(created_at=timezone.now() - timedelta(days=1))
    blobs.sweep()
    assert blobs.read(DmsDocument.objects.get().blob_id) == CONTENT
    DmsDocument.objects.all().delete()
    blobs.sweep()
    assert not Blob.objects.exists()


def test_s30_clients_share_no_series(crm: Caller, worker: Any) -> None:
    other = caller_of(ApiClient.objects.get(pk=make_client()[0].pk))
    for caller in (crm, other):
        submit(caller, attachments=(archiving_to(object_ref="1"),))
    worker()
    assert [document.version for document in DmsDocument.objects.all()] == [1, 1]


def test_versions_follow_each_other_where_the_content_is_another(crm: Caller, worker: Any) -> None:
    def archive(content: bytes, **values: Any) -> None:
        attachment = replace(archiving_to(object_ref="1", **values), content=content)
        submit(crm, attachments=(attachment,))
        worker()

    archive(b"one")
    archive(b"two")
    archive(b"two")
    archive(b"three", object_type="OTHER")
    archive(b"one")
    documents = DmsDocument.objects.order_by("id")
    assert [(blobs.read(one.blob_id), one.version) for one in documents] == [
        (b"one", 1),
        (b"two", 2),
        (b"three", 1),
        (b"one", 3),
    ]
    assert DmsFiling.objects.count() == 5
    assert len({document.series for document in documents}) == 2


def test_without_an_object_each_document_is_by_itself(crm: Caller, worker: Any) -> None:
    submit(crm, attachments=(archiving_to(), archiving_to()))
    worker()
    assert [document.version for document in DmsDocument.objects.all()] == [1, 1]
