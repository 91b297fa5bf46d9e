"""A month of what will fire, schedules and triggers side by side, and each of its days."""

import calendar
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import formats, timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from gateway.console import labels
from jobs import recurring
from jobs.admin import timetable
from jobs.models import Recurrence
from schedules import outlook
from schedules.admin import wording
from schedules.models import Schedule
from schedules.models.schedule import site_zone
from schedules.states import Zoning

# Triggers reckoned with; one that is due more often in a month stands beside the days, in words.
_MOST_TRIGGERS = 200
_OFTEN = 100
_MOST_OF_A_DAY = 200
# Schedules begin within a year and end within another.
_MONTHS_AHEAD = 24


@dataclass(slots=True, kw_only=True)
class Triggers:
    """When triggers start by themselves in a month: times with the trigger's name and id, and those too many to tell
    singly, in words. ``is_cut``: there are more triggers than were reckoned with."""

    times: list[tuple[datetime, str, int]] = field(default_factory=list)
    often: list[tuple[str, int, str]] = field(default_factory=list)
    is_cut: bool = False


class MonthPage(ModelAdmin):
    """The page of a month, below the list of schedules."""

    def month_urls(self) -> list[URLPattern]:
        return [path("month/", self.admin_site.admin_view(self.month), name="schedules_schedule_month")]

    def month(self, request: HttpRequest) -> HttpResponse:
        """``?month=2026-12``, this one by default, and with ``&day=7`` what fires on that day."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        first = _month(request.GET.get("month", ""))
        last = _last_of(first)
        may_see_triggers = request.user.has_perm("jobs.view_trigger")
        triggers = _triggers(first, last) if may_see_triggers else Triggers()
        found = outlook.outlook(first=first, last=last)
        day = _day(request.GET.get("day", ""), first, last)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("What will fire"),
            "month": formats.date_format(first, "YEAR_MONTH_FORMAT"),
            "zone": settings.TIME_ZONE,
            "weekdays": [wording.weekday(number) for number in range(7)],
            "weeks": _weeks(first, found, triggers, day),
            "neighbours": _neighbours(first),
            "often": [(name, _trigger_address(pk), words) for name, pk, words in triggers.often],
            "are_triggers_cut": triggers.is_cut,
            "most_triggers": _MOST_TRIGGERS,
            "is_cut": found.is_cut,
            "most_repeated": outlook.MOST_REPEATED,
            "may_see_triggers": may_see_triggers,
            "day": day and _of_day(day, triggers),
        }
        return TemplateResponse(request, "console/schedules_month.html", context)


def _month(text: str) -> date:
    """The first day of the month in an address, this month's for any other text; never further than times reach."""
    this = timezone.localdate(timezone=site_zone()).replace(day=1)
    try:
        asked = datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 (a month has no zone)
    except ValueError:
        return this
    return min(max(asked, this), _moved(this, _MONTHS_AHEAD))


def _moved(first: date, months: int) -> date:
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    return date(year, month + 1, 1)


def _last_of(first: date) -> date:
    return first.replace(day=calendar.monthrange(first.year, first.month)[1])


def _day(text: str, first: date, last: date) -> date | None:
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 3 else 0
    return first.replace(day=number) if 1 <= number <= last.day else None


def _neighbours(first: date) -> dict[str, str]:
    """The addresses of the months before and after, as far as there are any."""
    this = timezone.localdate(timezone=site_zone()).replace(day=1)
    found = {}
    if first > this:
        found["before"] = f"?month={_moved(first, -1):%Y-%m}"
    if first < _moved(this, _MONTHS_AHEAD):
        found["after"] = f"?month={_moved(first, 1):%Y-%m}"
    return found


def _weeks(first: date, found: outlook.Outlook, triggers: Triggers, shown: date | None) -> list[list[dict[str, Any]]]:
    today = timezone.localdate(timezone=site_zone())
    by_day = Counter(at.date() for at, _name, _pk in triggers.times)
    return [
        [
            {
                "number": day.day,
                "is_of_month": day.month == first.month,
                "is_past": day < today,
                "is_today": day == today,
                "is_shown": day == shown,
                "address": f"?month={first:%Y-%m}&day={day.day}#day",
                "schedules": found.counts[day],
                "is_cut": day in found.cut,
                "triggers": by_day[day],
            }
            for day in week
        ]
        for week in calendar.Calendar().monthdatescalendar(first.year, first.month)
    ]


def _triggers(first: date, last: date) -> Triggers:
    zone = site_zone()
    since = max(timezone.now(), datetime.combine(first, time.min, tzinfo=zone))
    until = datetime.combine(last + timedelta(days=1), time.min, tzinfo=zone)
    rows = Recurrence.objects.filter(next_slot_at__isnull=False, trigger__is_enabled=True, periodic_task__enabled=True)
    rows = rows.select_related("trigger", "periodic_task__crontab", "periodic_task__interval").order_by("trigger__name")
    recurrences = list(rows[: _MOST_TRIGGERS + 1])
    found = Triggers(is_cut=len(recurrences) > _MOST_TRIGGERS)
    for recurrence in recurrences[:_MOST_TRIGGERS]:
        trigger = recurrence.trigger
        times = recurring.between(recurrence, since=since, until=until, most=_OFTEN + 1)
        if len(times) > _OFTEN:
            found.often.append((trigger.name, trigger.pk, timetable.words(trigger)))
        else:
            found.times += [(at.astimezone(zone), trigger.name, trigger.pk) for at in times]
    found.times.sort()
    return found


def _of_day(day: date, triggers: Triggers) -> dict[str, Any]:
    schedules = outlook.on(day, most=_MOST_OF_A_DAY + 1)
    started = [(at, name, pk) for at, name, pk in triggers.times if at.date() == day]
    return {
        "title": formats.date_format(day, "DATE_FORMAT"),
        "schedules": [_row(at, schedule) for at, schedule in schedules[:_MOST_OF_A_DAY]],
        "are_schedules_cut": len(schedules) > _MOST_OF_A_DAY,
        "triggers": _trigger_rows(started[:_MOST_OF_A_DAY]),
        "are_triggers_cut": len(started) > _MOST_OF_A_DAY,
    }


def _row(at: datetime, schedule: Schedule) -> dict[str, Any]:
    return {
        "at": labels.moment(at),
        "name": schedule.name,
        "address": reverse("admin:schedules_schedule_change", args=[schedule.pk]),
        "kind": wording.kind(schedule.kind),
        "client": schedule.client.name,
        "is_each": schedule.zoning == Zoning.EACH,
    }


def _trigger_rows(started: Sequence[tuple[datetime, str, int]]) -> list[dict[str, Any]]:
    return [{"at": labels.moment(at), "name": name, "address": _trigger_address(pk)} for at, name, pk in started]


def _trigger_address(pk: int) -> str:
    return reverse("admin:jobs_trigger_change", args=[pk])
