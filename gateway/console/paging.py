"""Lists over millions of rows: counts stop at a cap, and where the counted pages end the list goes on by key."""

from functools import cached_property
from typing import Any, cast

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.views import ChangeList

CAP = 10_000


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
