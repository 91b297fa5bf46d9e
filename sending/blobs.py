"""Bytes of attachments and documents: kept in Django's storage under their digest, before the rows that name them."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, cast

from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError
from django.db.models import QuerySet
from django.utils import timezone

from sending.letter import LetterAttachment
from sending.models import Blob

# A file without a row this old belongs to a request that failed after writing it.
ORPHAN_AGE = timedelta(hours=1)
_PIECE = 256 * 1024
_PORTION = 1000

_log = logging.getLogger(__name__)


class _Arrived(File):  # type: ignore[type-arg]
    """A file that is removed once its request is over: a storage on the same disk need not copy it."""

    def temporary_file_path(self) -> str:
        return str(self.name)


def store(attachments: Iterable[LetterAttachment]) -> None:
    """Keep the bytes of ``attachments``; raises OSError when the storage cannot."""
    for digest, attachment in {attachment.digest: attachment for attachment in attachments}.items():
        if attachment.stored is None:
            # The storage takes an existing name of the same size for the same bytes, and marks it as just used.
            default_storage.save(Blob.path(digest), ContentFile(attachment.content))
        elif attachment.stored.path:
            with Path(attachment.stored.path).open("rb") as file:
                default_storage.save(Blob.path(digest), _Arrived(file))


def keep(opener: Callable[[], BinaryIO]) -> str:
    """Keep what ``opener`` opens, read twice and never held in memory; its digest. Raises OSError when that cannot be
    read or kept."""
    digest, size = sha256(), 0
    with opener() as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
    name = digest.hexdigest()
    with opener() as file:
        # First the bytes, marked as just used: what has no row yet is swept when it is old.
        default_storage.save(Blob.path(name), File(file))
    Blob.objects.bulk_create([Blob(digest=name, size=size)], ignore_conflicts=True)
    return name


def opened(digest: str) -> BinaryIO:
    """The bytes kept under ``digest``, from their beginning; raises OSError when they cannot be read."""
    return cast(BinaryIO, default_storage.open(Blob.path(digest)))


def read(digest: str) -> bytes:
    """The same, all at once."""
    with opened(digest) as file:
        return bytes(file.read())


def sweep() -> int:
    """Drop blobs that nothing names, and files no blob names; how many files went."""
    before = timezone.now() - ORPHAN_AGE
    _drop_unnamed(before)
    removed = 0
    for folder, digests in _folders("blobs", depth=2):
        known = set(Blob.objects.filter(digest__in=digests).values_list("digest", flat=True))
        for path in (f"{folder}/{digest}" for digest in digests if digest not in known):
            if default_storage.get_modified_time(path) < before:
                default_storage.delete(path)
                removed += 1
    return removed


def _drop_unnamed(before: datetime) -> None:
    while True:
        digests = list(_unnamed(before).values_list("digest", flat=True)[:_PORTION])
        try:
            Blob.objects.filter(digest__in=digests).delete()
        except IntegrityError:
            # A letter was taken with the same bytes in this moment. The next sweep drops the others.
            _log.info("what was to be dropped is named again")
            return
        if len(digests) < _PORTION:
            return


def _unnamed(before: datetime) -> QuerySet[Blob]:
    return Blob.objects.filter(
        attachments=None, signed_attachments=None, documents=None, archived_parts=None, created_at__lt=before
    )


def _folders(folder: str, *, depth: int) -> Iterable[tuple[str, list[str]]]:
    """The folders that hold files, and the files' names."""
    if not default_storage.exists(folder):
        return
    folders, files = default_storage.listdir(folder)
    if not depth:
        yield folder, files
        return
    for name in folders:
        yield from _folders(f"{folder}/{name}", depth=depth - 1)
