"""What the list of messages can be narrowed by."""

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter, MultipleDropdownFilter

from gateway.console.filters import CarriedFilter, DaysFilter, number_in
from jobs.models import Job
from sending import ranges
from sending.admin import wording
from sending.channels import channels
from sending.models import Template, TemplateVersion
from sending.models.message import MessageQuerySet
from sending.states import Status, TemplateStatus

# The tree of a large campaign is longer; who looks for one of its letters has better means.
_MOST_BELOW = 1000


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


class OpenedFilter(DropdownFilter):
    """By whether what waits in an inbox was opened; nothing else can be."""

    title = _("opened in the portal")
    parameter_name = "opened"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: HttpRequest, queryset: MessageQuerySet) -> MessageQuerySet:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.in_inboxes().filter(opened_at__isnull=self.value() == "no")


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


class JobFilter(CarriedFilter):
    """Of one job and of those below it, where its page leads."""

    title = _("job")
    parameter_name = "job"

    def queryset(self, request: HttpRequest, queryset: MessageQuerySet) -> MessageQuerySet:  # type: ignore[override]
        job = number_in(self.value())
        return queryset if job is None else queryset.filter(job_id__in=[job, *_below(job)])


def _below(job: int) -> list[int]:
    # Of a root all that is below it, of any other its children.
    below = Job.objects.filter(Q(root=job) | Q(parent=job)).order_by("id")
    return list(below.values_list("id", flat=True)[:_MOST_BELOW])


class AcceptedFilter(DaysFilter):
    """By the days on which they were accepted."""

    title = _("accepted")
    parameter_name = "accepted"

    def within(self, rows: MessageQuerySet, since: datetime | None, until: datetime | None) -> MessageQuerySet:
        return ranges.between(rows, since, until)
