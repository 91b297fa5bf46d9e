"""DMS: the built-in archive (contract send_v2, "Channels"): content-addressed, with metadata and versions."""

from collections.abc import Collection
from typing import BinaryIO, ClassVar
from uuid import UUID

from django.db import IntegrityError, transaction

from sending import blobs
from sending.models import DmsDocument, DmsFiling, DmsTerm
from sending.models.dms_document import series_of, series_of_itself
from sending.stores.base import Document, Owner, Store, StoreRefusal

# Two that archive into one series at once meet at its next version; each meeting lets one of them through.
_MEETINGS = 20


class DocumentStore(Store):
    """Documents in our tables, their bytes on Django's storage; named by their ids."""

    name: ClassVar[str] = "DMS"
    source_property: ClassVar[str] = "DMS_DOCUMENT_ID"

    def check(self, ref: str, owner: Owner) -> None:
        """Whether it is the id of a document of the owner's."""
        _find(ref, owner)

    def open(self, ref: str, owner: Owner) -> BinaryIO:
        """The document's bytes, which never change."""
        return blobs.opened(_find(ref, owner).blob_id)

    def remove(self, ref: str, owner: Owner, *, digest: str) -> bool:
        """Forget the document, if it is the owner's own; its other versions stay."""
        try:
            document = _find(ref, owner)
        except StoreRefusal as refusal:
            return refusal.is_missing
        if document.client_id != owner.client_id or document.blob_id != digest:
            return False
        document.delete()
        return True

    def check_target(self, path: str, file_name: str, owner: Owner) -> None:
        """Any document may lie here."""

    def keep(self, document: Document, owner: Owner) -> str:
        """File the document: its id. What differs from the newest version of its series becomes the next one."""
        for _ in range(_MEETINGS):
            try:
                with transaction.atomic():
                    return str(_filed(document, owner).uuid)
            except IntegrityError:
                # Another was first: with this version, or with this very part. Seen again, either is plain.
                continue
        raise OSError(f"{document.file_name}: others archive to the same series all the time")

    def is_left_to_others(self, ref: str, message_ids: Collection[int]) -> bool:
        """Filings tell, which stay when what letters say is erased by retention."""
        filings = DmsFiling.objects.filter(document__uuid=ref)
        filings.filter(message_id__in=message_ids).delete()
        return filings.exists()


def _find(ref: str, owner: Owner) -> DmsDocument:
    try:
        uuid = UUID(ref)
    except ValueError as error:
        raise StoreRefusal("must be the id of a document") from error
    documents = DmsDocument.objects.filter(uuid=uuid)
    found = documents.first() if owner.sees_all else documents.filter(client_id=owner.client_id).first()
    if found is None:
        raise StoreRefusal("names no document", is_missing=True)
    return found


def _filed(document: Document, owner: Owner) -> DmsDocument:
    filed = DmsDocument.objects.filter(
        filings__message_id=document.message_id, filings__part=document.part
    ).first()  # fmt: skip
    if filed is not None:
        return filed
    fresh = DmsDocument(
        client_id=owner.client_id,
        blob_id=document.digest,
        message_id=document.message_id,
        user_name=document.user_name,
        file_name=document.file_name,
        media_type=document.media_type,
        document_type=document.document_type,
        object_type=document.object_type,
        object_ref=document.object_ref,
        metadata=dict(document.metadata),
    )
    newest = None
    if document.object_ref:
        names = (document.object_type, document.object_ref, document.document_type, document.file_name)
        fresh.series = series_of(owner.client_id, *names)
        newest = DmsDocument.objects.filter(series=fresh.series).order_by("-version").first()
    else:
        fresh.series = series_of_itself(fresh.uuid)
    if newest is not None and (newest.blob_id, newest.metadata) == (fresh.blob_id, fresh.metadata):
        fresh = newest
    else:
        fresh.version = newest.version + 1 if newest else 1
        fresh.save(force_insert=True)
        DmsTerm.objects.bulk_create(DmsTerm.of(fresh, fresh.metadata))
    DmsFiling.objects.create(message_id=document.message_id, part=document.part, document=fresh)
    return fresh
