"""What the list of messages can be narrowed by."""

from collections.abc import Iterator
from datetime import MAXYEAR, MINYEAR, datetime, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils import formats, timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter, MultipleDropdownFilter
from unfold.contrib.filters.forms import RangeDateForm

from gateway.models import ApiClient
from sending import ranges
from sending.admin import wording
from sending.channels import channels
from sending.models import Template, TemplateVersion
from sending.models.message import MessageQuerySet
from sending.states import Status, TemplateStatus


class StatusFilter(MultipleDropdownFilter):
    """By one or more statuses."""

    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(status.value, wording.STATUSES[status]) for status in Status]

    def queryset(self, request: HttpRequest, queryset: MessageQuerySet) -> MessageQuerySet:
        wanted = [value for value in self.value() or () if value in set(Status)]
        return queryset.filter(status__in=wanted) if wanted else queryset


class ChannelFilter(DropdownFilter):
    """By channel, as many as there are."""

    title = _("channel")
    parameter_name = "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in sorted(channels())]

    def queryset(self, request: HttpRequest, queryset: MessageQuerySet) -> MessageQuerySet:
        return queryset.filter(channel=self.value()) if self.value() else queryset


class TemplateFilter(DropdownFilter):
    """By type: the template in any of its versions."""

    title = _("type")
    parameter_name = "template"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        kept = Template.objects.exclude(status=TemplateStatus.ARCHIVED)
        return [(str(pk), name) for pk, name in kept.values_list("id", "name")]

    def queryset(self, request: HttpRequest, queryset: MessageQuerySet) -> MessageQuerySet:
        if (template := number_in(self.value())) is None:
            return queryset
        versions = TemplateVersion.objects.filter(template=template)
        return queryset.filter(template_version__in=list(versions.values_list("id", flat=True)))


class ClientFilter(DropdownFilter):
    """By the client that sent them."""

    title = _("client")
    parameter_name = "client"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), name) for pk, name in ApiClient.objects.values_list("id", "name")]

    def queryset(self, request: HttpRequest, queryset: MessageQuerySet) -> MessageQuerySet:
        client = number_in(self.value())
        return queryset if client is None else queryset.filter(client_id=client)


class AcceptedFilter(admin.SimpleListFilter):
    """By the days on which they were accepted, both included."""

    title = _("accepted")
    parameter_name = "accepted"
    template = "unfold/filters/filters_date_range.html"
    form_class = RangeDateForm

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: type[Model], model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        for name in self.expected_parameters():
            if name in params:
                self.used_parameters[name] = params.pop(name)[-1]

    def expected_parameters(self) -> list[str | None]:
        return [f"{self.parameter_name}_from", f"{self.parameter_name}_to"]

    def has_output(self) -> bool:
        return True

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return []

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        yield {"form": RangeDateForm(name=self.parameter_name, data=self.used_parameters)}

    def queryset(self, request: HttpRequest, queryset: MessageQuerySet) -> MessageQuerySet:  # type: ignore[override]
        since, last = (
            _midnight(self.used_parameters.get(f"{self.parameter_name}_{end}", "")) for end in ("from", "to")
        )
        return ranges.between(queryset, since, last + timedelta(days=1) if last else None)


class OlderFilter(admin.SimpleListFilter):
    """What lies beyond the capped pages: messages before the last one shown."""

    title = _("older than")
    parameter_name = "before"
    template = "console/no_filter.html"

    def has_output(self) -> bool:
        return True

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return []

    def queryset(self, request: HttpRequest, queryset: MessageQuerySet) -> MessageQuerySet:  # type: ignore[override]
        before = number_in(self.value())
        return queryset if before is None else queryset.filter(id__lt=before)


def number_in(text: str | None) -> int | None:
    """The number in an address, if it is one that a column can hold."""
    return int(text) if text and text.isdecimal() and len(text) < 19 else None


def _midnight(text: str) -> datetime | None:
    """The start of a day given as the form writes it (ISO or the language's own); None for anything else."""
    for pattern in ("%Y-%m-%d", *formats.get_format("DATE_INPUT_FORMATS")):
        try:
            day = datetime.strptime(text.strip(), pattern).replace(tzinfo=timezone.get_current_timezone())
        except ValueError:
            continue
        # At either end of the calendar there is no day before or after, and nothing of ours.
        return day if MINYEAR < day.year < MAXYEAR else None
    return None
