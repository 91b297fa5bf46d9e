"""What the lists of registrations, targets and deliveries can be narrowed by."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter, MultipleDropdownFilter

from gateway.console.filters import CarriedFilter, ClientFilter, number_in
from notifications.admin import wording
from notifications.models import Event, Target
from notifications.models.delivery import DeliveryQuerySet
from notifications.states import EventKind, Health, Status

# So many targets are named one by one, which planners read best; of more, the database finds the client's itself.
_FEW = 100


class HealthFilter(DropdownFilter):
    """By how targets fare."""

    title = _("state")
    parameter_name = "health"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(health.value, wording.HEALTH[health]) for health in Health]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in set(Health):
            return queryset
        targets = Target.objects.faring(Health(self.value()))
        column = "pk" if queryset.model is Target else "target"
        return queryset.filter(**{f"{column}__in": targets.values("pk")})


class StatusFilter(MultipleDropdownFilter):
    """By one or more statuses."""

    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(status.value, wording.STATUSES[status]) for status in Status]

    def queryset(self, request: HttpRequest, queryset: DeliveryQuerySet) -> DeliveryQuerySet:
        wanted = [value for value in self.value() or () if value in set(Status)]
        return queryset.standing(wanted) if wanted else queryset


class EventFilter(DropdownFilter):
    """By what is told."""

    title = _("event")
    parameter_name = "event"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(kind.value, words) for kind, words in wording.EVENTS.items()]

    def queryset(self, request: HttpRequest, queryset: DeliveryQuerySet) -> DeliveryQuerySet:
        return queryset.filter(event__kind=self.value()) if self.value() in set(EventKind) else queryset


class ToldClientFilter(ClientFilter):
    """By the client that is told."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        client = number_in(self.value())
        if client is None:
            return queryset
        targets = Target.objects.filter(client=client)
        few = list(targets.order_by("-id").values_list("id", flat=True)[: _FEW + 1])
        if len(few) <= _FEW:
            return queryset.filter(target__in=few)
        return queryset.filter(target__client=client)


class TargetFilter(CarriedFilter):
    """One target's, where its page leads."""

    title = _("target")
    parameter_name = "target"

    def queryset(self, request: HttpRequest, queryset: DeliveryQuerySet) -> DeliveryQuerySet:  # type: ignore[override]
        target = number_in(self.value())
        return queryset if target is None else queryset.filter(target=target)


class JobFilter(CarriedFilter):
    """Of one job, where its page leads."""

    title = _("job")
    parameter_name = "job"

    def queryset(self, request: HttpRequest, queryset: DeliveryQuerySet) -> DeliveryQuerySet:  # type: ignore[override]
        job = number_in(self.value())
        if job is None:
            return queryset
        return queryset.filter(event__in=list(Event.objects.filter(job_id=job).values_list("id", flat=True)))
