"""Messages in doubt: each waits for somebody who knows, or finds out, whether it arrived."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import URLPattern, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from gateway.console import labels
from gateway.console.filters import ClientFilter, OlderFilter
from gateway.console.operating import OperatingAdmin, Operation
from sending.admin.filters import ChannelFilter, TemplateFilter
from sending.admin.messages import MessageAdmin
from sending.admin.operations import SETTLING
from sending.models import Message
from sending.models.message import MessageQuerySet
from sending.models.uncertain import UncertainMessage


@admin.register(UncertainMessage)
class UncertainMessageAdmin(MessageAdmin):
    """The list; one message is looked at on its own page."""

    list_display = ("id", "in_doubt_since", "recipient", "what", "why", "verdicts")
    list_filter = (ChannelFilter, TemplateFilter, ClientFilter, OlderFilter)
    list_before_template = "console/uncertain_help.html"

    def get_queryset(self, request: HttpRequest) -> MessageQuerySet:
        return super().get_queryset(request).uncertain()

    def has_view_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        return request.user.has_perm("sending.view_message")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def ticked(self) -> Sequence[Operation]:
        return SETTLING

    def get_urls(self) -> list[URLPattern]:
        # The pages of one message are the message's own.
        return super(OperatingAdmin, self).get_urls()

    def get_list_display(self, request: HttpRequest) -> Sequence[str]:
        columns = list(super().get_list_display(request))
        return columns if self.has_operate_permission(request) else [name for name in columns if name != "verdicts"]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The message's own page."""
        return HttpResponseRedirect(reverse("admin:sending_message_change", args=[object_id]))

    @admin.display(description=_("In doubt since"))
    def in_doubt_since(self, message: Message) -> str:
        return labels.moment(message.closed_at or message.updated_at)

    @admin.display(description=_("Why"))
    def why(self, message: Message) -> str:
        return message.reason

    @admin.display(description=_("What became of it?"))
    def verdicts(self, message: Message) -> SafeString:
        links = [
            {
                "title": operation.title,
                "icon": operation.icon,
                "path": f"{reverse('admin:sending_message_operate', args=[operation.verb])}?ids={message.pk}"
                "&back=sending_uncertainmessage_changelist",
            }
            for operation in SETTLING
        ]
        return render_to_string("console/row_links.html", {"links": links})
