"""What a message says: for who may read it, never without a trace, and never with power over the console's page."""

import json
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from unfold.admin import ModelAdmin

from gateway.console import audit
from sending import blobs
from sending.admin.frames import download, framed, picture, with_frame
from sending.certifying import as_handed_over
from sending.channels import channel, channels
from sending.channels.base import Channel, NotReady
from sending.letters import page_count, page_image
from sending.models import Attachment, Message, Push
from sending.parcels import attachments_of, build, words_of
from sending.previewing import is_printed
from sending.states import Status
from sending.templating import TemplateError

READ = "sending.read_content"
_RAW_SHOWN = 256 * 1024
_PAGES_SHOWN = 20


class LetterPages(ModelAdmin):
    """The pages of one message's content, each asking for the permission and leaving an entry in the audit trail."""

    def has_read_permission(self, request: HttpRequest) -> bool:
        """Whether this person may read what messages say."""
        return self.has_view_permission(request) and request.user.has_perm(READ)

    def letter_urls(self) -> list[URLPattern]:
        """Below the message's own address."""
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/letter/", view(self.letter), name="sending_message_letter"),
            path("<int:pk>/letter/html/", view(self.letter_html), name="sending_message_html"),
            path("<int:pk>/raw/", view(self.raw), name="sending_message_raw"),
            path("<int:pk>/raw/<int:page>/", view(self.raw_page), name="sending_message_raw_page"),
            path("<int:pk>/raw/download/", view(self.raw_download), name="sending_message_raw_download"),
            path("<int:pk>/attachments/<int:attachment>/", view(self.attachment), name="sending_message_attachment"),
        ]

    def _to_read(self, request: HttpRequest, pk: int, what: str) -> Message:
        """The message, its reading recorded."""
        if not self.has_read_permission(request):
            raise PermissionDenied
        message = Message.objects.select_related("template_version__template").filter(pk=pk).first()
        if message is None:
            raise Http404
        audit.record(request, [message], f"read: {what}")
        return message

    def letter(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Headers, text, HTML in its frame, data and attachments."""
        message = self._to_read(request, pk, "letter")
        words, problem = None, ""
        if message.erased_at:
            problem = _("What this letter said was erased.")
        elif message.is_push:
            problem = "" if _pushed(message) else _("What it said is kept no more.")
        else:
            try:
                words = words_of(message)
            except TemplateError as error:
                problem = str(error)
        content = message.content
        return self._page(
            request,
            message,
            "console/letter.html",
            {
                "words": words,
                "problem": problem,
                "headers": self._headers(message),
                "properties": content.get("properties", ()),
                "xml_data": content.get("xml_data", ""),
                "pushed": _pushed(message),
                "attachments": Attachment.objects.filter(message=message).select_related("blob").order_by("position"),
                "frame": reverse("admin:sending_message_html", args=[pk]),
            },
        )

    @staticmethod
    def _headers(message: Message) -> list[tuple[str, str]]:
        content = message.content
        lines = [
            (pgettext("a letter", "From"), _mailbox(content.get("from_name", ""), content.get("from_address", ""))),
            (pgettext("a letter", "To"), _mailbox(message.recipient_name, message.recipient_email_address)),
            (_("Postal address"), content.get("recipient_postal_address", "")),
            (_("Letter type"), content.get("letter_type", "")),
            (_("Copy"), ", ".join(content.get("recipient_email_address_cc", ()))),
            (_("Blind copy"), ", ".join(content.get("bcc_address", ()))),
            (_("Reply to"), _mailbox(content.get("reply_to_name", ""), content.get("reply_to_address", ""))),
        ]
        return [(name, value) for name, value in lines if value]

    def letter_html(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The HTML body alone, for the frame."""
        message = self._to_read(request, pk, "HTML")
        if message.erased_at:
            return framed("")
        try:
            return framed(words_of(message).html)
        except TemplateError:
            return framed("")

    def raw(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The mail as it goes over the wire, as text; of a printed letter its pages, as pictures."""
        message = self._to_read(request, pk, "raw mail")
        data, problem = _raw_of(message)
        if is_pdf(message):
            return self._pages(request, message, data, problem)
        return self._page(
            request,
            message,
            "console/raw.html",
            {
                "raw": data[:_RAW_SHOWN].decode("utf-8", "replace"),
                "size": len(data),
                "is_cut": len(data) > _RAW_SHOWN,
                "problem": problem,
                "download": reverse("admin:sending_message_raw_download", args=[pk]),
            },
        )

    def _pages(self, request: HttpRequest, message: Message, pdf: bytes, problem: str) -> HttpResponse:
        count = page_count(pdf) if pdf else 0
        values = {
            "problem": problem,
            "size": len(pdf),
            "pages": [
                reverse("admin:sending_message_raw_page", args=[message.pk, page])
                for page in range(1, min(count, _PAGES_SHOWN) + 1)
            ],
            "count": count,
            "download": reverse("admin:sending_message_raw_download", args=[message.pk]),
        }
        return self._page(request, message, "console/pages.html", values)

    def raw_page(self, request: HttpRequest, pk: int, page: int) -> HttpResponse:
        """One page of a printed letter, counted from 1, as a picture."""
        message = self._to_read(request, pk, f"page {page}")
        data, problem = _raw_of(message)
        try:
            return picture(page_image(data, page - 1))
        except ValueError as error:
            raise Http404(problem or str(error)) from error

    def raw_download(self, request: HttpRequest, pk: int) -> FileResponse:
        """The same bytes as a file."""
        message = self._to_read(request, pk, "raw mail")
        data, problem = _raw_of(message)
        if problem:
            raise Http404(problem)
        return download(data, f"{message.uuid}.{'pdf' if is_pdf(message) else 'eml'}")

    def attachment(self, request: HttpRequest, pk: int, attachment: int) -> FileResponse:
        """An attachment's bytes, always as a download, whatever type it claims."""
        message = self._to_read(request, pk, f"attachment {attachment}")
        found = Attachment.objects.filter(pk=attachment, message=message).first()
        if found is None:
            raise Http404
        try:
            return download(blobs.read(found.outgoing_blob_id), found.file_name)
        except OSError as error:
            raise Http404(_("The attachment cannot be read from the storage.")) from error

    def _page(self, request: HttpRequest, message: Message, template: str, values: dict[str, Any]) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": message,
            "title": str(message),
            "message_url": reverse("admin:sending_message_change", args=[message.pk]),
            "letter_url": reverse("admin:sending_message_letter", args=[message.pk]),
            "raw_url": reverse("admin:sending_message_raw", args=[message.pk]),
            "is_printed": is_pdf(message),
            "has_raw": has_raw(message),
            "is_letter": not message.is_push,
            **values,
        }
        return with_frame(TemplateResponse(request, template, context))


def _pushed(message: Message) -> str:
    """What the push says that a message is of; "" for a letter, and where it is kept no more."""
    if not message.is_push or message.erased_at:
        return ""
    said = Push.objects.filter(pk=message.content["push_id"]).values_list("content", flat=True).first()
    return json.dumps(said, ensure_ascii=False, indent=2) if said else ""


def _mailbox(name: str, address: str) -> str:
    return f"{name} <{address}>" if name and address else address


def is_pdf(message: Message) -> bool:
    """Whether what goes out is a document to be printed."""
    return is_printed(message.channel)


def has_raw(message: Message) -> bool:
    """Whether its channel hands over anything that can be shown as it goes out."""
    kind = channels().get(message.channel)
    return kind is not None and kind.raw is not Channel.raw


def _raw_of(message: Message) -> tuple[bytes, str]:
    """The bytes rebuilt from what is stored, or why they cannot be."""
    if message.erased_at:
        return b"", _("What this letter said was erased.")
    try:
        way = channel(message.channel)
        parcel = as_handed_over(build(message, attachments_of([message]).get(message.pk, ())), way, _signed(message))
        data = way.raw(parcel, date=_handed_over_at(message))
    except (TemplateError, NotReady, OSError, ValueError, KeyError) as error:
        return b"", str(error)
    return data, "" if data else _("This channel has no raw form to show.")


def _signed(message: Message) -> dict[str, Any] | None:
    """What its last try said of signatures; None before there was one."""
    noted = message.events.filter(facts__has_any_keys=["signed", "unsigned"]).order_by("-id")
    return noted.values_list("facts", flat=True).first()


def _handed_over_at(message: Message) -> datetime:
    """The Date a mail bears is that of its last hand-over; until then, now."""
    last = message.events.filter(name=Status.SENDING).order_by("-id").values_list("created_at", flat=True).first()
    return (last or timezone.now()).astimezone(UTC)
