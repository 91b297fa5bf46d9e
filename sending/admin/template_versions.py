"""Versions of templates: drafts written and checked, previewed on sample data, enabled for good, retired."""

from typing import Any

from django.contrib import admin
from django.contrib import messages as notices
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from gateway.console import audit, labels
from gateway.console.confirming import Question, ask
from gateway.console.filters import number_in
from gateway.errors import Refusal
from sending import editorial
from sending.admin import wording
from sending.admin.version_forms import SampleField, VersionForm
from sending.admin.version_pages import VersionPages
from sending.models import TemplateVersion
from sending.states import VersionStatus
from sending.templating import TemplateError

_CODE = {"class": "console-code", "spellcheck": "false"}
_SAMPLE = {"recipientName": "Teszt Elek", "properties": {}, "xmlData": {}}


@admin.register(TemplateVersion)
class TemplateVersionAdmin(VersionPages):
    """Drafts alone may be edited: what was enabled once never changes."""

    form = VersionForm
    list_display = ("__str__", "state", "subject", "author", "created_at")
    list_filter = ("status", "template")
    list_select_related = ("template",)
    search_fields = ("template__name", "subject")
    ordering = ("-id",)
    fields = ("template", "state", "subject", "text", "html", "list_unsubscribe", "letter", "sample")
    readonly_fields = ("state",)
    change_form_template = "console/template_version.html"
    compressed_fields = False

    @admin.display(description=_("Status"), ordering="status")
    def state(self, version: TemplateVersion) -> SafeString:
        status = VersionStatus(version.status)
        return labels.label(wording.VERSION_STATUSES[status], wording.VERSION_COLOURS[status])

    def has_change_permission(self, request: HttpRequest, obj: TemplateVersion | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.status == VersionStatus.DRAFT)

    def has_delete_permission(self, request: HttpRequest, obj: TemplateVersion | None = None) -> bool:
        # Discarding a draft is an editor's everyday business; several at once, or what was in use, never.
        return obj is not None and obj.status == VersionStatus.DRAFT and super().has_delete_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: TemplateVersion | None = None) -> tuple[str, ...]:
        return ("template", *self.readonly_fields) if obj else self.readonly_fields

    def get_fields(self, request: HttpRequest, obj: TemplateVersion | None = None) -> tuple[str, ...]:
        return self.fields if obj else tuple(name for name in self.fields if name != "state")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in ("text", "html", "letter", "sample"):
            kwargs["widget"] = UnfoldAdminTextareaWidget(
                attrs={**_CODE, "rows": 6 if db_field.name == "sample" else 14}
            )
        if db_field.name == "sample":
            kwargs["form_class"] = SampleField
        if db_field.name == "subject":
            kwargs["widget"] = UnfoldAdminTextInputWidget(attrs=_CODE)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A new version begins with the words of an older one: that of ``from``, else the template's newest."""
        versions = TemplateVersion.objects.order_by("-version")
        base, template = request.GET.get("from", ""), request.GET.get("template", "")
        old = None
        if (number := number_in(base)) is not None:
            old = versions.filter(pk=number).first()
        elif (number := number_in(template)) is not None:
            old = versions.filter(template=number).first()
        if old is None:
            return {"template": template, "sample": _SAMPLE}
        return {"template": old.template_id} | {name: getattr(old, name) for name in editorial.WORDS}

    def save_model(self, request: HttpRequest, obj: TemplateVersion, form: Any, change: bool) -> None:
        words = {name: form.cleaned_data[name] for name in editorial.WORDS}
        caller = audit.caller(request)
        if change:
            editorial.edit_draft(caller=caller, version_id=obj.pk, words=words)
        else:
            created = editorial.create_version(caller=caller, template_id=obj.template_id, words=words)
            obj.pk, obj.version, obj.status = created.pk, created.version, created.status
        self._warn(request, obj)

    @staticmethod
    def _warn(request: HttpRequest, version: TemplateVersion) -> None:
        try:
            for sentence in editorial.doubts(version):
                notices.warning(request, sentence)
        except TemplateError as error:
            notices.warning(request, str(error))

    def delete_model(self, request: HttpRequest, obj: TemplateVersion) -> None:
        editorial.discard_draft(version_id=obj.pk)

    def response_add(
        self, request: HttpRequest, obj: TemplateVersion, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._to_preview(request, obj) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: TemplateVersion) -> HttpResponse:
        return self._to_preview(request, obj) or super().response_change(request, obj)

    @staticmethod
    def _to_preview(request: HttpRequest, version: TemplateVersion) -> HttpResponse | None:
        """What was saved is looked at next, unless it is written on."""
        if "_continue" in request.POST:
            return None
        notices.success(request, gettext("%(version)s saved.") % {"version": version})
        return HttpResponseRedirect(reverse("admin:sending_templateversion_preview", args=[version.pk]))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            *self.page_urls(),
            path("<int:pk>/enable/", view(self.enable), name="sending_templateversion_enable"),
            path("<int:pk>/retire/", view(self.retire), name="sending_templateversion_retire"),
            *super().get_urls(),
        ]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        extra_context = {**(extra_context or {}), "show_save_and_add_another": False}
        return super().changeform_view(request, object_id, form_url, extra_context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A draft to edit, or a version to look at, with what may be done to it now."""
        version = self.get_object(request, object_id)
        if version is not None:
            extra_context = {**(extra_context or {}), "offered": self.offered(request, version)}
        return super().change_view(request, object_id, form_url, extra_context)

    def enable(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Let letters use the draft; it never changes again."""
        return self._confirm(
            request, pk, "enable", _("Enable"), _("Letters may use this version. It never changes again.")
        )

    def retire(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take no new letters with the version."""
        text = _("New letters cannot use this version. What was accepted with it still goes out.")
        return self._confirm(request, pk, "retire", _("Retire"), text)

    def _confirm(self, request: HttpRequest, pk: int, verb: str, title: Any, text: Any) -> HttpResponse:
        version = self.version_for(request, pk, to_edit=True)

        def act(reason: str) -> str:
            if verb == "enable":
                editorial.enable_version(version_id=pk)
            else:
                editorial.retire_version(version_id=pk)
            return f"{version}: {title}"

        question = Question(
            verb=verb,
            title=title,
            text=text,
            subjects=[version],
            total=1,
            target=reverse(f"admin:sending_templateversion_{verb}", args=[pk]),
            back=reverse("admin:sending_template_change", args=[version.template_id]),
        )
        return ask(
            self, request, question, act if request.method == "POST" else None, refusals=(Refusal, TemplateError)
        )
