"""Which letters go in which print run."""

import logging
from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max, OuterRef, QuerySet, Subquery
from django.utils import timezone

from sending.models import Dispatcher, Message, MessageEvent, PrintBatch, PrintItem
from sending.states import Status

_log = logging.getLogger(__name__)


def bind(messages: Sequence[Message], dispatcher: Dispatcher) -> str:
    """Give claimed letters to the open run, those of them that are still this dispatcher's; what the run is called."""
    ids = [message.pk for message in messages]
    mine = Message.objects.claimed().filter(dispatcher=dispatcher, id__in=ids).order_by("id")
    with transaction.atomic():
        batch = _open_batch()
        # Locked, so that none is given to another worker, and sent in another run, before we move it to ours.
        held = list(mine.select_for_update(no_key=True).values_list("id", flat=True))
        PrintItem.objects.bulk_create(
            [PrintItem(message_id=pk, batch=batch) for pk in held],
            update_conflicts=True,
            unique_fields=["message"],
            update_fields=["batch"],
        )
    return str(batch)


def letters_of(batch: PrintBatch) -> QuerySet[Any]:
    """The letters (Message) of a run with the ``facts`` of their files in its folder, None where there is none yet."""
    letters: QuerySet[Any] = Message.objects.filter(print_item__batch=batch)
    return letters.annotate(facts=Subquery(laid_in(batch).values("facts")[:1])).order_by("id")


def facts_of_item() -> Subquery:
    """For queries of PrintItem: the facts of the letter's file in its run's folder."""
    sent = MessageEvent.objects.filter(message=OuterRef("message"), name=Status.SENT, facts__has_key="file")
    return Subquery(sent.order_by("-id").values("facts")[:1])


def laid_in(batch: PrintBatch) -> QuerySet[MessageEvent]:
    """Of a message of an outer query: what it was SENT as, in the run's folder."""
    sent = MessageEvent.objects.filter(message=OuterRef("pk"), name=Status.SENT, facts__file__startswith=f"{batch}/")
    return sent.order_by("-id")


def _open_batch() -> PrintBatch:
    """The run that takes letters now, locked: closing it waits until the letters are in."""
    while True:
        batch = PrintBatch.objects.open().select_for_update().first()
        if batch is not None:
            return batch
        day = timezone.localdate()
        try:
            with transaction.atomic():
                last = PrintBatch.objects.filter(day=day).aggregate(last=Max("number"))["last"] or 0
                return PrintBatch.objects.create(day=day, number=last + 1)
        except IntegrityError:
            # Another worker was first: its run takes our letters too.
            _log.debug("a print batch was opened by another worker")
