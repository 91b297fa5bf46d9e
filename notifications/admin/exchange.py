"""What is said to a target and what it answers, as text: bodies are made again, secrets are not shown."""

from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from gateway.console import labels
from notifications.admin import wording
from notifications.calling import own_headers
from notifications.claiming import news_of
from notifications.models import Attempt, Delivery
from notifications.payloads import Style, payloads

_LONGEST = 64 * 1024
_MOST_ATTEMPTS = 100


def request_of(delivery: Delivery, last: Attempt | None) -> dict[str, Any]:
    """The request as it was made last, or will be: method, address, headers and body; no body where its payload is
    not known any more."""
    payload = payloads().get(delivery.payload)
    if payload is None:
        return {"line": f"{delivery.method} {delivery.url}", "headers": [], "body": "", "is_cut": False}
    style = Style(format=delivery.format, naming=delivery.naming)
    body = payload.body(news_of(delivery.event), style).decode(errors="replace")
    headers = {
        **own_headers(payload.content_type(style)),
        "webhook-id": delivery.message_id,
        "webhook-timestamp": str(int(last.began_at.timestamp())) if last else _("the time of the try"),
        "webhook-signature": _("v1,… (made at each try with the client's secret)"),
    }
    return {
        "line": f"{delivery.method} {delivery.url}",
        "headers": list(headers.items()),
        "body": body[:_LONGEST],
        "is_cut": len(body) > _LONGEST,
    }


def attempts(delivery: Delivery) -> tuple[list[dict[str, Any]], bool]:
    """The newest attempts first, and whether there are more than these."""
    found = list(delivery.tries.order_by("-id")[: _MOST_ATTEMPTS + 1])
    return [_attempt(attempt) for attempt in found[:_MOST_ATTEMPTS]], len(found) > _MOST_ATTEMPTS


def _attempt(attempt: Attempt) -> dict[str, Any]:
    is_success = attempt.status is not None and 200 <= attempt.status < 300
    return {
        "attempt": attempt,
        "colour": "success" if is_success else "danger",
        "outcome": _("answered %(status)d") % {"status": attempt.status} if attempt.status else _("no answer"),
        "at": labels.moment(attempt.began_at, milliseconds=True),
        "lasted": f"{number_format(attempt.seconds, 3)} s",
        "next_at": labels.moment(attempt.next_at) if attempt.next_at else "",
    }


def title_of(delivery: Delivery) -> str:
    """A delivery in few words."""
    return f"{delivery.pk} · {wording.event(delivery.event.kind)}"
