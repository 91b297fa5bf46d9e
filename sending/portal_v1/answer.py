"""An inbox's messages and attachments as portals read them."""

from datetime import datetime
from typing import Any, BinaryIO

from django.http import FileResponse

from gateway.dates import format_moment
from gateway.downloads import to_be_saved
from gateway.envelope import resource
from sending.mime import safe_file_name
from sending.models import Attachment
from sending.rendering import Words


def listed(message: Any, subject: str | None) -> dict[str, Any]:
    """A message without what it says; ``message`` carries ``from_name`` and ``message_type`` beside its columns."""
    return resource("portalMessages", message.pk, _attributes(message, subject))


def read(message: Any, words: Words) -> dict[str, Any]:
    """A message with its text and HTML, each null when it has none."""
    said = {"text": words.text or None, "html": words.html or None}
    return resource("portalMessages", message.pk, _attributes(message, words.subject) | said)


def attachment(found: Attachment) -> dict[str, Any]:
    """What a portal may tell of an attachment; its id is its number within the message."""
    return resource(
        "portalAttachments",
        found.position + 1,
        {
            "fileName": safe_file_name(found.file_name),
            "mediaType": found.media_type,
            "size": _size(found),
            "documentType": found.document_type or None,
        },
    )


def file(found: Attachment, content: BinaryIO) -> FileResponse:
    """An attachment's bytes, streamed, to be saved and never shown as a page."""
    return to_be_saved(
        content, file_name=safe_file_name(found.file_name), media_type=found.media_type, size=_size(found)
    )


def _size(found: Attachment) -> int:
    return (found.signed_blob or found.blob).size


def _attributes(message: Any, subject: str | None) -> dict[str, Any]:
    return {
        "subject": subject,
        "messageType": message.message_type,
        "partnerRef": message.partner_ref or None,
        "recipientName": message.recipient_name,
        "recipientEmailAddress": message.recipient_email_address or None,
        "fromName": message.from_name,
        "attachmentCount": message.attachment_count,
        "createdAt": format_moment(message.created_at),
        "sentAt": _moment(message.closed_at),
        "openedAt": _moment(message.opened_at),
        "expiresAt": _moment(message.expires_at),
    }


def _moment(moment: datetime | None) -> str | None:
    return format_moment(moment) if moment else None
