"""The pages of packages' tables, in the console's own look, and the audit trail."""

from typing import Any

from axes.admin import AccessAttemptAdmin
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django_celery_beat import admin as beat
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from gateway.console.filters import OlderFilter, number_in
from gateway.console.read_only import ReadOnlyAdmin
from jobs.models import Recurrence

admin.site.index_title = _("Overview")

for model in (
    User,
    Group,
    AccessAttempt,
    AccessFailureLog,
    AccessLog,
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg]
    """People who use the console or call through a client."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):
    """Roles: what their members may do."""


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    """Who did or read what in the console; kept, never changed here."""

    list_display = ("action_time", "user", "kind", "content_type", "subject", "what")
    list_display_links = None
    list_filter = ("action_flag", OlderFilter, ("user", admin.RelatedOnlyFieldListFilter))
    search_fields = ("object_id__exact", "object_repr__startswith", "user__username__exact")
    search_help_text = _("The id or name of what it was done to, or a whole user name")
    list_select_related = ("user", "content_type")
    list_per_page = 50
    ordering = ("-id",)
    sortable_by = ()

    @display(description=_("Kind"), label={"add": "success", "change": "info", "delete": "danger", "read": "warning"})
    def kind(self, entry: LogEntry) -> tuple[str, str]:
        if entry.change_message.startswith("read: "):
            return "read", gettext("Read")
        return {
            ADDITION: ("add", gettext("Added")),
            CHANGE: ("change", gettext("Changed")),
            DELETION: ("delete", gettext("Deleted")),
        }[entry.action_flag]

    @admin.display(description=pgettext_lazy("of an action", "Subject"))
    def subject(self, entry: LogEntry) -> str:
        try:
            address = entry.get_admin_url()
        except NoReverseMatch:
            address = None
        if not address or entry.action_flag == DELETION:
            return entry.object_repr
        return format_html('<a href="{}" class="console-link">{}</a>', address, entry.object_repr)

    @admin.display(description=_("What"))
    def what(self, entry: LogEntry) -> str:
        return entry.get_change_message()


@admin.register(AccessAttempt)
class AttemptAdmin(AccessAttemptAdmin, ModelAdmin):
    """Failed logins that count towards a lock; deleting one lets the person try again."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class TaskSelectWidget(UnfoldAdminSelectWidget, beat.TaskSelectWidget):
    """The registered tasks, in the console's look."""


class PeriodicTaskForm(beat.PeriodicTaskForm):
    """The package's form with the console's inputs."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = TaskSelectWidget()


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(beat.PeriodicTaskAdmin, ModelAdmin):
    """What beat does and when; a trigger's own times are looked at and changed at the trigger."""

    form = PeriodicTaskForm

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The task, or the page of the trigger whose times it holds."""
        owned = Recurrence.objects.filter(periodic_task_id=number_in(object_id))
        trigger_id = owned.values_list("trigger_id", flat=True).first()
        if trigger_id is not None and request.user.has_perm("jobs.view_trigger"):
            return HttpResponseRedirect(reverse("admin:jobs_trigger_change", args=[trigger_id]))
        answer: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
        return answer


@admin.register(IntervalSchedule)
class IntervalScheduleAdmin(ModelAdmin):
    """Every so often."""


@admin.register(CrontabSchedule)
class CrontabScheduleAdmin(beat.CrontabScheduleAdmin, ModelAdmin):
    """At times of the clock and the calendar."""


@admin.register(SolarSchedule)
class SolarScheduleAdmin(ModelAdmin):
    """By the sun."""


@admin.register(ClockedSchedule)
class ClockedScheduleAdmin(beat.ClockedScheduleAdmin, ModelAdmin):
    """Once."""
