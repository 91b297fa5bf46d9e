"""What lists can be narrowed by, whatever they list."""

from collections.abc import Iterator, Mapping
from datetime import MAXYEAR, MINYEAR, datetime, timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils import formats, timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter
from unfold.contrib.filters.forms import RangeDateForm

from gateway.models import ApiClient


class ClientFilter(DropdownFilter):
    """By the client that sent them."""

    title = _("client")
    parameter_name = "client"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), name) for pk, name in ApiClient.objects.values_list("id", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        client = number_in(self.value())
        return queryset if client is None else queryset.filter(client_id=client)


class DaysFilter(admin.SimpleListFilter):
    """By days, both included; a list says by ``within`` what lies between two moments."""

    template = "unfold/filters/filters_date_range.html"
    form_class = RangeDateForm

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: type[Model], model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        for name in self.expected_parameters():
            if name in params:
                self.used_parameters[name] = params.pop(name)[-1]

    def within(self, rows: Any, since: datetime | None, until: datetime | None) -> Any:
        """The rows of [since, until), either of which may be open."""
        if since:
            rows = rows.filter(created_at__gte=since)
        return rows.filter(created_at__lt=until) if until else rows

    def expected_parameters(self) -> list[str | None]:
        return [f"{self.parameter_name}_from", f"{self.parameter_name}_to"]

    def has_output(self) -> bool:
        return True

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return []

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        yield {"form": RangeDateForm(name=self.parameter_name, data=self.used_parameters)}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        since, last = (midnight(self.used_parameters.get(f"{self.parameter_name}_{end}", "")) for end in ("from", "to"))
        rows: QuerySet[Any] = self.within(queryset, since, last + timedelta(days=1) if last else None)
        return rows


class CarriedFilter(admin.SimpleListFilter):
    """Narrowed by the address alone: a link of ours leads there, and nothing is offered to choose."""

    template = "console/no_filter.html"

    def has_output(self) -> bool:
        return True

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return []


class OlderFilter(CarriedFilter):
    """What lies beyond the capped pages: rows before the last one shown."""

    title = _("older than")
    parameter_name = "before"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        before = number_in(self.value())
        return queryset if before is None else queryset.filter(id__lt=before)


class OlderByMomentFilter(OlderFilter):
    """The same for lists in the order in which their rows were made."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        before = number_in(self.value())
        if before is None:
            return queryset
        moment = queryset.model._default_manager.filter(pk=before).values_list("created_at", flat=True).first()
        if moment is None:
            # It is gone by now: numbers rise with time, but for those of the same moments.
            return queryset.filter(id__lt=before)
        return queryset.filter(Q(created_at__lt=moment) | Q(id__lt=before), created_at__lte=moment)


class WordFilter(DropdownFilter):
    """By what stands in the column that ``parameter_name`` names: one of ``words``, which says what people call it."""

    words: ClassVar[Mapping[Any, Any]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(str(word), called) for word, called in self.words.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{str(self.parameter_name): self.value()}) if self.value() in self.words else queryset


def number_in(text: str | None) -> int | None:
    """The number in an address, if it is one that a column can hold."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 19 else None


def midnight(text: str) -> datetime | None:
    """The start of a day given as the form writes it (ISO or the language's own); None for anything else."""
    for pattern in ("%Y-%m-%d", *formats.get_format("DATE_INPUT_FORMATS")):
        try:
            day = datetime.strptime(text.strip(), pattern).replace(tzinfo=timezone.get_current_timezone())
        except ValueError:
            continue
        # At either end of the calendar there is no day before or after, and nothing of ours.
        return day if MINYEAR < day.year < MAXYEAR else None
    return None
