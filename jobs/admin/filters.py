"""What the lists of jobs and firings can be narrowed by."""

from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.contrib.filters.admin import DropdownFilter, MultipleDropdownFilter

from gateway.console.filters import CarriedFilter, DaysFilter, WordFilter, number_in
from jobs.admin import wording
from jobs.models import Trigger
from jobs.models.job import JobQuerySet
from jobs.registry import job_classes
from jobs.states import Status


class StatusFilter(MultipleDropdownFilter):
    """By one or more statuses."""

    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(status.value, wording.STATUSES[status]) for status in Status]

    def queryset(self, request: HttpRequest, queryset: JobQuerySet) -> JobQuerySet:
        wanted = [value for value in self.value() or () if value in set(Status)]
        return queryset.filter(status__in=wanted) if wanted else queryset


class ClassFilter(DropdownFilter):
    """By job class, as many as there are."""

    title = _("job class")
    parameter_name = "class"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in job_classes()]

    def queryset(self, request: HttpRequest, queryset: JobQuerySet) -> JobQuerySet:
        wanted = self.value()
        return queryset.filter(job_class=wanted) if wanted and "\x00" not in wanted else queryset


class TriggerFilter(DropdownFilter):
    """By the trigger that started them."""

    title = _("trigger")
    parameter_name = "trigger"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), name) for pk, name in Trigger.objects.values_list("id", "name")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        trigger = number_in(self.value())
        return queryset if trigger is None else queryset.filter(trigger_id=trigger)


class CreatedFilter(DaysFilter):
    """By the days on which they were created."""

    title = pgettext_lazy("a job", "created")
    parameter_name = "created"


class RootsFilter(DropdownFilter):
    """Whether the jobs below others are listed too."""

    title = _("place in the tree")
    parameter_name = "place"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("root", _("Root jobs only"))]

    def queryset(self, request: HttpRequest, queryset: JobQuerySet) -> JobQuerySet:
        return queryset.filter(root=None) if self.value() == "root" else queryset


class TreeFilter(CarriedFilter):
    """One tree, when its page cannot show it whole."""

    title = _("tree")
    parameter_name = "tree"

    def queryset(self, request: HttpRequest, queryset: JobQuerySet) -> JobQuerySet:  # type: ignore[override]
        root = number_in(self.value())
        return queryset if root is None else queryset.filter(Q(pk=root) | Q(root_id=root))


class DecisionFilter(WordFilter):
    """By what was made of a trigger's time."""

    title = _("decision")
    parameter_name = "decision"
    words = wording.DECISIONS
