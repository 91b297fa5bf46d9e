"""Templates: their versions, and whether letters of this kind go out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminSelect2MultipleWidget, UnfoldAdminTextareaWidget

from gateway.caller import Caller
from gateway.console import audit, labels
from gateway.console.confirming import Question, ask
from gateway.errors import Refusal
from sending import editorial
from sending.admin import wording
from sending.admin.exchange_pages import ExchangePages
from sending.models import Template, TemplateVersion
from sending.states import TemplateStatus, VersionStatus
from sending.templating import TemplateError


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of a template's status: when it is offered and what it means to letters."""

    verb: str
    title: Any
    text: Any
    icon: str
    variant: str
    sources: frozenset[TemplateStatus]
    # Makes the change and says what it does to letters; "" when nothing.
    run: Callable[[Caller, int, str], str]


def _suspend(caller: Caller, template_id: int, reason: str) -> str:
    count = editorial.suspend_template(caller=caller, template_id=template_id, reason=reason)
    return gettext("Messages held: %(count)d.") % {"count": count}


def _enable(caller: Caller, template_id: int, reason: str) -> str:
    job = editorial.enable_template(caller=caller, template_id=template_id, reason=reason)
    return gettext("Job %(id)d lets go the messages it held.") % {"id": job.pk} if job else ""


def _disable(caller: Caller, template_id: int, reason: str) -> str:
    editorial.disable_template(template_id=template_id)
    return ""


def _archive(caller: Caller, template_id: int, reason: str) -> str:
    editorial.archive_template(template_id=template_id)
    return ""


_CHANGES = {
    change.verb: change
    for change in (
        Change(
            verb="enable",
            title=_("Enable"),
            text=_("Letters of this type are taken, and those it held go out."),
            icon="play_circle",
            variant="primary",
            sources=frozenset(TemplateStatus) - {TemplateStatus.ENABLED},
            run=_enable,
        ),
        Change(
            verb="suspend",
            title=_("Suspend"),
            text=_("Letters of this type are taken but held, those that wait already too."),
            icon="pause_circle",
            variant="default",
            sources=frozenset({TemplateStatus.ENABLED}),
            run=_suspend,
        ),
        Change(
            verb="disable",
            title=_("Disable"),
            text=_("New letters of this type are refused. What waits goes out; what is held stays held."),
            icon="block",
            variant="danger",
            sources=frozenset(TemplateStatus) - {TemplateStatus.DISABLED},
            run=_disable,
        ),
        Change(
            verb="archive",
            title=_("Archive"),
            text=_("New letters of this type are refused and the template leaves the lists."),
            icon="archive",
            variant="default",
            sources=frozenset(TemplateStatus) - {TemplateStatus.ARCHIVED},
            run=_archive,
        ),
    )
}


class VersionInline(TabularInline):
    """The history, the newest first; versions are worked on at their own pages."""

    model = TemplateVersion
    fields = ("link", "state", "headline", "author", "created_at")
    readonly_fields = fields
    ordering = ("-version",)
    per_page = 20
    can_delete = False
    hide_title = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("Version"))
    def link(self, version: TemplateVersion) -> SafeString:
        address = reverse("admin:sending_templateversion_change", args=[version.pk])
        return format_html('<a href="{}" class="console-link">{}</a>', address, f"v{version.version}")

    @admin.display(description=_("Status"), ordering="status")
    def state(self, version: TemplateVersion) -> SafeString:
        status = VersionStatus(version.status)
        return labels.label(wording.VERSION_STATUSES[status], wording.VERSION_COLOURS[status])

    @admin.display(description=_("Subject"))
    def headline(self, version: TemplateVersion) -> str:
        return version.subject if len(version.subject) <= 80 else f"{version.subject[:79]}…"


@admin.register(Template)
class TemplateAdmin(ExchangePages):
    """Name, who may use it, status by its own buttons, versions."""

    list_display = ("name", "state", "description", "updated_at")
    list_filter = ("status",)
    search_fields = ("name", "description")
    fields = ("name", "description", "clients", "state")
    readonly_fields = ("state",)
    inlines = (VersionInline,)
    change_form_template = "console/template.html"
    compressed_fields = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Template]:
        rows: QuerySet[Template] = super().get_queryset(request)
        is_list = (
            request.resolver_match is not None and request.resolver_match.url_name == "sending_template_changelist"
        )
        if is_list and "status__exact" not in request.GET and "q" not in request.GET:
            return rows.exclude(status=TemplateStatus.ARCHIVED)
        return rows

    def get_fields(self, request: HttpRequest, obj: Template | None = None) -> tuple[str, ...]:
        return self.fields if obj else self.fields[:-1]

    def get_readonly_fields(self, request: HttpRequest, obj: Template | None = None) -> tuple[str, ...]:
        # Clients send the name: a letter template is not renamed under them.
        return ("name", *self.readonly_fields) if obj else self.readonly_fields

    def get_inlines(self, request: HttpRequest, obj: Template | None) -> tuple[type[TabularInline], ...]:
        return self.inlines if obj else ()

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "clients":
            kwargs["widget"] = UnfoldAdminSelect2MultipleWidget()
            kwargs["help_text"] = _("Who may send letters of this type; empty means every client.")
        if db_field.name == "description":
            kwargs["widget"] = UnfoldAdminTextareaWidget(attrs={"rows": 2})
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Template | None = None) -> bool:
        return False

    @admin.display(description=_("Status"), ordering="status")
    def state(self, template: Template) -> SafeString:
        status = TemplateStatus(template.status)
        return labels.label(wording.TEMPLATE_STATUSES[status], wording.TEMPLATE_COLOURS[status])

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.change_status)
        return [path("<int:pk>/status/<str:verb>/", view, name="sending_template_status"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The template with the changes of status that are possible now."""
        template = self.get_object(request, object_id)
        if template is not None and self.has_change_permission(request, template):
            extra_context = {**(extra_context or {}), "offered": self._offered(request, template)}
        return super().change_view(request, object_id, form_url, extra_context)

    @staticmethod
    def _offered(request: HttpRequest, template: Template) -> list[dict[str, Any]]:
        links = [
            {
                "title": change.title,
                "icon": change.icon,
                "variant": change.variant,
                "path": reverse("admin:sending_template_status", args=[template.pk, change.verb]),
            }
            for change in _CHANGES.values()
            if template.status in change.sources
        ]
        if request.user.has_perm("sending.add_templateversion"):
            address = f"{reverse('admin:sending_templateversion_add')}?template={template.pk}"
            links.append({"title": _("New version"), "icon": "add", "variant": "default", "path": address})
        return links

    def change_status(self, request: HttpRequest, pk: int, verb: str) -> HttpResponse:
        """Ask why, and then change the template's status."""
        template = Template.objects.filter(pk=pk).first()
        if verb not in _CHANGES or template is None:
            raise Http404
        if not self.has_change_permission(request, template):
            raise PermissionDenied
        change = _CHANGES[verb]

        def act(reason: str) -> str:
            effect = change.run(audit.caller(request), pk, reason)
            status = wording.TEMPLATE_STATUSES[TemplateStatus(Template.objects.get(pk=pk).status)]
            return f"{template.name}: {status}. {effect}".rstrip()

        question = Question(
            verb=verb,
            title=change.title,
            text=change.text,
            variant=change.variant,
            subjects=[template],
            total=1,
            target=reverse("admin:sending_template_status", args=[pk, verb]),
            back=reverse("admin:sending_template_change", args=[pk]),
        )
        return ask(
            self, request, question, act if request.method == "POST" else None, refusals=(Refusal, TemplateError)
        )
