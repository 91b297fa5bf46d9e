"""What the console tells of one target, of its registration, and of one delivery."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from gateway.console import labels
from jobs.models import Job
from notifications.admin import cells, wording
from notifications.models import Delivery, Registration, Target
from notifications.models.delivery import next_due
from notifications.states import Status

_LAST = 10


def of_target(request: HttpRequest, target: Target, registration: Registration | None = None) -> dict[str, Any]:
    """All that the page of a target shows of it; ``registration`` is whose it is."""
    due = Target.objects.filter(pk=target.pk).values_list(next_due("pk"), flat=True).get()
    may_list = request.user.has_perm("notifications.view_delivery")
    last = Delivery.objects.filter(target=target.pk).select_related("event").order_by("-id")[:_LAST] if may_list else []
    return {
        "state": cells.health(target),
        "why": cells.why(target),
        "settings": _shown(_settings(request, target, registration)),
        "health": _shown(_health(target, target.next_call(due))),
        "may_list": may_list,
        "last": [
            {
                "delivery": delivery,
                "url": reverse("admin:notifications_delivery_change", args=[delivery.pk]),
                "at": labels.moment(delivery.created_at),
                "event": wording.event(delivery.event.kind),
                "job_id": delivery.event.job_id,
                "status": cells.status(delivery),
            }
            for delivery in last
        ],
        "all_url": f"{reverse('admin:notifications_delivery_changelist')}?target={target.pk}",
    }


def _settings(request: HttpRequest, target: Target, registration: Registration | None) -> list[tuple[Any, Any]]:
    if registration is None:
        return [
            (_("Address"), target.address),
            (_("Client"), target.client),
            (pgettext("a registration", "Created at"), labels.moment(target.created_at)),
        ]
    return [
        (_("End point"), registration.end_point),
        (_("Called"), target.address if target.address != registration.end_point else ""),
        (_("Client"), registration.client),
        (_("Job"), _job(request, registration.job_id) or _("every job")),
        (_("Format"), registration.format),
        (_("Naming convention"), registration.naming),
        (_("Method"), registration.method),
        (pgettext("a registration", "Created at"), labels.moment(registration.created_at)),
        (_("UUID"), registration.uuid),
    ]


def _health(target: Target, next_at: Any) -> list[tuple[Any, Any]]:
    return [
        (_("Failures since the last success"), str(target.failures)),
        (_("Failing since"), cells.moment(target.failing_since)),
        (_("Last success"), cells.moment(target.last_success_at) or _("never")),
        (_("Last call"), cells.moment(target.last_at) or _("never")),
        (_("Last answer"), target.last_status),
        (_("Last failure"), target.last_failure),
        (_("Next try"), cells.moment(next_at)),
        (_("Paused at"), cells.moment(target.paused_at)),
        (_("Disabled at"), cells.moment(target.disabled_at)),
    ]


def of_delivery(request: HttpRequest, delivery: Delivery) -> list[dict[str, Any]]:
    """A delivery's columns in groups of names and values, what is empty left out."""
    event, target = delivery.event, delivery.target
    may_see_target = request.user.has_perm(
        "notifications.view_registration" if hasattr(target, "registration") else "notifications.view_target"
    )
    is_waiting = delivery.status == Status.PENDING
    tables = (
        (
            "",
            [
                (_("Reason"), delivery.reason),
                (_("Event"), wording.event(event.kind)),
                (_("Job"), _job(request, event.job_id)),
                (_("Target"), cells.link(cells.place(target), target.address) if may_see_target else target.address),
                (_("State of the target"), cells.health(target)),
                (_("Client"), target.client),
                (_("Attempts"), str(delivery.attempts)),
                (_("Next try"), cells.moment(target.next_call(delivery.due_at)) if is_waiting else ""),
                (_("Webhook id"), delivery.message_id),
            ],
        ),
        (
            _("Times"),
            [
                (pgettext("a delivery", "Created at"), labels.moment(delivery.created_at)),
                (_("Closed at"), cells.moment(delivery.closed_at)),
            ],
        ),
    )
    return [{"title": title, "facts": _shown(rows)} for title, rows in tables]


def _job(request: HttpRequest, job_id: int | None) -> Any:
    """A link to the job, where there still is one and this person may see it."""
    if job_id is None:
        return ""
    if request.user.has_perm("jobs.view_job") and Job.objects.filter(pk=job_id).exists():
        return cells.link(reverse("admin:jobs_job_change", args=[job_id]), job_id)
    return str(job_id)


def _shown(rows: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    return [(name, value) for name, value in rows if value]
