"""Messages: found, looked at, read by who may, and moved with a reason."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from gateway.console import labels
from gateway.console.filters import ClientFilter, OlderFilter
from gateway.console.operating import OperatingAdmin, Operation
from sending import finding
from sending.admin import audience_words, cells, facts, wording
from sending.admin.bulk import OPERATE, BulkPages
from sending.admin.erasure import ErasurePage
from sending.admin.filters import (
    AcceptedFilter,
    ChannelFilter,
    JobFilter,
    OpenedFilter,
    StatusFilter,
    TemplateFilter,
)
from sending.admin.letters import LetterPages, has_raw, is_pdf
from sending.admin.operations import MOVING, OF_LETTERS, OPERATIONS
from sending.models import Message, Push
from sending.models.message import MessageQuerySet
from sending.states import Status


@admin.register(Message)
class MessageAdmin(LetterPages, ErasurePage, BulkPages, OperatingAdmin):
    """Nothing here adds, edits or deletes a message: services move them."""

    operate_permission = OPERATE
    operations = OPERATIONS
    long_columns = ("content", "digest")
    other_lists = ("sending_uncertainmessage_changelist",)

    list_display: tuple[str, ...] = (
        "id",
        "accepted",
        "state",
        "channel",
        "recipient",
        "what",
        "client_name",
        "request_id",
    )
    list_display_links = ("id", "recipient")
    list_filter: tuple[Any, ...] = (
        StatusFilter,
        ChannelFilter,
        OpenedFilter,
        TemplateFilter,
        ClientFilter,
        AcceptedFilter,
        JobFilter,
        OlderFilter,
    )
    list_filter_submit = True
    list_per_page = 50
    list_fullwidth = True
    ordering = ("-id",)
    sortable_by = ()
    # Django asks only whether there are any; finding.find decides what they are.
    search_fields = ("recipient_email_address",)
    search_help_text = _("Start of the recipient's address, or a whole request id, batch, partner, id or Message-ID")
    change_form_template = "console/message.html"
    # The page shows more than a form would; this keeps Django from building one of every column.
    fields = ("uuid",)

    def get_queryset(self, request: HttpRequest) -> MessageQuerySet:
        rows: MessageQuerySet = super().get_queryset(request)
        rows = rows.select_related("client", "template_version__template").defer(*self.long_columns)
        # Of messages that are pushes: what a push says is kept once, with it.
        of_job = Push.objects.filter(job_id=OuterRef("job_id"))
        return rows.annotate(pushed=Subquery(of_job.values("content")[:1]))

    def get_search_results(
        self, request: HttpRequest, queryset: MessageQuerySet, search_term: str
    ) -> tuple[MessageQuerySet, bool]:
        return finding.find(queryset, search_term), False

    @admin.display(description=_("Accepted at"))
    def accepted(self, message: Message) -> str:
        return labels.moment(message.created_at)

    @admin.display(description=_("Status"))
    def state(self, message: Message) -> SafeString:
        return cells.state(message)

    @admin.display(description=_("Recipient"))
    def recipient(self, message: Message) -> str:
        return message.addressee

    @admin.display(description=_("Type or subject"))
    def what(self, message: Any) -> str:
        version = message.template_version
        text = str(version.template) if version else message.subject or audience_words.title(message.pushed or {})
        return text if len(text) <= 60 else f"{text[:59]}…"

    @admin.display(description=_("Client"), empty_value="–")
    def client_name(self, message: Message) -> str | None:
        return message.client.name if message.client else None

    def get_urls(self) -> list[URLPattern]:
        return [*self.letter_urls(), *self.erasure_urls(), *self.bulk_urls(), *super().get_urls()]

    def ticked(self) -> Sequence[Operation]:
        return MOVING

    def is_offered(self, operation: Operation, row: Message) -> bool:
        """What only a letter can have done to it is not offered for a push."""
        return super().is_offered(operation, row) and (facts.is_letter(row) or operation.verb not in OF_LETTERS)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One message: its columns, and beside them what happened to it."""
        message = self.get_object(request, object_id)
        if message is not None and self.has_view_permission(request, message):
            extra_context = {
                **(extra_context or {}),
                "title": str(message),
                "subtitle": None,
                "status": wording.STATUSES[Status(message.status)],
                "colour": wording.STATUS_COLOURS[Status(message.status)],
                "groups": facts.groups(message),
                "is_letter": facts.is_letter(message),
                "events": facts.events(message, with_links=request.user.has_perm("sending.view_dmsdocument")),
                "offered": self.operations_on(request, message),
                "may_read": self.has_read_permission(request),
                "letter_url": reverse("admin:sending_message_letter", args=[message.pk]),
                "raw_url": reverse("admin:sending_message_raw", args=[message.pk]),
                "is_printed": is_pdf(message),
                "has_raw": has_raw(message),
            }
        return super().change_view(request, object_id, form_url, extra_context)
