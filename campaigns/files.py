"""Files that imports keep below the external root: what was uploaded, and what could not be taken. They go with the job
that they are of; what its sender put there stays."""

import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from campaigns.models import ImportFile
from gateway.caller import Caller
from gateway.incoming import StoredBytes
from jobs.models import Job
from sending.sources import owner_of
from sending.stores import stores
from sending.stores.base import Document, Owner, StoreRefusal

STORE = "FS"
# A page of the console on which one was looked at begins its import for a week.
_NEVER_IMPORTED = timedelta(days=8)
_MOST = 1000

_log = logging.getLogger(__name__)


def keep(*, caller: Caller, folder: str, file_name: str, stored: StoredBytes, job_id: int | None = None) -> str:
    """Keep a file below the caller's folder; its path there. Raises StoreRefusal where another lies, and OSError."""
    owner = owner_of(caller)
    # Noted first: whatever dies meanwhile, no file lies there that nobody knows of. A note without a file is nothing.
    noted = ImportFile.objects.create(place=_place(owner, folder, file_name), digest=stored.digest, job_id=job_id)
    document = Document(
        message_id=0,
        part="",
        file_name=file_name,
        media_type="text/csv",
        digest=stored.digest,
        opener=_opener(stored.path),
        path=folder,
    )
    try:
        path = stores()[STORE].keep(document, owner)
    except StoreRefusal:
        noted.delete()
        raise
    # The same lay there: it is of the later one.
    ImportFile.objects.filter(place=noted.place, pk__lt=noted.pk).delete()
    return path


def give(*, caller: Caller, path: str, job_id: int) -> None:
    """A file at a path below the caller's folder is this job's from now on, where it was uploaded."""
    ImportFile.objects.filter(place=_place(owner_of(caller), path)).update(job_id=job_id)


def prune() -> int:
    """Remove files of jobs that ended HAMMY_IMPORT_FILE_DAYS ago or are forgotten, and those that nobody imported; how
    many are gone. Another file that lies in such a place by now stays."""
    now = timezone.now()
    jobs = Job.objects.filter(pk=OuterRef("job_id"))
    over = Q(job_id=None, created_at__lt=now - _NEVER_IMPORTED) | Q(~Exists(jobs), job_id__isnull=False)
    if settings.HAMMY_IMPORT_FILE_DAYS >= 0:
        over |= Q(Exists(jobs.filter(finished_at__lt=now - timedelta(days=settings.HAMMY_IMPORT_FILE_DAYS))))
    removed = 0
    # In any order: those that cannot be removed must not stand before the others for ever.
    for row in ImportFile.objects.filter(over).order_by("?")[:_MOST]:
        try:
            removed += stores()[STORE].remove(row.place, Owner(client_id=None, sees_all=True), digest=row.digest)
        except OSError:
            _log.warning("a file of an import cannot be removed", extra={"place": row.place}, exc_info=True)
            continue
        row.delete()
    return removed


def _place(owner: Owner, *path: str) -> str:
    return "/".join(filter(None, (owner.folder.strip("/"), *path)))


def _opener(path: str) -> Callable[[], BinaryIO]:
    def opened() -> BinaryIO:
        return Path(path).open("rb")

    return opened
