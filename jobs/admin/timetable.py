"""When a trigger starts by itself, in a reader's words."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from jobs.models import Recurrence, Trigger


def words(trigger: Trigger) -> str:
    """``every 5 minutes``, ``at 3:05 each Monday (Europe/Budapest)``; "" for one that somebody has to start."""
    recurrence = recurrence_of(trigger)
    if recurrence is None:
        return ""
    task = recurrence.periodic_task
    said = _task_words(task)
    return said if task.enabled else _("%(times)s (paused)") % {"times": said}


def recurrence_of(trigger: Trigger) -> Recurrence | None:
    """The trigger's times, if it has any."""
    found: Recurrence | None = getattr(trigger, "recurrence", None)
    return found


def _task_words(task: PeriodicTask) -> str:
    if task.interval is not None:
        return interval_words(task.interval)
    if task.crontab is not None:
        return f"{crontab_words(task.crontab)} ({task.crontab.timezone})"
    return str(task.schedule)


def interval_words(interval: IntervalSchedule) -> str:
    """An interval with its unit."""
    every = interval.every
    match interval.period:
        case IntervalSchedule.DAYS:
            text = ngettext("every day", "every %(count)d days", every)
        case IntervalSchedule.HOURS:
            text = ngettext("every hour", "every %(count)d hours", every)
        case IntervalSchedule.MINUTES:
            text = ngettext("every minute", "every %(count)d minutes", every)
        case _other:
            text = ngettext("every second", "every %(count)d seconds", every)
    return text % {"count": every}


def crontab_words(crontab: CrontabSchedule) -> str:
    """The usual crontabs in words, any other as its five fields."""
    minute, hour, day, month, weekday = _fields(crontab)
    if month == "*" and (day == "*" or weekday == "*"):
        if minute.isdecimal() and hour.isdecimal():
            return _at_a_time(f"{int(hour)}:{int(minute):02}", day, weekday) or _raw(crontab)
        if day == weekday == "*":
            return _within_a_day(minute, hour) or _raw(crontab)
    return _raw(crontab)


def _within_a_day(minute: str, hour: str) -> str:
    step = minute.removeprefix("*/")
    if hour == "*" and (minute == "*" or step != minute):
        number = 1 if minute == "*" else int(step) if step.isdecimal() else 0
        text = ngettext("every minute", "every %(count)d minutes", number)
        # A step that does not fit into an hour begins anew with each.
        return text % {"count": number} if number and 60 % number == 0 else ""
    if hour == "*" and minute.isdecimal():
        return _("each hour at minute %(minute)d") % {"minute": int(minute)}
    return ""


def _at_a_time(clock: str, day: str, weekday: str) -> str:
    days: dict[str, Any] = {
        "0": _("Sunday"), "1": _("Monday"), "2": _("Tuesday"), "3": _("Wednesday"), "4": _("Thursday"),
        "5": _("Friday"), "6": _("Saturday"), "7": _("Sunday"),
    }  # fmt: skip
    if day == weekday == "*":
        return _("each day at %(clock)s") % {"clock": clock}
    if weekday in ("1-5", "mon-fri"):
        return _("on weekdays at %(clock)s") % {"clock": clock}
    if weekday in days:
        return _("%(weekday)s at %(clock)s") % {"weekday": days[weekday], "clock": clock}
    if day.isdecimal():
        return _("on day %(day)d of each month at %(clock)s") % {"day": int(day), "clock": clock}
    return ""


def _raw(crontab: CrontabSchedule) -> str:
    return " ".join(_fields(crontab))


def _fields(crontab: CrontabSchedule) -> tuple[str, str, str, str, str]:
    return (
        crontab.minute.replace(" ", ""),
        crontab.hour.replace(" ", ""),
        crontab.day_of_month.replace(" ", ""),
        crontab.month_of_year.replace(" ", ""),
        crontab.day_of_week.replace(" ", "").lower(),
    )
