"""Finding recipients by what people have at hand, quickly also among a million."""

from typing import Any

from django.db import connection
from django.db.models import IntegerField, OuterRef, Q, QuerySet, Subquery

from campaigns.models import Recipient
from gateway.console.paging import CAP

_FEW = 1000
# Sorts after every character an address may hold.
_LAST = "\U0010ffff"


class _CountOf(Subquery):
    """How many rows a query gives."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


def counted(group: str) -> _CountOf:
    """The recipients of the group that a row names by ``group``, counted no further than one beyond the cap."""
    return _CountOf(Recipient.objects.filter(group=OuterRef(group)).order_by().values("id")[: CAP + 1])


def find(recipients: QuerySet[Recipient], words: str) -> QuerySet[Recipient]:
    """Those whose e-mail address begins with ``words``, whose partner it is, or whose name holds it, as it is written
    or with capitals; all of them when there are no words."""
    words = words.strip().replace("\x00", "")
    if not words:
        return recipients
    # One OR over all of them would have the whole table read for each page.
    few: set[int] = set()
    many = Q(pk__in=[])
    for condition in _conditions(words):
        ids = list(recipients.filter(condition).order_by().values_list("id", flat=True)[: _FEW + 1])
        if len(ids) > _FEW:
            many |= condition
        else:
            few.update(ids)
    return recipients.filter(Q(pk__in=few) | many)


def _conditions(words: str) -> list[Q]:
    conditions = [Q(partner_ref=words), *(_begins(prefix) for prefix in dict.fromkeys((words, words.lower())))]
    if "@" not in words:
        spellings = dict.fromkeys((words, words.title()))
        names = Q(pk__in=[])
        for spelling in spellings:
            names |= Q(name__contains=spelling)
        conditions.append(names)
    return conditions


def _begins(prefix: str) -> Q:
    """A prefix as each database can use its index for it."""
    if connection.vendor == "postgresql":
        return Q(email_address__startswith=prefix)
    bounds: dict[str, Any] = {"email_address__gte": prefix, "email_address__lt": prefix + _LAST}
    return Q(**bounds)
