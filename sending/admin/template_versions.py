"""Versions of templates: drafts written and checked, previewed on sample data, enabled for good, retired."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib import messages as notices
from django.core.exceptions import PermissionDenied, ValidationError
from django.forms.fields import InvalidJSONInput
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from gateway.body import decode_json
from gateway.console import audit, labels
from gateway.console.confirming import Question, ask
from gateway.console.filters import number_in
from gateway.errors import Refusal
from sending import editorial
from sending.admin import wording
from sending.admin.frames import framed, with_frame
from sending.models import TemplateVersion
from sending.rendering import compile_version
from sending.states import VersionStatus
from sending.templating import TemplateError, TemplateSyntax, compile_template

_CODE = {"class": "console-code", "spellcheck": "false"}
_WORDS = ("subject", "text", "html", "list_unsubscribe")
_SAMPLE = {"recipientName": "Teszt Elek", "properties": {}, "xmlData": {}}


class SampleField(forms.JSONField):
    """JSON that every database can keep, and no deeper than a letter's data may be."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value.strip():
            try:
                decode_json(value.encode())
            except Refusal as error:
                sentence = self.error_messages["invalid"]
                raise ValidationError(sentence, code="invalid", params={"value": value}) from error
        return super().to_python(value)

    def bound_data(self, data: Any, initial: Any) -> Any:
        try:
            return super().bound_data(data, initial)
        except RecursionError:
            return InvalidJSONInput(data)


class VersionForm(forms.ModelForm):  # type: ignore[type-arg]
    """What a draft says; a template that does not compile is refused with its line."""

    class Meta:
        model = TemplateVersion
        fields = ("template", "subject", "text", "html", "list_unsubscribe", "letter", "sample")

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        for name in _WORDS:
            if name in values:
                try:
                    compile_template(values[name], html=name == "html")
                except TemplateSyntax as error:
                    self.add_error(name, str(error))
        if "text" in values and "html" in values and not values["text"] and not values["html"]:
            self.add_error("text", _("A letter needs a text, an HTML body or both."))
        return values

    def clean_sample(self) -> dict[str, Any]:
        sample = self.cleaned_data["sample"]
        if not isinstance(sample, dict):
            raise ValidationError(_("Give an object: names and values."))
        return sample


@admin.register(TemplateVersion)
class TemplateVersionAdmin(ModelAdmin):
    """Drafts alone may be edited: what was enabled once never changes."""

    form = VersionForm
    list_display = ("__str__", "state", "subject", "author", "created_at")
    list_filter = ("status", "template")
    list_select_related = ("template",)
    search_fields = ("template__name", "subject")
    ordering = ("-id",)
    fields = ("template", "status_label", "subject", "text", "html", "list_unsubscribe", "letter", "sample")
    readonly_fields = ("status_label",)
    change_form_template = "console/template_version.html"
    compressed_fields = False

    @display(description=_("Status"), label=wording.VERSION_COLOURS, ordering="status")
    def state(self, version: TemplateVersion) -> tuple[str, Any]:
        return version.status, wording.VERSION_STATUSES[VersionStatus(version.status)]

    @admin.display(description=_("Status"))
    def status_label(self, version: TemplateVersion) -> SafeString:
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
        return self.fields if obj else tuple(name for name in self.fields if name != "status_label")

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
            path("<int:pk>/preview/", view(self.preview), name="sending_templateversion_preview"),
            path("<int:pk>/preview/html/", view(self.preview_html), name="sending_templateversion_html"),
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
            extra_context = {**(extra_context or {}), "offered": self._offered(request, version)}
        return super().change_view(request, object_id, form_url, extra_context)

    def _offered(self, request: HttpRequest, version: TemplateVersion) -> list[dict[str, Any]]:
        def link(title: Any, name: str, icon: str, variant: str = "default") -> dict[str, Any]:
            address = reverse(f"admin:sending_templateversion_{name}", args=[version.pk])
            return {"title": title, "path": address, "icon": icon, "variant": variant}

        links = [link(_("Preview"), "preview", "visibility")]
        if self._may_edit(request):
            if version.status == VersionStatus.DRAFT:
                links.append(link(_("Enable"), "enable", "check_circle", "primary"))
            if version.status == VersionStatus.ENABLED:
                links.append(link(_("Retire"), "retire", "archive"))
            address = f"{reverse('admin:sending_templateversion_add')}?from={version.pk}"
            links.append(
                {"title": _("New version from this"), "path": address, "icon": "content_copy", "variant": "default"}
            )
        return links

    def _may_edit(self, request: HttpRequest) -> bool:
        return request.user.has_perm("sending.change_templateversion")

    def _version(self, request: HttpRequest, pk: int, *, to_edit: bool) -> TemplateVersion:
        version = TemplateVersion.objects.select_related("template").filter(pk=pk).first()
        if version is None:
            raise Http404
        if not (self._may_edit(request) if to_edit else self.has_view_permission(request, version)):
            raise PermissionDenied
        return version

    def preview(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Subject, text and HTML as the sample data make them."""
        version = self._version(request, pk, to_edit=False)
        words, problem, doubts = None, "", []
        try:
            doubts = editorial.doubts(version)
            words = compile_version(version).render(editorial.sample_data(version.sample))
        except TemplateError as error:
            problem = str(error)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": version,
            "title": f"{version} · {gettext('Preview')}",
            "words": words,
            "problem": problem,
            "doubts": doubts,
            "frame": reverse("admin:sending_templateversion_html", args=[pk]),
            "offered": [
                {
                    "title": gettext("Edit") if self.has_change_permission(request, version) else gettext("Version"),
                    "path": reverse("admin:sending_templateversion_change", args=[pk]),
                    "icon": "edit",
                    "variant": "default",
                },
                *self._offered(request, version)[1:],
            ],
        }
        return with_frame(TemplateResponse(request, "console/preview.html", context))

    def preview_html(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The HTML body alone, for the frame."""
        version = self._version(request, pk, to_edit=False)
        try:
            return framed(compile_version(version).render(editorial.sample_data(version.sample)).html)
        except TemplateError:
            return framed("")

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
        version = self._version(request, pk, to_edit=True)

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
