"""R20: every edge of a message's life, allowed or refused, as the table says."""

from itertools import product

import pytest
from django.db import IntegrityError, transaction

from sending import queue
from sending.models import Dispatcher, Message
from sending.states import CLOSED, EDGES, Status, sources
from tests.sending.factories import event_names, submitted

pytestmark = pytest.mark.django_db


def _put(message: Message, status: Status) -> None:
    from_now = message.created_at
    dispatcher = Dispatcher.objects.create(host="h", pid=1, lease_until=from_now) if status == Status.SENDING else None
    Message.objects.filter(pk=message.pk).update(
        status=status, dispatcher=dispatcher, closed_at=from_now if status in CLOSED else None, due_at=from_now
    )


def test_r20_every_edge_is_walked_with_an_event_and_every_other_is_refused() -> None:
    message = submitted()
    for start, target in product(Status, [status for status in Status if status != Status.SENDING]):
        _put(message, start)
        message.events.all().delete()
        message.refresh_from_db()
        moved = queue.move(
            Message.objects.filter(pk=message.pk), target, reason="why", actor="who", claimed_by=message.dispatcher
        )
        message.refresh_from_db()
        if target in EDGES[start]:
            assert (moved, message.status, event_names(message)) == ([message.pk], target, [target])
            assert (message.closed_at is not None) == (target in CLOSED)
        else:
            assert (moved, message.status, event_names(message)) == ([], start, [])


def test_sources_are_the_edges_read_backwards() -> None:
    assert {(source, target) for target in Status for source in sources(target)} == {
        (source, target) for source, targets in EDGES.items() for target in targets
    }


@pytest.mark.parametrize(
    "broken",
    [
        {"status": "SENT", "closed_at": None},
        {"status": "SENDING", "dispatcher": None},
        {"due_at": None},
    ],
)
def test_the_table_itself_refuses_what_must_never_be(broken: dict[str, object]) -> None:
    message = submitted()
    with pytest.raises(IntegrityError), transaction.atomic():
        Message.objects.filter(pk=message.pk).update(**broken)
    message.refresh_from_db()
    assert message.status == Status.ACCEPTED


def test_what_a_worker_holds_moves_only_in_its_name() -> None:
    message = submitted()
    _put(message, Status.SENDING)
    assert queue.move(Message.objects.filter(pk=message.pk), Status.ACCEPTED, reason="released") == []
    message.refresh_from_db()
    assert message.status == Status.SENDING
