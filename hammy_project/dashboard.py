"""The console's first page: how letters and jobs fare, in few and cheap looks that many visitors share."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Min
from django.db.models.functions import TruncHour
from django.http import HttpRequest
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from hammy_project import campaign_figures, job_figures, notification_figures, schedule_figures
from sending.admin import wording
from sending.models import Lane, Message
from sending.ranges import between
from sending.states import Status

# The newest so many messages are counted: on a busy site the page says so instead of getting slow.
COUNTED = 100_000
_FRESH_SECONDS = 30
_BADGE_MOST = 99


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the figures to the page of who may see messages, campaigns, jobs, schedules, or notifications."""
    if request.user.has_perm("sending.view_message"):
        figures = _remembered("console-overview", measure)
        context = {**context, "overview": _worded(figures), "lanes_resting": _resting_lanes(request)}
    if request.user.has_perm("campaigns.view_campaign"):
        figures = _remembered("console-overview-campaigns", campaign_figures.measure)
        if figures["running"] or figures["paused"]:
            context = {**context, "campaigns_overview": campaign_figures.worded(figures)}
    if request.user.has_perm("jobs.view_job"):
        figures = _remembered("console-overview-jobs", job_figures.measure)
        context = {**context, "jobs_overview": job_figures.worded(figures)}
    if request.user.has_perm("schedules.view_schedule"):
        figures = _remembered("console-overview-schedules", schedule_figures.measure)
        context = {**context, "schedules_overview": schedule_figures.worded(figures)}
    if request.user.has_perm("notifications.view_delivery"):
        figures = _remembered("console-overview-notifications", notification_figures.measure)
        context = {**context, "told_overview": notification_figures.worded(request, figures)}
    return context


def _remembered(key: str, look: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    figures: dict[str, Any] | None = cache.get(key)
    if figures is None:
        figures = look()
        cache.set(key, figures, _FRESH_SECONDS)
    return figures


def measure() -> dict[str, Any]:
    """Counts by status for today and seven days, messages by hour of the last day, the oldest due, those in doubt."""
    now = timezone.localtime()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    hours = Counter({this_hour - timedelta(hours=number): 0 for number in range(24)})
    today: Counter[str] = Counter()
    week: Counter[str] = Counter()
    for status, hour, count in _counts(midnight - timedelta(days=6)):
        week[status] += count
        if hour >= midnight:
            today[status] += count
        if hour in hours:
            hours[hour] += count
    is_cut = week.total() >= COUNTED
    waiting = Message.objects.waiting().filter(due_at__lte=now)
    return {
        "today": dict(today),
        "week": dict(week),
        "is_week_cut": is_cut,
        "is_today_cut": is_cut and today == week,
        "hours": sorted(hours.items()),
        "oldest_due": waiting.aggregate(oldest=Min("due_at"))["oldest"],
        "uncertain": Message.objects.uncertain()[:COUNTED].count(),
        "measured_at": now,
    }


def _counts(since: datetime) -> Iterable[tuple[str, datetime, int]]:
    """Messages accepted since then by status and hour, the newest ones alone when there are very many."""
    messages = between(Message.objects.all(), since, None)
    oldest = Message.objects.order_by("-id").values_list("id", flat=True)[COUNTED : COUNTED + 1].first()
    if oldest is not None:
        messages = messages.filter(id__gt=oldest)
    by_hour = messages.annotate(hour=TruncHour("created_at")).values_list("status", "hour")
    return by_hour.annotate(count=Count("id")).order_by()


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
