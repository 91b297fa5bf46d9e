"""The console's first page: how letters fare, in few and cheap looks that many visitors share."""

import json
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Min
from django.db.models.functions import TruncHour
from django.http import HttpRequest
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from sending.admin import wording
from sending.admin.paging import between, first_id_at
from sending.models import Lane, Message
from sending.states import DUE, Status

# The newest so many messages are counted: on a busy site the page says so instead of getting slow.
COUNTED = 100_000
_FRESH_SECONDS = 15
_BADGE_MOST = 99


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the figures to the page of who may see messages."""
    if not request.user.has_perm("sending.view_message"):
        return context
    figures = cache.get("console-overview")
    if figures is None:
        figures = measure()
        cache.set("console-overview", figures, _FRESH_SECONDS)
    return {**context, "overview": _worded(figures), "lanes_resting": _resting_lanes(request)}


def measure() -> dict[str, Any]:
    """Counts by status for today and seven days, messages by hour of the last day, the oldest due, those in doubt."""
    now = timezone.now()
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    week, is_week_cut = _by_status(midnight - timedelta(days=6))
    today, is_today_cut = _by_status(midnight)
    waiting = Message.objects.filter(status__in=sorted(DUE), due_at__lte=now)
    return {
        "today": today,
        "week": week,
        "is_today_cut": is_today_cut,
        "is_week_cut": is_week_cut,
        "hours": _by_hour(now),
        "oldest_due": waiting.aggregate(oldest=Min("due_at"))["oldest"],
        "uncertain": Message.objects.uncertain()[:COUNTED].count(),
        "measured_at": now,
    }


def _newest(since: datetime) -> Any:
    """The newest messages since a moment, as many as are counted."""
    first = first_id_at(Message.objects.all(), since)
    return Message.objects.filter(id__gte=first).order_by("-id").values("id")[:COUNTED]


def _by_status(since: datetime) -> tuple[dict[str, int], bool]:
    rows = Message.objects.filter(id__in=_newest(since)).order_by().values_list("status")
    counts = dict(rows.annotate(count=Count("id")))
    return counts, sum(counts.values()) >= COUNTED


def _by_hour(now: datetime) -> list[tuple[datetime, int]]:
    """The last 24 hours, each with its messages."""
    this_hour = timezone.localtime(now).replace(minute=0, second=0, microsecond=0)
    first = this_hour - timedelta(hours=23)
    rows = between(Message.objects.filter(id__in=_newest(first)), first, None).order_by()
    counts = Counter(dict(rows.annotate(hour=TruncHour("created_at")).values_list("hour").annotate(count=Count("id"))))
    hours = [first + timedelta(hours=number) for number in range(24)]
    return [(hour, counts[hour]) for hour in hours]


def _worded(figures: dict[str, Any]) -> dict[str, Any]:
    """The figures in the visitor's language, with links to the lists they count."""
    messages = reverse("admin:sending_message_changelist")
    today = timezone.localdate()
    spans = (
        (_("Today"), figures["today"], figures["is_today_cut"], today),
        (_("Seven days"), figures["week"], figures["is_week_cut"], today - timedelta(days=6)),
    )
    oldest = figures["oldest_due"]
    return {
        "spans": [
            {
                "title": title,
                "total": sum(counts.values()),
                "is_cut": is_cut,
                "rows": [
                    {
                        "title": wording.STATUSES[status],
                        "colour": wording.STATUS_COLOURS[status],
                        "count": counts.get(status, 0),
                        "url": f"{messages}?status={status}&accepted_from={since:%Y-%m-%d}",
                    }
                    for status in Status
                    if counts.get(status, 0)
                ],
                "url": f"{messages}?accepted_from={since:%Y-%m-%d}",
            }
            for title, counts, is_cut, since in spans
        ],
        "oldest_due": oldest,
        "is_late": oldest is not None and timezone.now() - oldest > timedelta(minutes=5),
        "uncertain": figures["uncertain"],
        "uncertain_url": reverse("admin:sending_uncertainmessage_changelist"),
        "measured_at": figures["measured_at"],
        "chart": json.dumps(
            {
                "labels": [formats.date_format(timezone.localtime(hour), "H:i") for hour, _count in figures["hours"]],
                "datasets": [
                    {
                        "label": _("Messages"),
                        "data": [count for _hour, count in figures["hours"]],
                        "backgroundColor": "var(--color-primary-600)",
                        "maxBarThickness": 22,
                        "borderRadius": 3,
                    }
                ],
            }
        ),
    }


def _resting_lanes(request: HttpRequest) -> list[Lane]:
    if not request.user.has_perm("sending.view_lane"):
        return []
    return list(Lane.objects.filter(paused_until__gt=timezone.now()).order_by("channel"))


def uncertain_badge(request: HttpRequest) -> str | None:
    """How many are in doubt, beside the menu's item; nothing when none is."""
    count = Message.objects.uncertain()[: _BADGE_MOST + 1].count()
    if not count:
        return None
    return str(count) if count <= _BADGE_MOST else f"{_BADGE_MOST}+"
