"""How schedules fare, for the console's first page: what is late, and what comes next."""

from datetime import timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone

from gateway.console import labels
from hammy_project import vital_signs
from schedules.admin import wording
from schedules.models import Schedule
from schedules.states import Status

# As far as anything is counted: on a busy site the page says so instead of getting slow.
COUNTED = 10_000
_NEXT = 5


def measure() -> dict[str, Any]:
    """How many are due and overdue, how many more will be within a day, and the next ones."""
    now = timezone.now()
    active = Schedule.objects.standing(Status.ACTIVE).filter(due_at__gt=now)
    fares = vital_signs.schedules()
    coming = active.order_by("due_at", "id").values_list("id", "name", "kind", "due_at")[:_NEXT]
    return {
        "due": fares.due,
        "overdue": fares.overdue,
        "within_a_day": active.filter(due_at__lte=now + timedelta(days=1))[: COUNTED + 1].count(),
        "next": list(coming),
    }


def worded(figures: dict[str, Any]) -> dict[str, Any]:
    """The figures in the visitor's language, with links to what they count."""
    return {
        "due": figures["due"],
        "overdue": figures["overdue"],
        "within_a_day": min(figures["within_a_day"], COUNTED),
        "is_cut": figures["within_a_day"] > COUNTED,
        "month_url": reverse("admin:schedules_schedule_month"),
        "list_url": f"{reverse('admin:schedules_schedule_changelist')}?status={Status.ACTIVE}",
        "next": [
            {
                "name": name,
                "kind": wording.kind(kind),
                "at": labels.moment(due_at),
                "url": reverse("admin:schedules_schedule_change", args=[pk]),
            }
            for pk, name, kind, due_at in figures["next"]
        ],
    }
