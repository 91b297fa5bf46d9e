"""A trigger with its times in one form; every problem is told at its field."""

from functools import cache
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from gateway.console.fields import LinesField, PairsField
from gateway.errors import Code, Refusal
from jobs import callbacks, recurring
from jobs.admin import timetable, wording
from jobs.models import Recurrence, Trigger
from jobs.params import LEGS, keys, merged, parse
from jobs.registry import job_classes
from jobs.states import Missed, Overlap
from jobs.timing import Times

CRON_FIELDS = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
# In the order in which they stand in the form.
TIME_FIELDS = (
    "recurs",
    *CRON_FIELDS,
    "zone",
    "every",
    "period",
    "start_at",
    "end_at",
    "overlap",
    "missed",
    "is_recurring",
)
_BY_HAND, _CRONTAB, _INTERVAL = "", "crontab", "interval"
_PERIODS = (
    (IntervalSchedule.SECONDS, _("seconds")),
    (IntervalSchedule.MINUTES, _("minutes")),
    (IntervalSchedule.HOURS, _("hours")),
    (IntervalSchedule.DAYS, _("days")),
)


@cache
def _zones() -> list[tuple[str, str]]:
    return [(name, name) for name in sorted(available_timezones())]


def _cron(label: Any, help_text: Any = "") -> forms.CharField:
    return forms.CharField(
        label=label, required=False, initial="*", max_length=200, help_text=help_text, widget=UnfoldAdminTextInputWidget
    )


