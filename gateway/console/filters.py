"""What lists can be narrowed by, whatever they list."""

from collections.abc import Iterator
from datetime import MAXYEAR, MINYEAR, datetime, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
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
