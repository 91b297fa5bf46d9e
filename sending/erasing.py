"""Erasing what letters say, long after they went out or on request; their rows and events stay."""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Func, JSONField
from django.utils import timezone

from sending.models import ArchivedPart, Attachment, Message
from sending.states import CLOSED, Status

# A letter in doubt may have to go out again.
ERASABLE = sorted(CLOSED - {Status.UNCERTAIN})
_SAID = ("mail_body", "mail_html_body", "xml_data", "properties", "attachments")

# What lies elsewhere of a person's messages and goes with them: by its name, how many of the messages' it erases.
Eraser = Callable[[Collection[int]], int]
_erasers: dict[str, Eraser] = {}


def register(name: str, eraser: Eraser) -> None:
    """Have ``eraser`` called with the ids of messages whose person is about to be forgotten, in no transaction: it may
    touch files and wait for shares. What it does must bear to be done again."""
    _erasers[name] = eraser


def erase_elsewhere(message_ids: Collection[int]) -> dict[str, int]:
    """What was registered, for these messages: how many of each kind went. What an eraser raises leaves the messages to
    be found again."""
    return {name: eraser(message_ids) for name, eraser in _erasers.items()}


class _Without(Func):
    """A JSON object without some of its members, in the database, where letters may be large."""

    output_field = JSONField()

    def __init__(self, expression: str, *names: str) -> None:
        super().__init__(expression)
        self._names = names

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        quoted = ", ".join(f"'{name}'" for name in self._names)
        return super().as_sql(compiler, connection, template=f"(%(expressions)s - ARRAY[{quoted}]::text[])", **context)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        quoted = ", ".join(f"'$.{name}'" for name in self._names)
        return super().as_sql(compiler, connection, template=f"json_remove(%(expressions)s, {quoted})", **context)


def erase_content(*, closed_before: datetime, size: int = 500) -> int:
    """Erase bodies, data and attachments of messages closed before a moment, in portions; how many. Those in doubt keep
    them, for they may have to go out again."""
    total = 0
    old = Message.objects.filter(
        status__in=ERASABLE, closed_at__isnull=False, closed_at__lt=closed_before, erased_at=None
    ).not_to_be_listed()
    while True:
        with transaction.atomic():
            # Locked, so that none of them is tried anew while it goes; what another has is left to it.
            locked = old.order_by("closed_at", "id").select_for_update(of=("self",), skip_locked=True)
            ids = list(locked.values_list("id", flat=True)[:size])
            Attachment.objects.filter(message_id__in=ids).delete()
            # What lies in an archive stays there; the bytes that were kept for it go.
            ArchivedPart.objects.filter(message_id__in=ids).update(blob=None)
            Message.objects.filter(id__in=ids).update(content=_Without("content", *_SAID), erased_at=timezone.now())
        total += len(ids)
        if len(ids) < size:
            return total
