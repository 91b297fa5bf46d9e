"""Lists over millions of rows: counts stop at a cap, dates become ranges of the primary key."""

from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, cast

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.views import ChangeList

from sending.models.message import MessageQuerySet

CAP = 10_000
# How far a row's id may be out of step with its time: clocks of several machines, and transactions that overlap.
_SLACK = timedelta(hours=6)


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than the cap, so that the count costs the same however long the list is."""

    template_name = "console/capped_pagination.html"

    @cached_property
    def found(self) -> int:
        """The rows there are, or one more than the cap."""
        rows = cast("QuerySet[Any]", self.object_list)
        return rows.order_by()[: CAP + 1].count()

    @cached_property
    def count(self) -> int:
        return min(self.found, CAP)

    @property
    def is_capped(self) -> bool:
        """Whether there are more rows than were counted."""
        return self.found > CAP


class CappedList(ChangeList):
    """A list that goes on by key where its counted pages end."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not self.query and not self.has_active_filters:
            # Nothing was narrowed, so there is nothing more to offer to show.
            self.full_result_count = self.result_count

    @property
    def older_query(self) -> str:
        """The address's query for what comes after the last row shown."""
        return str(self.get_query_string({"before": self.result_list[len(self.result_list) - 1].pk}, ["p"]))


def between(messages: MessageQuerySet, since: datetime | None, until: datetime | None) -> MessageQuerySet:
    """Messages accepted in [since, until): ids rise with time, so a few looks at the primary key find the range and
    the busy table needs no further index."""
    if since:
        messages = messages.filter(created_at__gte=since, id__gte=first_id_at(messages, since - _SLACK))
    if until:
        messages = messages.filter(created_at__lt=until, id__lt=first_id_at(messages, until + _SLACK))
    return messages


def first_id_at(messages: MessageQuerySet, moment: datetime) -> int:
    """The id of the first message accepted at ``moment`` or later, or one beyond the last."""
    rows = messages.model._default_manager.order_by("id").values_list("id", "created_at")
    first, last = rows.first(), rows.last()
    if first is None or last is None or first[1] >= moment:
        return first[0] if first else 0
    if last[1] < moment:
        return int(last[0]) + 1
    low, high = int(first[0]), int(last[0])
    while high - low > 1:
        middle = (low + high) // 2
        found = rows.filter(id__gte=middle).first()
        if found is None or found[1] >= moment:
            high = middle
        else:
            low = max(middle, int(found[0]))
    return high