class TriggerForm(forms.ModelForm):  # type: ignore[type-arg]
    """What is started, and when it starts by itself."""

    job_class = forms.ChoiceField(label=_("Job class"), widget=UnfoldAdminSelectWidget)
    params = PairsField(
        label=_("Parameters"),
        required=False,
        help_text=_("One key=value a line; a line that begins with a space goes on with the value above."),
    )
    legs = LinesField(
        label=_("Legs"), required=False, help_text=_("The ids of its parts, one a line: all are run, or those chosen.")
    )
    recurs = forms.ChoiceField(
        label=_("Starts"),
        required=False,
        choices=(
            (_BY_HAND, _("only when somebody starts it")),
            (_CRONTAB, _("at times of the clock")),
            (_INTERVAL, _("at intervals")),
        ),
        widget=UnfoldAdminSelectWidget,
    )
    is_recurring = forms.BooleanField(
        label=_("Its times are on"), required=False, initial=True, widget=UnfoldBooleanSwitchWidget
    )
    minute = _cron(_("Minute"), _("0 to 59; * is each, */15 every fifteenth, 0,30 both, 10-20 all of these"))
    hour = _cron(_("Hour"), _("0 to 23"))
    day_of_month = _cron(_("Day of the month"), _("1 to 31; where a day of the week is given too, both must fit"))
    month_of_year = _cron(_("Month"), _("1 to 12"))
    day_of_week = _cron(_("Day of the week"), _("0 or 7 is Sunday, 1 Monday; 1-5 are the weekdays"))
    zone = forms.ChoiceField(
        label=_("Time zone"),
        required=False,
        initial=settings.TIME_ZONE,
        choices=_zones,
        widget=UnfoldAdminSelectWidget,
        help_text=_(
            "Daylight saving: a time that the clock leaps over is due right after the gap, one that comes twice is due "
            "once, at the first. Where the minute or hour is a star or a step of it, each moment that fits is due, "
            "also in the hour that comes twice."
        ),
    )
    every = forms.IntegerField(
        label=_("Every"), required=False, min_value=1, max_value=1_000_000, widget=UnfoldAdminIntegerFieldWidget
    )
    period = forms.ChoiceField(
        label=_("Unit"),
        required=False,
        choices=_PERIODS,
        initial=IntervalSchedule.MINUTES,
        widget=UnfoldAdminSelectWidget,
        help_text=_("Time that has passed, counted from the start; daylight saving does not touch it."),
    )
    start_at = forms.SplitDateTimeField(
        label=_("Not before"), required=False, widget=UnfoldAdminSplitDateTimeWidget, require_all_fields=True
    )
    end_at = forms.SplitDateTimeField(
        label=_("Not from then on"), required=False, widget=UnfoldAdminSplitDateTimeWidget, require_all_fields=True
    )
    overlap = forms.ChoiceField(
        label=_("While one is still open"),
        required=False,
        initial=Overlap.SKIP.value,
        choices=[(overlap.value, words) for overlap, words in wording.OVERLAPS.items()],
        widget=UnfoldAdminRadioSelectWidget,
    )
    missed = forms.ChoiceField(
        label=_("Times that were missed"),
        required=False,
        initial=Missed.ONCE.value,
        choices=[(missed.value, words) for missed, words in wording.MISSED.items()],
        widget=UnfoldAdminRadioSelectWidget,
    )

    class Meta:
        model = Trigger
        fields = ("name", "description", "job_class", "params", "legs", "is_enabled", "clients")
        widgets = {"description": UnfoldAdminTextareaWidget(attrs={"rows": 2})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.times: Times | None = None
        self._task: PeriodicTask | None = None
        self._recurrence = timetable.recurrence_of(self.instance) if self.instance.pk else None
        if "job_class" in self.fields:
            chosen: forms.ChoiceField = self.fields["job_class"]  # type: ignore[assignment]
            chosen.choices = [("", "–"), *((name, name) for name in job_classes())]
        if self._recurrence is not None:
            self.initial = {**self.initial, **_initial(self._recurrence)}

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        self._clean_times(data)
        if data.get("job_class") and "params" in data and "legs" in data:
            self._clean_params(data)
        return data

    def _clean_params(self, data: dict[str, Any]) -> None:
        model = job_classes()[data["job_class"]].Params
        pairs, legs = [(key, value) for key, value in data["params"]], data["legs"]
        if legs and LEGS not in keys(model):
            self.add_error("legs", ValidationError(_("this job class has no legs")))
        elif legs:
            pairs = merged(pairs, [(LEGS, ",".join(legs))])
        if any("," in leg for leg in legs):
            self.add_error("legs", ValidationError(_("a leg's id has no comma")))
        if len(set(legs)) < len(legs):
            self.add_error("legs", ValidationError(_("each leg once")))
        for problem in callbacks.problems(pairs):
            self.add_error("params", ValidationError(problem.detail.removeprefix("params.")))
        try:
            parse(model, pairs)
        except Refusal as refusal:
            for problem in refusal.problems:
                # Who starts it by hand may add what is missing; what starts by itself has nobody to ask.
                if problem.code != Code.REQUIRED or data.get("recurs"):
                    self.add_error("params", ValidationError(problem.detail.removeprefix("params.")))

    def _clean_times(self, data: dict[str, Any]) -> None:
        recurs, start, end = data.get("recurs"), data.get("start_at"), data.get("end_at")
        if not recurs:
            return
        if start and end and end <= start:
            self.add_error("end_at", ValidationError(_("must be later than the start")))
        task = PeriodicTask(start_time=start, expires=end, enabled=bool(data.get("is_recurring")))
        if recurs == _CRONTAB:
            task.crontab = self._crontab(data)
            where = "minute"
        else:
            if "every" in data and not data["every"]:
                self.add_error("every", ValidationError(_("This field is required."), code="required"))
            task.interval = IntervalSchedule(every=data.get("every") or 1, period=data.get("period") or "minutes")
            where = "every"
        if self.errors.keys() & TIME_FIELDS:
            return
        anchor = self._recurrence.created_at if self._recurrence else timezone.now()
        try:
            times = Times.of(task, anchor=anchor)
            times.check()
        except ValueError as error:
            self.add_error(where, ValidationError(str(error)))
        else:
            self.times, self._task = times, task

    def _crontab(self, data: dict[str, Any]) -> CrontabSchedule:
        columns = {name: (data.get(name) or "*").replace(" ", "") for name in CRON_FIELDS}
        zone = ZoneInfo(data.get("zone") or settings.TIME_ZONE)
        crontab = CrontabSchedule(**columns, timezone=zone)
        try:
            crontab.full_clean(validate_unique=False)
        except ValidationError as error:
            for name, problems in error.error_dict.items():
                self.add_error(name if name in CRON_FIELDS else "zone", problems)
        return crontab

    def next_times(self) -> list[Any]:
        """The ten next times of what the form says now, whether saved or not."""
        return list(islice(self.times.after(timezone.now()), 10)) if self.times else []

    def keep_times(self) -> None:
        """Make the trigger's times what the form says; for a form that is valid and saved. Where nothing about them was
        changed they stay as planned, with what is still to be made up for."""
        if not set(self.changed_data) & set(TIME_FIELDS):
            return
        task = self._task
        if task is None:
            recurring.unschedule(trigger=self.instance)
            return
        data = self.cleaned_data
        recurring.schedule(
            trigger=self.instance,
            crontab=_kept(task.crontab, (*CRON_FIELDS, "timezone")) if task.crontab else None,
            interval=_kept(task.interval, ("every", "period")) if task.interval else None,
            start=task.start_time,
            end=task.expires,
            is_enabled=task.enabled,
            overlap=Overlap(data.get("overlap") or Overlap.SKIP),
            missed=Missed(data.get("missed") or Missed.ONCE),
        )


def _kept(wanted: Any, names: tuple[str, ...]) -> Any:
    """Beat's row that says the same: the one there is, or a new one."""
    columns = {name: getattr(wanted, name) for name in names}
    rows = type(wanted).objects
    return rows.filter(**columns).first() or rows.create(**columns)


def _initial(recurrence: Recurrence) -> dict[str, Any]:
    task = recurrence.periodic_task
    initial: dict[str, Any] = {
        "recurs": _CRONTAB if task.crontab else _INTERVAL,
        "is_recurring": task.enabled,
        "start_at": task.start_time,
        "end_at": task.expires,
        "overlap": recurrence.overlap,
        "missed": recurrence.missed,
    }
    if task.crontab:
        initial |= {name: getattr(task.crontab, name) for name in CRON_FIELDS}
        initial["zone"] = str(task.crontab.timezone)
    if task.interval:
        initial |= {"every": task.interval.every, "period": task.interval.period}
    return initial
