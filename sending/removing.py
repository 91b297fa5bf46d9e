"""Sources that letters asked to have deleted (deleteSourceExpected): gone once the letter went out, not before."""

import logging
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from sending.letter import Letter
from sending.models import Message, MessageEvent, SourceDeletion
from sending.states import Happening, Status
from sending.stores import stores
from sending.stores.base import Owner

_BATCH = 200
# Looked at again after a quarter of its age, within these: a letter that waits for weeks is no work for each second.
_SOONEST, _LATEST = timedelta(seconds=2), timedelta(hours=1)
# Nobody else looks meanwhile; after a worker's death somebody does.
_TURN = timedelta(minutes=5)

_log = logging.getLogger(__name__)


def asked_by(message_id: int, letter: Letter) -> list[SourceDeletion]:
    """What a letter wants deleted, to be stored with it."""
    return [
        SourceDeletion(
            message_id=message_id,
            position=position,
            store=attachment.source,
            ref=attachment.source_ref,
            digest=attachment.digest,
            due_at=letter.send_at or timezone.now() + _SOONEST,
        )
        for position, attachment in enumerate(letter.attachments)
        if attachment.delete_source_expected and attachment.source
    ]


def remove_due() -> int:
    """Delete the sources of letters that went out, forget those of cancelled ones; how many sources are gone."""
    removed = 0
    for row in _taken():
        status = row.message.status
        if status in (Status.SENT, Status.BOUNCED):
            removed += _remove(row)
        elif status == Status.CANCELLED:
            row.delete()
        else:
            # A letter that failed or is in doubt may go out yet.
            _look_again(row)
    return removed


def _taken() -> Sequence[SourceDeletion]:
    """Some that are due, this process's alone for a while."""
    now = timezone.now()
    with transaction.atomic():
        due = SourceDeletion.objects.filter(due_at__lte=now).order_by("due_at")
        ids = list(due.select_for_update(skip_locked=True).values_list("id", flat=True)[:_BATCH])
        if not ids:
            return []
        SourceDeletion.objects.filter(id__in=ids).update(due_at=now + _TURN)
    rows = SourceDeletion.objects.filter(id__in=ids).select_related("message__client").defer("message__content")
    return list(rows.order_by("id"))


def _remove(row: SourceDeletion) -> bool:
    message = row.message
    owner = Owner(client_id=message.client_id, folder=message.client.external_folder if message.client else "")
    try:
        is_gone = stores()[row.store].remove(row.ref, owner, digest=row.digest)
    except (OSError, KeyError) as error:
        # A share that is away, or a store this site has no more.
        _log.warning("source not deleted", extra={"message_id": message.pk, "source": row.ref}, exc_info=error)
        _look_again(row)
        return False
    _settle(row, message, is_gone=is_gone)
    return is_gone


def _settle(row: SourceDeletion, message: Message, *, is_gone: bool) -> None:
    name = Happening.SOURCE_DELETED if is_gone else Happening.SOURCE_KEPT
    why = "" if is_gone else ": it is not what was fetched any more"
    with transaction.atomic():
        if SourceDeletion.objects.filter(pk=row.pk).delete()[0]:
            MessageEvent.objects.create(message=message, name=name, reason=f"{row.store} {row.ref}{why}")


def _look_again(row: SourceDeletion) -> None:
    now = timezone.now()
    row.due_at = now + min(max((now - row.created_at) / 4, _SOONEST), _LATEST)
    row.save(update_fields=["due_at"])
