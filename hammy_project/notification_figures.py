"""How notifications fare, for the console's first page: what became of the last days', and who does not listen."""

import json
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count
from django.db.models.functions import TruncDay
from django.http import HttpRequest
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import ngettext

from notifications.admin import wording
from notifications.models import Delivery, Registration, Target
from notifications.states import Health, Status, TargetKind

# As far as anything is counted: on a busy site the page says so instead of getting slow.
COUNTED = 100_000
_DAYS = 7
# In the order in which they stand upon each other, as the theme's variables say their colours.
_COLOURS = {
    Status.DELIVERED: "#16a34a",
    Status.PENDING: "#60a5fa",
    Status.DROPPED: "#9ca3af",
    Status.MISSED: "#ea580c",
    Status.FAILED: "#dc2626",
}
_TROUBLES = (Health.FAILING, Health.PAUSED, Health.DISABLED)


def measure() -> dict[str, Any]:
    """Counts by day of creation and status, and registrations and places called back by what is wrong with them."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    days = [midnight - timedelta(days=number) for number in range(_DAYS - 1, -1, -1)]
    counts = _by_day(days[0])
    callbacks = Target.objects.filter(kind=TargetKind.CALLBACK)
    return {
        "days": [day.date() for day in days],
        "counts": {status.value: [counts[status, day.date()] for day in days] for status in Status},
        "is_cut": counts.total() >= COUNTED,
        "registrations": {
            health.value: Registration.objects.filter(target__in=Target.objects.faring(health).values("pk"))[
                : COUNTED + 1
            ].count()
            for health in _TROUBLES
        },
        "callbacks": {health.value: callbacks.faring(health)[: COUNTED + 1].count() for health in _TROUBLES},
    }


def _by_day(since: datetime) -> "Counter[tuple[str, Any]]":
    """Deliveries made since then by status and day, the newest ones alone when there are very many."""
    deliveries = Delivery.objects.filter(created_at__gte=since)
    oldest = Delivery.objects.order_by("-id").values_list("id", flat=True)[COUNTED : COUNTED + 1].first()
    if oldest is not None:
        deliveries = deliveries.filter(id__gt=oldest)
    rows = deliveries.annotate(day=TruncDay("created_at")).values_list("status", "day")
    return Counter({(status, day.date()): count for status, day, count in rows.annotate(count=Count("id")).order_by()})


def worded(request: HttpRequest, figures: dict[str, Any]) -> dict[str, Any]:
    """The figures in the visitor's language, with links to the lists they count, as far as this person may see them."""
    deliveries = reverse("admin:notifications_delivery_changelist")
    return {
        "is_cut": figures["is_cut"],
        "legend": [
            {
                "title": wording.STATUSES[status],
                "colour": wording.STATUS_COLOURS[status],
                "count": sum(figures["counts"][status]),
                "url": f"{deliveries}?status={status}",
            }
            for status in _COLOURS
        ],
        "chart": json.dumps(
            {
                "labels": [formats.date_format(day, "MONTH_DAY_FORMAT") for day in figures["days"]],
                "datasets": [
                    {
                        "label": str(wording.STATUSES[status]),
                        "data": figures["counts"][status],
                        "backgroundColor": colour,
                        "stack": "deliveries",
                        "borderRadius": 0,
                        "maxBarThickness": 40,
                    }
                    for status, colour in _COLOURS.items()
                ],
            }
        ),
        "troubles": [*_registrations(request, figures), *_callbacks(request, figures)],
    }


def _registrations(request: HttpRequest, figures: dict[str, Any]) -> list[dict[str, str]]:
    if not request.user.has_perm("notifications.view_registration"):
        return []
    return _told(figures["registrations"], "notifications_registration_changelist", _of_registrations)


def _callbacks(request: HttpRequest, figures: dict[str, Any]) -> list[dict[str, str]]:
    if not request.user.has_perm("notifications.view_target"):
        return []
    return _told(figures["callbacks"], "notifications_target_changelist", _of_callbacks)


def _told(counts: dict[str, int], page: str, words: Any) -> list[dict[str, str]]:
    address = reverse(f"admin:{page}")
    return [
        {
            "words": f"{words(count) % {'count': count}}: {wording.HEALTH[Health(health)]}",
            "url": f"{address}?health={health}",
        }
        for health, count in counts.items()
        if count
    ]


def _of_registrations(count: int) -> str:
    return ngettext("%(count)d registration", "%(count)d registrations", count)


def _of_callbacks(count: int) -> str:
    return ngettext("%(count)d place called back", "%(count)d places called back", count)
