"""Triggers: what can be started by name, when it starts by itself, and starting it now."""

from typing import Any

from django.contrib import admin
from django.contrib import messages as notices
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelect2MultipleWidget

from gateway.console import audit, labels
from gateway.console.filters import number_in
from gateway.console.paging import CappedList, CappedPaginator
from gateway.errors import Refusal
from jobs import recurring, services
from jobs.admin import firings, timetable, wording
from jobs.admin.jobs import OPERATE
from jobs.admin.starting import StartForm
from jobs.admin.trigger_forms import CRON_FIELDS, TIME_FIELDS, TriggerForm
from jobs.models import Job, Trigger, TriggerFiring

_MOST_FIRINGS = 10


@admin.register(Trigger)
class TriggerAdmin(ModelAdmin):
    """Made and changed with their times in one form; started from their own page."""

    form = TriggerForm
    list_display = ("name", "kind", "is_enabled", "times", "next_time", "last_firing", "start_now")
    list_filter = ("is_enabled",)
    list_select_related = ("recurrence__periodic_task__crontab", "recurrence__periodic_task__interval")
    search_fields = ("name__icontains", "description__icontains", "job_class__icontains")
    list_per_page = 50
    paginator = CappedPaginator
    show_full_result_count = False
    list_max_show_all = 0
    ordering = ("name",)
    sortable_by = ()
    change_form_template = "console/trigger.html"
    compressed_fields = True
    conditional_fields = {
        **dict.fromkeys((*CRON_FIELDS, "zone"), "recurs == 'crontab'"),
        **dict.fromkeys(("every", "period"), "recurs == 'interval'"),
        **dict.fromkeys(("is_recurring", "start_at", "end_at", "overlap", "missed"), "recurs"),
    }
    _what = (None, {"fields": ("name", "description", "job_class", "params", "legs", "is_enabled", "clients")})
    _looked_at = (
        None,
        {"fields": ("name", "description", "job_class", "params_lines", "legs_line", "is_enabled", "clients")},
    )
    fieldsets = (
        _what,
        (
            _("When it starts by itself"),
            {"fields": TIME_FIELDS},
        ),
    )

    class Media:
        js = ("console/preview.js",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Trigger]:
        rows: QuerySet[Trigger] = super().get_queryset(request)
        last = TriggerFiring.objects.filter(trigger=OuterRef("pk")).order_by("-slot")
        return rows.annotate(
            last_slot=Subquery(last.values("slot")[:1]), last_decision=Subquery(last.values("decision")[:1])
        )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CappedList]:
        return CappedList

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "clients":
            kwargs["widget"] = UnfoldAdminSelect2MultipleWidget()
            kwargs["help_text"] = db_field.help_text
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Trigger | None = None) -> Any:
        may_edit = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        return self.fieldsets if may_edit else (self._looked_at,)

    def get_readonly_fields(self, request: HttpRequest, obj: Trigger | None = None) -> tuple[str, ...]:
        # Clients send the name: a trigger is not renamed under them.
        return ("name", "params_lines", "legs_line") if obj else ()

    def get_list_display(self, request: HttpRequest) -> list[str]:
        may_operate = request.user.has_perm(OPERATE)
        return [name for name in self.list_display if may_operate or name != "start_now"]

    @admin.display(description=_("Parameters"), empty_value="–")
    def params_lines(self, trigger: Trigger) -> SafeString | None:
        lines = format_html_join("\n", "{}={}", trigger.params)
        return format_html('<pre class="console-text">{}</pre>', lines) if lines else None

    @admin.display(description=_("Legs"), empty_value="–")
    def legs_line(self, trigger: Trigger) -> str | None:
        return ", ".join(map(str, trigger.legs)) or None

    @admin.display(description=_("Job class"))
    def kind(self, trigger: Trigger) -> SafeString:
        return format_html('<span title="{}">{}</span>', trigger.job_class, wording.short(trigger.job_class))

    @admin.display(description=_("Starts"), empty_value="–")
    def times(self, trigger: Trigger) -> str | None:
        return timetable.words(trigger) or None

    @admin.display(description=_("Next time"), empty_value="–")
    def next_time(self, trigger: Trigger) -> str | None:
        recurrence = timetable.recurrence_of(trigger)
        if recurrence is None or not trigger.is_enabled:
            return None
        return labels.moment(recurrence.next_slot_at) if recurrence.next_slot_at else None

    @admin.display(description=_("Last firing"), empty_value="–")
    def last_firing(self, trigger: Any) -> SafeString | None:
        if trigger.last_slot is None:
            return None
        return format_html("{} {}", labels.moment(trigger.last_slot), firings.decision(trigger.last_decision))

    @admin.display(description=_("Action"), empty_value="–")
    def start_now(self, trigger: Trigger) -> SafeString | None:
        if not trigger.is_enabled:
            return None
        link = {"title": gettext("Start now"), "icon": "play_circle", "path": _start_address(trigger)}
        return render_to_string("console/row_links.html", {"links": [link]})

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("preview/", view(self.preview), name="jobs_trigger_preview"),
            path("<int:pk>/start/", view(self.start), name="jobs_trigger_start"),
            *super().get_urls(),
        ]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        form.keep_times()

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        # Its firings go with it, which nobody may delete alone.
        deleted, counts, _permissions, protected = super().get_deleted_objects(objs, request)
        return deleted, counts, set(), protected

    def delete_model(self, request: HttpRequest, obj: Trigger) -> None:
        recurring.unschedule(trigger=obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Trigger]) -> None:
        for trigger in queryset:
            recurring.unschedule(trigger=trigger)
        super().delete_queryset(request, queryset)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """A trigger with its next times and its last firings."""
        trigger = self.get_object(request, object_id) if object_id else None
        more: dict[str, Any] = {"trigger": trigger, "offered": self._offered(request, trigger)}
        if trigger is not None and self.has_view_permission(request, trigger):
            recurrence = timetable.recurrence_of(trigger)
            last = trigger.firings.order_by("-slot")[:_MOST_FIRINGS]
            more |= {
                "recurrence": recurrence,
                "words": timetable.words(trigger),
                "next_times": _worded(recurring.preview(recurrence)) if recurrence else [],
                "firings": [
                    (labels.moment(firing.slot), firings.decision(firing.decision), firing.reason, firing.job_id)
                    for firing in last
                ],
            }
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **more})

    @staticmethod
    def _offered(request: HttpRequest, trigger: Trigger | None) -> list[dict[str, Any]]:
        if trigger is None or not trigger.is_enabled or not request.user.has_perm(OPERATE):
            return []
        return [{"title": gettext("Start now"), "icon": "play_circle", "path": _start_address(trigger)}]

    def preview(self, request: HttpRequest) -> HttpResponse:
        """The next ten times of what the form says, or what is wrong with it; nothing is saved."""
        if not (self.has_change_permission(request) or self.has_add_permission(request)):
            raise PermissionDenied
        known = number_in(request.GET.get("trigger"))
        form = TriggerForm(request.POST, instance=Trigger.objects.filter(pk=known).first() if known else None)
        form.full_clean()
        context = {
            "next_times": _worded(form.next_times()),
            "problems": [
                f"{form.fields[name].label}: {problem}"
                for name in TIME_FIELDS
                for problem in form.errors.get(name, [])
            ],
            "recurs": form.cleaned_data.get("recurs"),
        }  # fmt: skip
        return TemplateResponse(request, "console/trigger_times.html", context)

    def start(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for parameters, legs and a reason, and then start the trigger's job."""
        if not (self.has_view_permission(request) and request.user.has_perm(OPERATE)):
            raise PermissionDenied
        trigger = Trigger.objects.filter(pk=pk).first()
        if trigger is None:
            raise Http404
        back = reverse("admin:jobs_trigger_change", args=[pk])
        try:
            form = StartForm(trigger, request.POST if request.method == "POST" else None)
        except Refusal as refusal:
            notices.error(request, str(refusal))
            return HttpResponseRedirect(back)
        status = 200
        if request.method == "POST":
            job = self._start(request, trigger, form) if form.is_valid() else None
            if job is not None:
                notices.success(request, gettext("Job %(job)d was started.") % {"job": job.pk})
                return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[job.pk]))
            status = 409
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Start now"),
            "trigger": trigger,
            "form": form,
            "back": back,
        }
        return TemplateResponse(request, "console/start_job.html", context, status=status)

    @staticmethod
    def _start(request: HttpRequest, trigger: Trigger, form: StartForm) -> Job | None:
        reason = form.cleaned_data["reason"]
        try:
            with transaction.atomic():
                job = services.trigger_job(
                    caller=audit.caller(request),
                    name=trigger.name,
                    leg_ids=form.cleaned_data.get("legs", ()),
                    params=form.params,
                    reason=reason,
                )
                audit.record(request, [trigger], f"start: {reason}")
                audit.record(request, [job], f"start: {reason}")
        except Refusal as refusal:
            form.tell(refusal)
            return None
        return job


def _start_address(trigger: Trigger) -> str:
    return reverse("admin:jobs_trigger_start", args=[trigger.pk])


def _worded(times: list[Any]) -> list[str]:
    return [labels.moment(time) for time in times]
