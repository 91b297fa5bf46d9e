"""Print runs and their letters: what the print house has, what it gets next, and the button that closes a run."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.files.storage import storages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from gateway.console import audit, labels
from gateway.console.confirming import Question, ask
from gateway.console.filters import number_in
from gateway.console.read_only import ReadOnlyAdmin
from sending import printing
from sending.admin import cells, wording
from sending.admin.frames import download
from sending.admin.letters import READ
from sending.admin.messages import OPERATE
from sending.models import PrintBatch, PrintItem
from sending.states import BatchStatus

_RECENT = 50


@admin.register(PrintBatch)
class PrintBatchAdmin(ReadOnlyAdmin):
    """The runs, the newest first; a run's letters are a list of their own."""

    list_display = ("name", "state", "opened", "closed", "letters", "pages", "sheets", "reason", "operations")
    list_display_links = None
    ordering = ("-id",)
    sortable_by = ()

    @admin.display(description=_("Print batch"))
    def name(self, batch: PrintBatch) -> SafeString:
        address = f"{reverse('admin:sending_printitem_changelist')}?batch={batch.pk}"
        return format_html('<a class="console-link" href="{}">{}</a>', address, batch)

    @admin.display(description=_("Status"))
    def state(self, batch: PrintBatch) -> SafeString:
        words, colour = wording.BATCH_STATUSES[BatchStatus(batch.status)]
        if batch.status == BatchStatus.CLOSED and batch.handed_over_at is None:
            words, colour = wording.BATCH_WITHOUT_MANIFEST
        return labels.label(words, colour)

    @admin.display(description=_("Opened at"))
    def opened(self, batch: PrintBatch) -> str:
        return labels.moment(batch.opened_at)

    @admin.display(description=_("Closed at"), empty_value="–")
    def closed(self, batch: PrintBatch) -> str | None:
        return labels.moment(batch.closed_at) if batch.closed_at else None

    @admin.display(description=_("Action"), empty_value="–")
    def operations(self, batch: PrintBatch) -> Any:
        if batch.status != BatchStatus.OPEN:
            return None
        address = reverse("admin:sending_printbatch_close", args=[batch.pk])
        return render_to_string(
            "console/row_links.html", {"links": [{"title": gettext("Close"), "icon": "print", "path": address}]}
        )

    def get_list_display(self, request: HttpRequest) -> list[str]:
        may_operate = request.user.has_perm(OPERATE)
        return [name for name in self.list_display if may_operate or name != "operations"]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.close_view)
        return [path("<int:pk>/close/", view, name="sending_printbatch_close"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A run is looked at by its letters."""
        return HttpResponseRedirect(f"{reverse('admin:sending_printitem_changelist')}?batch={object_id}")

    def close_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Have a run take no more letters, with a reason."""
        if not (self.has_view_permission(request) and request.user.has_perm(OPERATE)):
            raise PermissionDenied
        batch = PrintBatch.objects.filter(pk=pk).first()
        if batch is None:
            raise Http404

        def act(reason: str) -> str:
            printing.close(caller=audit.caller(request), batch_id=pk, reason=reason)
            return gettext("The print batch %(batch)s takes no more letters.") % {"batch": batch}

        question = Question(
            verb="close",
            title=_("Close the print batch"),
            text=_(
                "The print batch takes no more letters and goes to the print house; the next letters begin another."
            ),
            subjects=[batch],
            total=1,
            target=reverse("admin:sending_printbatch_close", args=[pk]),
            back=reverse("admin:sending_printbatch_changelist"),
        )
        return ask(self, request, question, act if request.method == "POST" else None)


class BatchFilter(DropdownFilter):
    """By print run: the newest, and whichever is asked for."""

    title = _("print batch")
    parameter_name = "batch"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(batch.pk), str(batch)) for batch in PrintBatch.objects.order_by("-id")[:_RECENT]]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        batch = number_in(self.value())
        return queryset if batch is None else queryset.filter(batch=batch)


@admin.register(PrintItem)
class PrintItemAdmin(ReadOnlyAdmin):
    """The letters of print runs, each with the file that the print house has of it."""

    list_display = ("letter", "recipient", "state", "run", "pages", "file")
    list_display_links = None
    list_filter = (BatchFilter,)
    list_per_page = 50
    ordering = ("-message",)
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request).select_related("message", "batch")
        return rows.defer("message__content", "message__digest").annotate(facts=printing.facts_of_item())

    def get_list_display(self, request: HttpRequest) -> list[str]:
        may_read = request.user.has_perm(READ)
        return [name for name in self.list_display if may_read or name != "file"]

    @admin.display(description=_("Message"))
    def letter(self, item: PrintItem) -> SafeString:
        address = reverse("admin:sending_message_change", args=[item.pk])
        return format_html('<a class="console-link" href="{}">{}</a>', address, item.pk)

    @admin.display(description=_("Recipient"))
    def recipient(self, item: PrintItem) -> str:
        return item.message.recipient_name

    @admin.display(description=_("Status"))
    def state(self, item: PrintItem) -> SafeString:
        return cells.state(item.message)

    @admin.display(description=_("Print batch"))
    def run(self, item: PrintItem) -> str:
        return str(item.batch)

    @admin.display(description=_("Pages"), empty_value="–")
    def pages(self, item: Any) -> int | None:
        return item.facts["pages"] if item.facts else None

    @admin.display(description=_("File"), empty_value="–")
    def file(self, item: Any) -> SafeString | None:
        if not item.facts:
            return None
        address = reverse("admin:sending_printitem_file", args=[item.pk])
        name = item.facts["file"].rpartition("/")[2]
        return format_html('<a class="console-link" href="{}">{}</a>', address, name)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.file_view)
        return [path("<int:pk>/file/", view, name="sending_printitem_file"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The message's own page."""
        return HttpResponseRedirect(reverse("admin:sending_message_change", args=[object_id]))

    def file_view(self, request: HttpRequest, pk: int) -> FileResponse:
        """The very document that lies in the spool."""
        if not (self.has_view_permission(request) and request.user.has_perm(READ)):
            raise PermissionDenied
        item = self.get_queryset(request).filter(pk=pk).first()
        if item is None or not item.facts:
            raise Http404
        audit.record(request, [item.message], f"read: {item.facts['file']}")
        try:
            with storages["spool"].open(item.facts["file"]) as file:
                return download(file.read(), item.facts["file"].rpartition("/")[2])
        except OSError as error:
            raise Http404(_("The print house has taken the file from the spool.")) from error
