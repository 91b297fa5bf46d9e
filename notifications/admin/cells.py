"""What lists and pages show of deliveries and of how targets fare."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from gateway.console import labels
from notifications.admin import wording
from notifications.models import Delivery, Target
from notifications.states import Status


def health(target: Target) -> SafeString:
    """How it fares, coloured; why it does not work is its title."""
    state = target.health
    label = labels.label(wording.HEALTH[state], wording.HEALTH_COLOURS[state])
    return format_html('<span title="{}">{}</span>', why(target), label)


def why(target: Target) -> str:
    """Why it does not work; "" when it does."""
    if target.disabled_at is not None:
        return target.disabled_for
    if target.paused_at is not None:
        return gettext("paused by %(who)s") % {"who": target.paused_by}
    return target.last_failure if target.failures else ""


def status(delivery: Delivery) -> SafeString:
    """Where a delivery stands, coloured."""
    known = Status(delivery.status)
    return labels.label(wording.STATUSES[known], wording.STATUS_COLOURS[known])


def place(target: Target) -> str:
    """The console's page of a target: its registration's, while there is one."""
    registration = getattr(target, "registration", None)
    if registration is not None:
        return reverse("admin:notifications_registration_change", args=[registration.pk])
    return reverse("admin:notifications_target_change", args=[target.pk])


def shortened(text: str, most: int = 36) -> str:
    """Its beginning, where it is long."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def moment(value: datetime | None) -> str | None:
    """A moment, None where there is none."""
    return labels.moment(value) if value else None


def when(value: datetime | None) -> SafeString | None:
    """A moment in a narrow column, broken nowhere but between its day and its time."""
    if value is None:
        return None
    return format_html_join(" ", '<span class="console-nowrap">{}</span>', zip(labels.moment(value).split(" ")))


def link(address: str, words: Any) -> SafeString:
    """A link of ours."""
    return format_html('<a class="console-link" href="{}">{}</a>', address, words)


class HealthColumns(ModelAdmin):
    """The columns of how it fares, of targets or of registrations, annotated with ``next_due``."""

    @admin.display(description=_("State"))
    def state(self, row: Any) -> SafeString:
        return health(_target(row))

    @admin.display(description=_("Failures"))
    def failures_since(self, row: Any) -> int:
        return _target(row).failures

    @admin.display(description=_("Last success"), empty_value="–")
    def last_success(self, row: Any) -> SafeString | None:
        return when(_target(row).last_success_at)

    @admin.display(description=_("Next try"), empty_value="–")
    def next_try(self, row: Any) -> SafeString | None:
        return when(_target(row).next_call(row.next_due))

    @admin.display(description=_("Client"), empty_value="–")
    def client_name(self, row: Any) -> str | None:
        return row.client.name if row.client else None


def _target(row: Any) -> Target:
    return row if isinstance(row, Target) else row.target
