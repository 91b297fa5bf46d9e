"""What the lists of schedules and of their firings can be narrowed by."""

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.contrib.filters.admin import DropdownFilter

from gateway.console.filters import CarriedFilter, DaysFilter, number_in
from schedules.admin import wording
from schedules.models import Firing, Schedule
from schedules.models.schedule import ScheduleQuerySet
from schedules.orders import orders
from schedules.states import Decision, Status


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


class OlderFilter(CarriedFilter):
    """What lies beyond the capped pages: schedules made before the last one shown."""

    title = _("older than")
    parameter_name = "before"

    def queryset(self, request: HttpRequest, queryset: ScheduleQuerySet) -> ScheduleQuerySet:  # type: ignore[override]
        before = number_in(self.value())
        if before is None:
            return queryset
        moment = Schedule.objects.filter(pk=before).values_list("created_at", flat=True).first()
        if moment is None:
            # It is gone by now: numbers rise with time, but for those of the same moments.
            return queryset.filter(id__lt=before)
        return queryset.filter(Q(created_at__lt=moment) | Q(id__lt=before), created_at__lte=moment)


class DecisionFilter(DropdownFilter):
    """By what was made of a schedule's time."""

    title = _("decision")
    parameter_name = "decision"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(decision.value, wording.DECISIONS[decision]) for decision in Decision]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Firing]) -> QuerySet[Firing]:
        return queryset.filter(decision=self.value()) if self.value() in set(Decision) else queryset


class ScheduleFilter(CarriedFilter):
    """One schedule's, where its page leads."""

    title = _("schedule")
    parameter_name = "schedule"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Firing]) -> QuerySet[Firing]:
        schedule = number_in(self.value())
        return queryset if schedule is None else queryset.filter(schedule=schedule)
