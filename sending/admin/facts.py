"""What the console tells of a message without telling what it says."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from gateway.console import labels
from sending.admin import event_facts, wording
from sending.models import Message
from sending.states import HeldFor


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
                (_("E-mail"), message.recipient_email_address),
                (_("Type"), version),
                (_("Subject"), message.subject),
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
                (_("Message-ID"), message.message_id_header),
            ),
        ),
    )
    return [{"title": title, "facts": [(name, value) for name, value in rows if value]} for title, rows in tables]


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
