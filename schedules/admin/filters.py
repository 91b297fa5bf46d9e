"""What the lists of schedules and of their firings can be narrowed by."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.contrib.filters.admin import DropdownFilter

from gateway.console.filters import CarriedFilter, DaysFilter, WordFilter, number_in
from schedules.admin import wording
from schedules.models import Firing
from schedules.models.schedule import ScheduleQuerySet
from schedules.orders import orders
from schedules.states import Status


class StatusFilter(DropdownFilter):
    """By where they stand."""

    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(status.value, wording.STATUSES[status]) for status in Status]

    def queryset(self, request: HttpRequest, queryset: ScheduleQuerySet) -> ScheduleQuerySet:
        return queryset.standing(Status(self.value())) if self.value() in set(Status) else queryset


class KindFilter(DropdownFilter):
    """By what they do, as many kinds as there are."""

    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(name, wording.kind(name)) for name in orders()]

    def queryset(self, request: HttpRequest, queryset: ScheduleQuerySet) -> ScheduleQuerySet:
        return queryset.filter(kind=self.value()) if self.value() in orders() else queryset


class CreatedFilter(DaysFilter):
    """By the days on which they were made."""

    title = pgettext_lazy("a schedule", "created")
    parameter_name = "created"


class DecisionFilter(WordFilter):
    """By what was made of a schedule's time."""

    title = _("decision")
    parameter_name = "decision"
    words = wording.DECISIONS


class ScheduleFilter(CarriedFilter):
    """One schedule's, where its page leads."""

    title = _("schedule")
    parameter_name = "schedule"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Firing]) -> QuerySet[Firing]:
        schedule = number_in(self.value())
        return queryset if schedule is None else queryset.filter(schedule=schedule)
