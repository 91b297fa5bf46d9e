"""Documents of the built-in DMS: found, looked at with their versions, and saved by who may read letters."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from gateway.console import audit, labels
from gateway.console.filters import ClientFilter, OlderFilter, number_in
from gateway.console.read_only import ReadOnlyAdmin
from sending import blobs
from sending.admin.frames import download
from sending.admin.letters import READ
from sending.models import DmsDocument, Message
from sending.models.dms_document import DmsDocumentQuerySet

_FEW = 1000
_VERSIONS_SHOWN = 100


@admin.register(DmsDocument)
class DmsDocumentAdmin(ReadOnlyAdmin):
    """What was archived stays as it was: there is nothing to change here."""

    list_display = ("id", "archived", "file_name", "version", "document_type", "object_name", "client_name", "message")
    list_display_links = ("id", "file_name")
    list_filter = (ClientFilter, OlderFilter)
    list_filter_submit = True
    list_per_page = 50
    list_fullwidth = True
    ordering = ("-id",)
    sortable_by = ()
    # Django asks only whether there are any; _found decides what they are.
    search_fields = ("file_name",)
    search_help_text = _(
        "Start of the file's name, or a whole object, document id, message number, metadata value or KEY=value"
    )
    change_form_template = "console/document.html"
    fields = ("uuid",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[DmsDocument]:
        rows: QuerySet[DmsDocument] = super().get_queryset(request)
        return rows.select_related("client", "blob")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[DmsDocument], search_term: str
    ) -> tuple[QuerySet[DmsDocument], bool]:
        return _found(queryset, search_term), False

    @admin.display(description=_("Archived at"))
    def archived(self, document: DmsDocument) -> str:
        return labels.moment(document.created_at)

    @admin.display(description=_("Object"), empty_value="–")
    def object_name(self, document: DmsDocument) -> str | None:
        return _object(document) or None

    @admin.display(description=_("Client"), empty_value="–")
    def client_name(self, document: DmsDocument) -> str | None:
        return document.client.name if document.client else None

    @admin.display(description=_("Message"))
    def message(self, document: DmsDocument) -> int:
        return document.message_id

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.content)
        return [path("<int:pk>/content/", view, name="sending_dmsdocument_content"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One document: what is known of it, and its other versions."""
        document = self.get_object(request, object_id)
        if document is not None and self.has_view_permission(request, document):
            versions = DmsDocument.objects.filter(series=document.series).order_by("-version")
            extra_context = {
                **(extra_context or {}),
                "title": str(document),
                "subtitle": None,
                "facts": [(name, value) for name, value in _facts(document) if value],
                "metadata": document.metadata.items(),
                "versions": [
                    {"document": one, "at": labels.moment(one.created_at), "is_this": one.pk == document.pk}
                    for one in versions[:_VERSIONS_SHOWN]
                ],
                "content_url": (
                    reverse("admin:sending_dmsdocument_content", args=[document.pk])
                    if request.user.has_perm(READ)
                    else ""
                ),
            }
        return super().change_view(request, object_id, form_url, extra_context)

    def content(self, request: HttpRequest, pk: int) -> FileResponse:
        """The document's bytes, always as a download, and recorded."""
        if not (self.has_view_permission(request) and request.user.has_perm(READ)):
            raise PermissionDenied
        document = DmsDocument.objects.filter(pk=pk).first()
        if document is None:
            raise Http404
        audit.record(request, [document], "read: document")
        try:
            return download(blobs.opened(document.blob_id), document.file_name)
        except OSError as error:
            raise Http404(gettext("The document cannot be read from the storage.")) from error


def _object(document: DmsDocument) -> str:
    return " ".join(filter(None, (document.object_type, document.object_ref)))


def _facts(document: DmsDocument) -> tuple[tuple[str, Any], ...]:
    message: Any = document.message_id
    if Message.objects.filter(pk=document.message_id).exists():
        place = reverse("admin:sending_message_change", args=[message])
        message = format_html('<a class="console-link" href="{}">{}</a>', place, message)
    return (
        (gettext("Document id"), document.uuid),
        (gettext("Version"), document.version),
        (gettext("Document type"), document.document_type),
        (gettext("Object"), _object(document)),
        (gettext("Media type"), document.media_type),
        (gettext("Size"), filesizeformat(document.blob.size)),
        ("SHA-256", document.blob_id),
        (gettext("Archived at"), labels.moment(document.created_at)),
        (gettext("Message"), message),
        (gettext("Client"), document.client),
        (gettext("User"), document.user_name),
    )


def _found(documents: QuerySet[DmsDocument], words: str) -> QuerySet[DmsDocument]:
    """Those that ``words`` name; each way of naming is a look at an index of its own."""
    words = words.strip().replace("\x00", "")
    if not words:
        return documents
    few: set[int] = set()
    many = Q(pk__in=[])
    for found in _looks(words):
        ids = list(found.order_by().values_list("id", flat=True)[: _FEW + 1])
        if len(ids) > _FEW:
            many |= Q(pk__in=found.order_by().values("id"))
        else:
            few.update(ids)
    return documents.filter(Q(pk__in=few) | many)


def _looks(words: str) -> list[DmsDocumentQuerySet]:
    documents: DmsDocumentQuerySet = DmsDocument.objects.all()
    key, sign, value = words.partition("=")
    looks = [
        documents.filter(object_ref=words),
        documents.named_from(words),
        documents.with_term(words),
        *([documents.with_term(value.strip(), key.strip())] if sign else []),
    ]
    if (number := number_in(words)) is not None:
        looks.append(documents.of_message(number))
    try:
        looks.append(documents.filter(uuid=UUID(words)))
    except ValueError:
        return looks
    return looks
