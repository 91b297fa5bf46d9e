"""Templates to and from other sites, as an archive of files."""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files import File
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldBooleanWidget

from gateway.console import audit, labels
from gateway.errors import Refusal
from sending import exchanging
from sending.admin import wording
from sending.admin.frames import download
from sending.exchanging import Taken
from sending.models import Template
from sending.states import VersionStatus
from sending.template_archives import LARGEST_ARCHIVE, unzipped, zipped
from sending.template_files import Fault

_TO_IMPORT = ("sending.add_template", "sending.add_templateversion", "sending.change_templateversion")


class _ImportForm(forms.Form):
    """An archive, and what to do with it."""

    archive = forms.FileField(label=_("ZIP archive"), widget=UnfoldAdminFileFieldWidget)
    enable = forms.BooleanField(
        label=_("Enable what is enabled in the archive"),
        help_text=_("Otherwise every version that is not here yet becomes a draft."),
        required=False,
        widget=UnfoldBooleanWidget,
    )

    def clean_archive(self) -> "File[bytes]":
        archive: File[bytes] = self.cleaned_data["archive"]
        if archive.size > LARGEST_ARCHIVE:
            raise ValidationError(_("At most %(size)s.") % {"size": filesizeformat(LARGEST_ARCHIVE)})
        return archive


class ExchangePages(ModelAdmin):
    """The list's ways out and in."""

    actions = ("export_chosen",)
    actions_list = ("export_all", "import_archive")

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Whether this person may make templates and versions, and enable them."""
        return request.user.has_perms(_TO_IMPORT)

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Whether this person may see what versions say."""
        return request.user.has_perms(("sending.view_template", "sending.view_templateversion"))

    @action(description=_("Export"), url_path="export", permissions=["export"], icon="download")
    def export_all(self, request: HttpRequest) -> FileResponse:
        """Every template with all its versions, to be saved."""
        return _archive(())

    @action(description=_("Export"), permissions=["export"])
    def export_chosen(self, request: HttpRequest, queryset: QuerySet[Template]) -> FileResponse:
        """Those ticked, with all their versions."""
        return _archive(list(queryset.values_list("name", flat=True)))

    @action(description=_("Import"), url_path="import", permissions=["import"], icon="upload")
    def import_archive(self, request: HttpRequest) -> HttpResponse:
        """Ask for an archive; then tell what is or would be done with it, or everything that is wrong."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        form = _ImportForm(request.POST, request.FILES) if request.method == "POST" else _ImportForm()
        taken: list[Taken] = []
        faults: list[str] = []
        is_dry = "look" in request.POST
        if form.is_valid():
            try:
                taken = _take(request, form.cleaned_data, is_dry=is_dry)
            except Refusal as refusal:
                faults = [problem.detail for problem in refusal.problems]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Import"),
            "form": form,
            "taken": [(one, _label(one)) for one in taken],
            "new": sum(one.is_new for one in taken),
            "faults": faults,
            "is_dry": is_dry,
            "back": reverse("admin:sending_template_changelist"),
        }
        return TemplateResponse(request, "console/import.html", context, status=409 if faults else 200)


def _archive(names: list[str] | tuple[str, ...]) -> FileResponse:
    day = timezone.localdate().isoformat()
    return download(zipped(exchanging.export(names=names)), f"templates-{day}.zip")


def _take(request: HttpRequest, values: dict[str, Any], *, is_dry: bool) -> list[Taken]:
    faults: list[Fault] = []
    files = unzipped(values["archive"].file, faults)
    caller = audit.caller(request)
    taken = exchanging.take_in(caller=caller, files=files, faults=faults, enable=values["enable"], dry_run=is_dry)
    if not is_dry:
        _note(request, taken)
    return taken


def _label(one: Taken) -> SafeString:
    status = VersionStatus(one.status)
    return labels.label(wording.VERSION_STATUSES[status], wording.VERSION_COLOURS[status])


def _note(request: HttpRequest, taken: list[Taken]) -> None:
    """One entry of the audit trail for each template that got something."""
    made: dict[str, list[str]] = {}
    for one in taken:
        if one.is_new:
            made.setdefault(one.template, []).append(f"v{one.version}")
    for template in Template.objects.filter(name__in=made):
        audit.record(request, [template], f"import: {', '.join(made[template.name])}")
