"""What the commands over notifications share: how a registration and a client are named, and how health is shown."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from gateway.dates import format_moment
from gateway.models import ApiClient
from notifications.models import Target


def uuid_in(option: str, text: str) -> UUID:
    """A UUID as it was typed; CommandError for what is none."""
    try:
        return UUID(text)
    except ValueError:
        raise CommandError(f"{option} {text}: must be a uuid") from None


def client_id(name: str | None) -> int | None:
    """The client of that name; None where none was named."""
    if name is None:
        return None
    found = ApiClient.objects.filter(name=name).values_list("id", flat=True).first() if "\0" not in name else None
    if found is None:
        raise CommandError(f"--client: there is no client {name}")
    return found


def facts(registration: Any) -> dict[str, Any]:
    """A registration, annotated with ``next_due``, and its health as one JSON object; moments in the site's zone, what
    there is not as null."""
    target: Target = registration.target
    return {
        "id": str(registration.uuid),
        "client": registration.client.name,
        "endPoint": registration.end_point,
        "format": registration.format,
        "method": registration.method,
        "jobId": str(registration.job_uuid) if registration.job_uuid else None,
        "health": str(target.health),
        "reason": reason(target),
        "failuresSinceLastSuccess": target.failures,
        "lastSuccessAt": _moment(target.last_success_at),
        "lastCallAt": _moment(target.last_at),
        "lastAnswer": target.last_status,
        "nextTryAt": _moment(target.next_call(registration.next_due)),
    }


def reason(target: Target) -> str | None:
    """Why it does not work."""
    if target.disabled_at is not None:
        return target.disabled_for
    if target.paused_at is not None:
        return f"paused by {target.paused_by}"
    return target.last_failure if target.failures else None


def _moment(value: datetime | None) -> str | None:
    return format_moment(value) if value else None
