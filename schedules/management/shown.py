"""What the commands over schedules share: how one is named, and how it is shown."""

from typing import Any
from uuid import UUID

from django.core.management.base import CommandError
from django.utils import timezone

from gateway.dates import format_moment
from schedules.models import Schedule


def uuid_in(text: str) -> UUID:
    """A UUID as it was typed; CommandError for what is none."""
    try:
        return UUID(text)
    except ValueError:
        raise CommandError(f"{text}: must be a schedule's uuid") from None


def facts(schedule: Schedule) -> dict[str, Any]:
    """A schedule that is valid, as one JSON object; moments in the site's zone, ``lateSeconds`` of what is due."""
    late = (timezone.now() - schedule.due_at).total_seconds() if schedule.due_at else 0
    return {
        "scheduleId": str(schedule.uuid),
        "name": schedule.name,
        "client": schedule.client.name,
        "kind": schedule.kind,
        "status": schedule.status.value,
        "dueAt": format_moment(schedule.due_at) if schedule.due_at else None,
        "lateSeconds": round(late, 3) if late > 0 else None,
    }
