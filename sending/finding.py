"""Finding messages by what people have at hand, over indexes only."""

from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from sending.models import Message
from sending.models.message import MessageQuerySet

_LARGEST_ID = 2**63 - 1
_FEW = 1000
# Sorts after every character an address may hold.
_LAST = "\U0010ffff"


def find(messages: MessageQuerySet, words: str) -> MessageQuerySet:
    """The messages with this id, UUID, Message-ID, request id, batch or partner, or whose recipient's address begins
    with ``words``; all of them when there are no words."""
    words = words.strip().replace("\x00", "")
    if not words:
        return messages
    # One OR over all indexes, or a guess at how many rows it gives, tempts planners into reading the whole table.
    few: set[int] = set()
    many = Q(pk__in=[])
    for condition in _conditions(words):
        ids = list(Message.objects.filter(condition).order_by().values_list("id", flat=True)[: _FEW + 1])
        if len(ids) > _FEW:
            many |= condition
        else:
            few.update(ids)
    return messages.filter(Q(pk__in=few) | many)


def _uuid(words: str) -> UUID | None:
    """Of a UUID, also as it stands in a Message-ID."""
    try:
        return UUID(words.strip("<>").partition("@")[0])
    except ValueError:
        return None


def _conditions(words: str) -> list[Q]:
    conditions = [Q(request_id=words), Q(batch_id=words), Q(partner_ref=words)]
    if (uuid := _uuid(words)) is not None:
        conditions.append(Q(uuid=uuid))
    if words.isascii() and words.isdecimal() and len(words) < 20 and int(words) <= _LARGEST_ID:
        conditions.append(Q(pk=int(words)))
    return [*conditions, *(_begins(prefix) for prefix in dict.fromkeys((words, words.lower())))]


def _begins(prefix: str) -> Q:
    """A prefix as each database can use its index for it."""
    if connection.vendor == "postgresql":
        return Q(recipient_email_address__startswith=prefix)
    bounds: dict[str, Any] = {
        "recipient_email_address__gte": prefix,
        "recipient_email_address__lt": prefix + _LAST,
    }
    return Q(**bounds)
