"""Messages: found, looked at, read by who may, and moved with a reason."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.contrib import admin
from django.contrib import messages as notices
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from gateway.console import audit, labels
from gateway.console.confirming import Question, ask
from gateway.console.filters import ClientFilter, OlderFilter
from gateway.console.read_only import ReadOnlyAdmin
from sending import finding
from sending.admin import facts, wording
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
from sending.admin.operations import MOVING, OPERATIONS, SETTLING, Operation
from sending.models import Message
from sending.models.message import MessageQuerySet
from sending.states import Status

# What one action takes at once: a transaction of its own size, and a page that can be sent.
_MOST = 900


@admin.register(Message)
class MessageAdmin(LetterPages, ErasurePage, BulkPages, ReadOnlyAdmin):
    """Nothing here adds, edits or deletes a message: services move them."""

    list_display: tuple[str, ...] = (
        "id",
        "accepted",
        "state",
        "channel",
        "recipient_email_address",
        "what",
        "client_name",
        "request_id",
    )
    list_display_links = ("id", "recipient_email_address")
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

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Whether this person may move messages."""
        return self.has_view_permission(request) and request.user.has_perm(OPERATE)

    def get_queryset(self, request: HttpRequest) -> MessageQuerySet:
        rows: MessageQuerySet = super().get_queryset(request)
        return rows.select_related("client", "template_version__template").defer("content", "digest")

    def get_search_results(
        self, request: HttpRequest, queryset: MessageQuerySet, search_term: str
    ) -> tuple[MessageQuerySet, bool]:
        return finding.find(queryset, search_term), False

    @admin.display(description=_("Accepted at"))
    def accepted(self, message: Message) -> str:
        return labels.moment(message.created_at)

    @admin.display(description=_("Status"))
    def state(self, message: Message) -> SafeString:
        status = Status(message.status)
        return labels.label(wording.STATUSES[status], wording.STATUS_COLOURS[status])

    @admin.display(description=_("Type or subject"))
    def what(self, message: Message) -> str:
        version = message.template_version
        text = str(version.template) if version else message.subject
        return text if len(text) <= 60 else f"{text[:59]}…"

    @admin.display(description=_("Client"), empty_value="–")
    def client_name(self, message: Message) -> str | None:
        return message.client.name if message.client else None

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("operate/<str:verb>/", view(self.operate), name="sending_message_operate"),
            *self.letter_urls(),
            *self.erasure_urls(),
            *self.bulk_urls(),
            *super().get_urls(),
        ]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        if self.has_operate_permission(request):
            for operation in self.operations():
                actions[operation.verb] = (partial(_ask_for, operation), operation.verb, operation.title)
        return actions

    def operations(self) -> Sequence[Operation]:
        """What the list offers for the messages ticked."""
        return MOVING

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One message: its columns, and beside them what happened to it."""
        message = self.get_object(request, object_id)
        if message is not None and self.has_view_permission(request, message):
            extra_context = {
                **(extra_context or {}),
                "title": f"{message.pk} · {message.recipient_email_address or message.recipient_name}",
                "subtitle": None,
                "status": wording.STATUSES[Status(message.status)],
                "colour": wording.STATUS_COLOURS[Status(message.status)],
                "groups": facts.groups(message),
                "events": facts.events(message, with_links=request.user.has_perm("sending.view_dmsdocument")),
                "offered": self._offered(request, message),
                "may_read": self.has_read_permission(request),
                "letter_url": reverse("admin:sending_message_letter", args=[message.pk]),
                "raw_url": reverse("admin:sending_message_raw", args=[message.pk]),
                "is_printed": is_pdf(message),
                "has_raw": has_raw(message),
            }
        return super().change_view(request, object_id, form_url, extra_context)

    def _offered(self, request: HttpRequest, message: Message) -> list[dict[str, Any]]:
        if not self.has_operate_permission(request):
            return []
        address = partial(reverse, "admin:sending_message_operate")
        return [
            {
                "title": operation.title,
                "icon": operation.icon,
                "variant": operation.variant,
                "path": f"{address(args=[operation.verb])}?ids={message.pk}",
            }
            for operation in (*SETTLING, *MOVING)
            if message.status in operation.statuses
        ]

    def operate(self, request: HttpRequest, verb: str) -> HttpResponse:
        """Ask for a reason (GET, or POST from the list) and then do it (POST with a reason)."""
        if verb not in OPERATIONS:
            raise Http404
        if not self.has_operate_permission(request):
            raise PermissionDenied
        data = request.POST if request.method == "POST" else request.GET
        ids = [int(value) for value in data.getlist("ids") if value.isdecimal() and len(value) < 19]
        if not ids or len(ids) > _MOST:
            raise Http404
        return self.confirm(
            request, OPERATIONS[verb], ids, back=data.get("back", ""), is_answer=request.method == "POST"
        )

    def confirm(
        self, request: HttpRequest, operation: Operation, ids: Sequence[int], *, back: str, is_answer: bool
    ) -> HttpResponse:
        """The question for these messages, or with ``is_answer`` its answer."""
        found = list(Message.objects.filter(pk__in=ids).defer("content", "digest").order_by("id"))
        if not found:
            raise Http404
        question = Question(
            verb=operation.verb,
            title=operation.title,
            text=operation.question,
            variant=operation.variant,
            subjects=list(found),
            total=len(found),
            target=reverse("admin:sending_message_operate", args=[operation.verb]),
            back=self._way_back(found, back),
            hidden=[("back", back), *(("ids", message.pk) for message in found)],
        )

        def act(reason: str) -> str:
            count = operation.run(audit.caller(request), [message.pk for message in found], reason)
            return str(operation.done % {"count": count})

        return ask(self, request, question, act if is_answer else None)

    @staticmethod
    def _way_back(found: Sequence[Message], back: str) -> str:
        """To the list as it was narrowed, or to the message; the addresses are ours, only the query is carried."""
        name, _sep, query = back.partition("?")
        if name in ("sending_message_changelist", "sending_uncertainmessage_changelist"):
            return f"{reverse(f'admin:{name}')}?{QueryDict(query).urlencode()}"
        return reverse("admin:sending_message_change", args=[found[0].pk])


def _ask_for(
    operation: Operation, page: MessageAdmin, request: HttpRequest, queryset: MessageQuerySet
) -> HttpResponse | None:
    """An action of the list: the question, with the way back to the list as it was."""
    ids = list(queryset.order_by().values_list("id", flat=True)[: _MOST + 1])
    if len(ids) > _MOST:
        notices.error(request, _("At most %(most)d messages at once: narrow the list.") % {"most": _MOST})
        return None
    back = f"sending_{page.opts.model_name}_changelist?{request.GET.urlencode()}"
    return page.confirm(request, operation, ids, back=back, is_answer=False)
