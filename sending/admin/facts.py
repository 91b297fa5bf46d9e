"""What the console tells of a message without telling what it says."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from gateway.console import labels
from sending.admin import audience_words, event_facts, wording
from sending.channels import channels
from sending.models import Message, Push, Subscription
from sending.states import HeldFor


def is_letter(message: Message) -> bool:
    """Whether it is one; of a channel that is not there nobody knows otherwise."""
    kind = channels().get(message.channel)
    return kind is None or kind.takes_letters


def groups(message: Message) -> list[dict[str, Any]]:
    """The message's columns in groups of names and values, what is empty left out."""
    version = message.template_version
    tables = (
        (
            "",
            (
                (_("Reason"), message.reason),
                (_("Held because"), wording.HELD_FOR[HeldFor(message.held_for)] if message.held_for else ""),
                (_("Recipient"), message.recipient_name),
                (_("Postal address"), _postal_address(message)),
                (_("E-mail"), message.recipient_email_address),
                (_("Type"), version),
                (_("Subject"), message.subject),
                *(() if is_letter(message) else _pushed(message)),
                (_("Channel"), message.channel),
                (_("Attachments"), message.attachment_count or ""),
                (_("Attempts"), message.attempts or ""),
                (_("Dispatcher"), message.dispatcher),
            ),
        ),
        (
            _("Times"),
            (
                (_("Accepted at"), _moment(message.created_at)),
                (_("Due at"), _moment(message.due_at)),
                (_("Expires at"), _moment(message.expires_at)),
                (_("Closed at"), _moment(message.closed_at)),
                (_("Opened at"), _moment(message.opened_at)),
                (_("Erased at"), _moment(message.erased_at)),
            ),
        ),
        (
            _("Origin"),
            (
                (_("Client"), message.client),
                (_("User"), message.user_name),
                (_("Request id"), message.request_id),
                (_("Batch"), message.batch_id),
                (_("Partner"), message.partner_ref),
                (_("Related message"), message.related_message_id),
                (_("Campaign part"), message.campaign_part_id),
                (_("Message-ID"), message.message_id_header if is_letter(message) else ""),
            ),
        ),
    )
    return [{"title": title, "facts": [(name, value) for name, value in rows if value]} for title, rows in tables]


def _postal_address(message: Message) -> str:
    """Where a printed letter goes; of others it is no matter."""
    kind = channels().get(message.channel)
    return str(message.content.get("recipient_postal_address", "")) if kind is not None and kind.goes_by_post else ""


def _pushed(message: Message) -> Iterable[tuple[Any, Any]]:
    """Of a push: which it is, under what title, and the browser that is told."""
    push = Push.objects.filter(pk=message.content.get("push_id")).first()
    if push is not None:
        yield _("Push"), _link("push", push.pk, push.pk)
        yield _("Title"), audience_words.title(push.content)
    one = Subscription.objects.filter(pk=message.content.get("subscription_id")).first()
    if one is not None:
        yield _("Browser"), _link("subscription", one.pk, one.registration_id)
        yield _("Push service"), urlsplit(one.endpoint).hostname


def _link(model: str, pk: int, words: Any) -> SafeString:
    return format_html(
        '<a class="console-link" href="{}">{}</a>', reverse(f"admin:sending_{model}_change", args=[pk]), words
    )


def events(message: Message, *, with_links: bool) -> list[dict[str, Any]]:
    """The events with their words and colours, the newest first; ``with_links`` leads to archived documents."""
    return [
        {
            "event": event,
            "name": wording.EVENTS.get(event.name, event.name),
            "colour": wording.EVENT_COLOURS.get(event.name, "default"),
            "facts": event_facts.shown(event.facts, with_links=with_links),
            "at": labels.moment(event.created_at, milliseconds=True),
        }
        for event in message.events.order_by("-id")
    ]


def _moment(value: datetime | None) -> str:
    return labels.moment(value) if value else ""
