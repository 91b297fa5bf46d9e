"""A version looked at: as its sample makes it, as each channel would send it, beside another version."""

import json
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from gateway.console.filters import number_in
from sending import editorial, previewing
from sending.admin.differences import lines_between
from sending.admin.frames import download, framed, picture, with_frame
from sending.channels.base import NotReady
from sending.letters import page_count, page_image
from sending.models import TemplateVersion
from sending.states import VersionStatus
from sending.templating import TemplateError

_RAW_SHOWN = 256 * 1024
_PAGES_SHOWN = 20
_PARTS = {
    "subject": _("Subject"),
    "text": _("Text"),
    "html": "HTML",
    "list_unsubscribe": "List-Unsubscribe",
    "letter": _("Letter layout"),
    "sample": _("Sample data"),
}


class VersionPages(ModelAdmin):
    """The pages of one version that change nothing."""

    def page_urls(self) -> list[URLPattern]:
        """Below the version's own address."""
        view = self.admin_site.admin_view
        name = "sending_templateversion"
        return [
            path("<int:pk>/preview/", view(self.preview), name=f"{name}_preview"),
            path("<int:pk>/preview/html/", view(self.preview_html), name=f"{name}_html"),
            path("<int:pk>/preview/<str:channel>/", view(self.preview_sent), name=f"{name}_sent"),
            path("<int:pk>/preview/<str:channel>/pages/<int:page>/", view(self.page_sent), name=f"{name}_sent_page"),
            path("<int:pk>/preview/<str:channel>/download/", view(self.download_sent), name=f"{name}_sent_download"),
            path("<int:pk>/compare/", view(self.compare), name=f"{name}_compare"),
        ]

    def may_edit(self, request: HttpRequest) -> bool:
        """Whether this person may write, enable and retire versions."""
        return request.user.has_perm("sending.change_templateversion")

    def offered(self, request: HttpRequest, version: TemplateVersion) -> list[dict[str, Any]]:
        """What may be done with a version now, each with its address."""
        links = [_link(_("Preview"), "preview", version, "visibility")]
        if _other(version, "") is not None:
            links.append(_link(_("Compare"), "compare", version, "difference"))
        if self.may_edit(request):
            if version.status == VersionStatus.DRAFT:
                links.append(_link(_("Enable"), "enable", version, "check_circle", "primary"))
            if version.status == VersionStatus.ENABLED:
                links.append(_link(_("Retire"), "retire", version, "archive"))
            address = f"{reverse('admin:sending_templateversion_add')}?from={version.pk}"
            links.append(
                {"title": _("New version from this"), "path": address, "icon": "content_copy", "variant": "default"}
            )
        return links

    def version_for(self, request: HttpRequest, pk: int, *, to_edit: bool = False) -> TemplateVersion:
        """The version, for who may look at it or, with ``to_edit``, work on it."""
        version = TemplateVersion.objects.select_related("template").filter(pk=pk).first()
        if version is None:
            raise Http404
        if not (self.may_edit(request) if to_edit else self.has_view_permission(request, version)):
            raise PermissionDenied
        return version

    def preview(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Subject, text and HTML as the sample data make them."""
        version = self.version_for(request, pk)
        words, problem, doubts = None, "", []
        try:
            doubts = editorial.doubts(version)
            words = previewing.sample_words(version)
        except TemplateError as error:
            problem = str(error)
        frame = reverse("admin:sending_templateversion_html", args=[pk])
        context = {"words": words, "problem": problem, "doubts": doubts, "frame": frame}
        return self._page(request, version, _("Preview"), "console/preview.html", context, tab="words")

    def preview_html(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The HTML body alone, for the frame."""
        version = self.version_for(request, pk)
        try:
            return framed(previewing.sample_words(version).html)
        except TemplateError:
            return framed("")

    def preview_sent(self, request: HttpRequest, pk: int, channel: str) -> HttpResponse:
        """The bytes that a channel would send of such a letter: as text, or the pages of a document as pictures."""
        version = self.version_for(request, pk)
        data, problem = _sent(version, channel)
        address = reverse("admin:sending_templateversion_sent_download", args=[pk, channel])
        if data and previewing.is_printed(channel):
            count = page_count(data)
            pages = [
                reverse("admin:sending_templateversion_sent_page", args=[pk, channel, page])
                for page in range(1, min(count, _PAGES_SHOWN) + 1)
            ]
            context = {"pages": pages, "count": count, "size": len(data), "download": address}
            return self._page(request, version, _("Preview"), "console/version_sheets.html", context, tab=channel)
        context = {
            "raw": data[:_RAW_SHOWN].decode("utf-8", "replace"),
            "size": len(data),
            "is_cut": len(data) > _RAW_SHOWN,
            "problem": problem,
            "download": address,
        }
        return self._page(request, version, _("Preview"), "console/version_raw.html", context, tab=channel)

    def download_sent(self, request: HttpRequest, pk: int, channel: str) -> FileResponse:
        """The same bytes as a file."""
        version = self.version_for(request, pk)
        data, problem = _sent(version, channel)
        if problem:
            raise Http404(problem)
        return download(data, f"{version}.{'pdf' if previewing.is_printed(channel) else 'eml'}")

    def page_sent(self, request: HttpRequest, pk: int, channel: str, page: int) -> HttpResponse:
        """One page of such a document, counted from 1, as a picture."""
        version = self.version_for(request, pk)
        data, problem = _sent(version, channel)
        try:
            if not data or not previewing.is_printed(channel):
                raise Http404(problem)
            return picture(page_image(data, page - 1))
        except ValueError as error:
            raise Http404(str(error)) from error

    def compare(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What differs from the version named by ``with``, else from the one before."""
        version = self.version_for(request, pk)
        other = _other(version, request.GET.get("with", ""))
        if other is None:
            raise Http404
        old, new = sorted((version, other), key=lambda one: one.version)
        parts = [
            {"title": title, "lines": lines_between(_source(old, name), _source(new, name))}
            for name, title in _PARTS.items()
        ]
        context = {
            "old": old,
            "new": new,
            "parts": [part for part in parts if part["lines"] != []],
            "versions": version.template.versions.exclude(pk=pk).only("version", "status", "template"),
            "other": other,
        }
        return self._page(request, version, _("Compare"), "console/compare.html", context)

    def _page(
        self,
        request: HttpRequest,
        version: TemplateVersion,
        title: Any,
        template: str,
        values: dict[str, Any],
        *,
        tab: str = "",
    ) -> HttpResponse:
        edit = _("Edit") if self.has_change_permission(request, version) else _("Version")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": version,
            "title": f"{version} · {title}",
            "offered": [_link(edit, "change", version, "edit"), *self.offered(request, version)],
            "tab": tab,
            "channels": previewing.sending_channels(),
            **values,
        }
        return with_frame(TemplateResponse(request, template, context))


def _link(title: Any, name: str, version: TemplateVersion, icon: str, variant: str = "default") -> dict[str, Any]:
    address = reverse(f"admin:sending_templateversion_{name}", args=[version.pk])
    return {"title": title, "path": address, "icon": icon, "variant": variant}


def _other(version: TemplateVersion, wanted: str) -> TemplateVersion | None:
    """The version of the same template to compare with: the one asked for, else the one before, else the one after."""
    others = TemplateVersion.objects.filter(template=version.template_id).exclude(pk=version.pk)
    if wanted:
        number = number_in(wanted)
        return others.filter(pk=number).first() if number is not None else None
    before = others.filter(version__lt=version.version).order_by("-version").first()
    return before or others.order_by("version").first()


def _source(version: TemplateVersion, part: str) -> str:
    value = getattr(version, part)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)


def _sent(version: TemplateVersion, channel: str) -> tuple[bytes, str]:
    """The bytes, or why there are none."""
    if channel not in previewing.sending_channels():
        raise Http404
    try:
        return previewing.sent_as(version, channel), ""
    except (TemplateError, NotReady, ValueError) as error:
        return b"", str(error) or gettext("The sample cannot be sent.")
