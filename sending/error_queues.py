"""Error queues (contract job_v1, "QUEUE_NAME"): where what failed for good waits to be put back to work."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from django.conf import settings
from django.utils import timezone

from gateway.amqp import error_queue as queues
from gateway.caller import Caller
from sending import queue, services
from sending.channels.email import EmailChannel
from sending.models import Message
from sending.models.message import MessageQuerySet
from sending.states import Status


class ErrorQueue:
    """Items by rising ids. This one is known by name and never has any; those that have some say so."""

    def count(self, *, caller: Caller, before: datetime) -> int:
        """How many of the items that ``caller`` may see failed before a moment."""
        return 0

    def put_back(self, *, caller: Caller, before: datetime, after: int, size: int, reason: str) -> tuple[int, int]:
        """Put back up to ``size`` of them, those beyond the id ``after``, in the caller's transaction: the last id
        looked at, ``after`` itself when there is none left, and how many were put back."""
        return after, 0


class FailedMail(ErrorQueue):
    """FAILED e-mails, which are tried anew with fresh attempts."""

    def count(self, *, caller: Caller, before: datetime) -> int:
        return self._failed(caller, before).count()

    def put_back(self, *, caller: Caller, before: datetime, after: int, size: int, reason: str) -> tuple[int, int]:
        failed = self._failed(caller, before).filter(id__gt=after)
        ids = list(failed.order_by("id").values_list("id", flat=True)[:size])
        if not ids:
            return after, 0
        chosen = Message.objects.filter(id__in=ids)
        # Whoever requeued one of them in between was first.
        moved = queue.move(
            chosen.filter(status=Status.FAILED),
            Status.ACCEPTED,
            reason=reason,
            actor=caller.actor,
            due_at=timezone.now(),
            attempts=0,
        )
        services.wake_channels(chosen)
        return ids[-1], len(moved)

    def _failed(self, caller: Caller, before: datetime) -> MessageQuerySet:
        failed = Message.objects.visible_to(caller).filter(status=Status.FAILED, closed_at__lt=before)
        return failed.filter(channel=EmailChannel.name)


class RequestErrors(ErrorQueue):
    """Requests that came by queue and could not be answered; they go back to the queue they came by. They are the
    broker's, and nobody's who does not see all."""

    def count(self, *, caller: Caller, before: datetime) -> int:
        return self._queue().count() if self._sees(caller) else 0

    def put_back(self, *, caller: Caller, before: datetime, after: int, size: int, reason: str) -> tuple[int, int]:
        if not self._sees(caller):
            return after, 0
        count = self._queue().put_back(size, is_wanted=lambda one: one.refused_at is None or one.refused_at < before)
        # They have no numbers: counted, those that were put back have some that rise.
        return after + count, count

    def _sees(self, caller: Caller) -> bool:
        return bool(settings.HAMMY_AMQP_URL) and caller.sees_all

    def _queue(self) -> queues.ErrorQueue:
        return queues.ErrorQueue(
            url=settings.HAMMY_AMQP_URL,
            errors=settings.HAMMY_AMQP_ERROR_QUEUE,
            requests=settings.HAMMY_AMQP_SEND_QUEUE,
        )


ERROR_QUEUES: Mapping[str, ErrorQueue] = MappingProxyType(
    {
        "outgoingMailQueueError": FailedMail(),
        "archiveQueueError": ErrorQueue(),
        "attachmentGetterQueueError": ErrorQueue(),
        "mailRequestQueueError": RequestErrors(),
        "returnPathQueueError": ErrorQueue(),
    }
)
