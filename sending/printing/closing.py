"""How a print run closes: it takes no more letters, waits for those in workers' hands, is settled, is listed."""

import logging
import re
from datetime import timedelta

from django.conf import settings
from django.core.files.storage import storages
from django.db import transaction
from django.db.models import Exists
from django.utils import timezone

from gateway.caller import Caller
from gateway.errors import Code, not_found, refuse
from sending.models import Message, PrintBatch
from sending.printing.gathering import laid_in, letters_of
from sending.printing.manifests import listed_in, write_manifest
from sending.states import BatchStatus, Status

# What we call a letter's file; whatever else lies in the folder is the print house's own.
_OUR_FILE = re.compile(r"\d+-[0-9a-f]{16}\.pdf")
_ORPHAN_AGE = timedelta(hours=1)
# Letters whose contents are in memory at once.
_AT_ONCE = 100
# A worker taken for dead does not come back after so long.
_SWEPT_FOR = timedelta(days=2)
_UNWRITTEN = "manifest not written"

_log = logging.getLogger(__name__)


def close(*, caller: Caller, batch_id: int, reason: str = "") -> None:
    """Have an open run take no more letters: it is handed over as soon as those in workers' hands are in. Raises
    3001 when it is not open."""
    with transaction.atomic():
        batch = PrintBatch.objects.select_for_update().filter(pk=batch_id).first()
        if batch is None:
            raise not_found(f"print batch {batch_id}")
        if batch.status != BatchStatus.OPEN:
            raise refuse(Code.STATE_CONFLICT, f"print batch {batch} is {batch.status}")
        _begin_closing(batch, f"{caller.actor}: {reason}" if reason else caller.actor)


def close_open(*, caller: Caller, reason: str = "") -> PrintBatch | None:
    """Close the run that takes letters now, and hand it over at once if no worker is at it; None when there is none."""
    batch = PrintBatch.objects.open().first()
    if batch is None:
        return None
    close(caller=caller, batch_id=batch.pk, reason=reason)
    _go_on(batch.pk)
    batch.refresh_from_db()
    return batch


def look_after() -> None:
    """Each second: close the run whose time has come, and bring those that close on their way."""
    under_way = PrintBatch.objects.filter(handed_over_at=None).order_by("id")
    for batch in under_way:
        # Without a lock first: nearly always there is nothing to do.
        if batch.status != BatchStatus.OPEN or (_why_due(batch) and _close_due(batch.pk)):
            _go_on(batch.pk)


def _close_due(batch_id: int) -> bool:
    with transaction.atomic():
        batch = PrintBatch.objects.open().select_for_update(skip_locked=True).filter(pk=batch_id).first()
        if batch is None or not (reason := _why_due(batch)):
            return False
        _begin_closing(batch, reason)
        return True


def _why_due(batch: PrintBatch) -> str:
    minutes, most = settings.HAMMY_PRINT_BATCH_MINUTES, settings.HAMMY_PRINT_BATCH_LETTERS
    if batch.opened_at <= timezone.now() - timedelta(minutes=minutes):
        return f"open for {minutes:g} minutes"
    if batch.day != timezone.localdate():
        return "its day is over"
    return f"{most} letters" if batch.items.order_by()[:most].count() >= most else ""


def _begin_closing(batch: PrintBatch, reason: str) -> None:
    batch.status, batch.reason = BatchStatus.CLOSING, reason
    batch.save(update_fields=["status", "reason"])


def _go_on(batch_id: int) -> None:
    """Settle a closing run unless a worker is at one of its letters; then write its manifest. Whatever dies in between,
    the next call goes on from there, and writes the same again."""
    batch = _settled(batch_id)
    if batch is None or batch.status != BatchStatus.CLOSED or batch.handed_over_at is not None:
        return
    try:
        if batch.letters:
            write_manifest(batch, letters_of(batch).iterator(chunk_size=_AT_ONCE))
    except OSError as error:
        _log.exception(_UNWRITTEN, extra={"batch": str(batch)})
        PrintBatch.objects.filter(pk=batch_id).update(reason=f"{_UNWRITTEN}: {error}")
        return
    # What kept it back is no news any more.
    reason = "handed over late" if batch.reason.startswith(_UNWRITTEN) else batch.reason
    PrintBatch.objects.filter(pk=batch_id, handed_over_at=None).update(handed_over_at=timezone.now(), reason=reason)
    _log.info("print batch handed over", extra={"batch": str(batch), "letters": batch.letters})


def _settled(batch_id: int) -> PrintBatch | None:
    """The run, closed if it could be: what it holds is decided in one transaction, and never again.

    This commit is durable, as outcomes' are not (sending.outcomes). But an outcome that is seen here was written to the
    database's log before it, so that once this commit is on the disk they are too: no crash of the database can make
    it forget that a letter of this run went out, and send it again in another.
    """
    with transaction.atomic():
        batch = PrintBatch.objects.select_for_update(skip_locked=True).filter(pk=batch_id).first()
        if batch is None or batch.status != BatchStatus.CLOSING:
            return batch
        letters = Message.objects.filter(print_item__batch=batch)
        if letters.claimed().exists():
            return batch
        # The others wait, failed or were withdrawn. Who claims one at this moment gives it to another run all the same:
        # this one is not open.
        batch.items.exclude(message__in=letters.filter(Exists(laid_in(batch)), status=Status.SENT)).delete()
        facts = list(letters_of(batch).values_list("facts", flat=True))
        batch.status, batch.closed_at = BatchStatus.CLOSED, timezone.now()
        batch.letters = len(facts)
        batch.pages = sum(fact["pages"] for fact in facts)
        batch.sheets = sum(fact["sheets"] for fact in facts)
        batch.save(update_fields=["status", "closed_at", "letters", "pages", "sheets"])
    return batch


def sweep() -> int:
    """Remove what workers that died, or were taken for dead, laid into runs that are closed; how many files."""
    spool, now = storages["spool"], timezone.now()
    removed = 0
    for batch in PrintBatch.objects.filter(handed_over_at__isnull=False, closed_at__gt=now - _SWEPT_FOR):
        listed = listed_in(batch)
        if listed is None:
            # Whoever took the manifest takes the files, and nobody else can say which of them are letters.
            continue
        for name in _files(str(batch)):
            path = f"{batch}/{name}"
            is_ours = _OUR_FILE.fullmatch(name) and name not in listed
            if is_ours and spool.get_modified_time(path) < now - _ORPHAN_AGE:
                spool.delete(path)
                removed += 1
    return removed


def _files(folder: str) -> list[str]:
    try:
        return storages["spool"].listdir(folder)[1]
    except FileNotFoundError:
        # The print house may take the whole folder away.
        return []
