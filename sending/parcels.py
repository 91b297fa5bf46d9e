"""A claimed message made ready to go: words rendered, attachments read, addresses resolved."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from sending import archiving, blobs
from sending.certifying import certified
from sending.channels.base import Address, Channel, Enclosure, NotReady, Parcel, WebPush
from sending.models import Attachment, Message
from sending.rendering import Words, compiled, template_data


def attachments_of(messages: Iterable[Message]) -> dict[int, list[Attachment]]:
    """The attachments of a claim by message, in one query, and none where no message has any."""
    ids = [message.pk for message in messages if message.attachment_count]
    found: dict[int, list[Attachment]] = {}
    if ids:
        for attachment in Attachment.objects.filter(message_id__in=ids).order_by("message_id", "position"):
            found.setdefault(attachment.message_id, []).append(attachment)
    return found


def words_of(message: Message) -> Words:
    """What the message says; raises sending.templating.TemplateError."""
    content = message.content
    if message.template_version_id is not None:
        return compiled(message.template_version_id).render(template_data(content))
    return Words(
        subject=content.get("mail_subject", ""),
        text=content.get("mail_body", ""),
        html=content.get("mail_html_body", ""),
    )


def push_parcel(message: Message, web_push: WebPush | NotReady | None) -> Parcel:
    """What a browser is told; raises NotReady where it is not there any more, or cannot be told now."""
    if web_push is None:
        raise NotReady("its subscription was removed", is_lasting=True)
    if isinstance(web_push, NotReady):
        raise web_push
    nobody = Address(address="")
    return Parcel(
        message_id=message.pk, uuid=message.uuid, created_at=message.created_at, sender=nobody,
        recipient=Address(address="", name=message.recipient_name), web_push=web_push,
    )  # fmt: skip


def ready(message: Message, attachments: Sequence[Attachment], channel: Channel, *, batch: str = "") -> Parcel:
    """The parcel that ``channel`` is to hand over now, in the print run ``batch`` where it gathers them, signed, and
    what is to be archived of it in its place. Raises TemplateError, NotReady, or OSError when an attachment cannot be
    read."""
    parcel = certified(replace(build(message, attachments), batch=batch), attachments, channel)
    if channel.reads_enclosures and parcel.enclosures:
        # Now, before anything is begun: what cannot be read leaves nothing in doubt.
        read = (replace(enclosure, content=enclosure.read(), opener=None) for enclosure in parcel.enclosures)
        parcel = replace(parcel, enclosures=tuple(read))
    return archiving.archived(message, attachments, parcel, channel)


def build(message: Message, attachments: Iterable[Attachment] = ()) -> Parcel:
    """Everything that is to be said and sent; raises TemplateError."""
    content = message.content
    words = words_of(message)
    given = content.get("attachments", ())
    layout = compiled(message.template_version_id).letter if message.template_version_id is not None else ""
    return Parcel(
        message_id=message.pk,
        uuid=message.uuid,
        created_at=message.created_at,
        subject=words.subject,
        text=words.text,
        html=words.html,
        list_unsubscribe=words.list_unsubscribe,
        sender=Address(address=content["from_address"], name=content.get("from_name", "")),
        recipient=Address(address=message.recipient_email_address, name=message.recipient_name),
        cc=_copies(content),
        bcc=tuple(Address(address=address) for address in content.get("bcc_address", ())),
        reply_to=_reply_to(content),
        enclosures=tuple(_enclosure(item, given[item.position]) for item in attachments),
        is_certified=content.get("certification_expected", False),
        postal_address=content.get("recipient_postal_address", ""),
        letter_type=content.get("letter_type", ""),
        has_reply_envelope=content.get("reply_envelope_attached", False),
        has_payment_slip=content.get("payment_slip_attached", False),
        partner_ref=message.partner_ref,
        letter_source=layout,
        letter_data=template_data(content) if layout else {},
    )


def _enclosure(attachment: Attachment, given: Mapping[str, Any]) -> Enclosure:
    return Enclosure(
        file_name=attachment.file_name,
        media_type=attachment.media_type,
        opener=partial(blobs.opened, attachment.outgoing_blob_id),
        is_certified=given.get("certification_expected", False),
        may_go_uncertified=given.get("postable_without_certificate", False),
    )


def _copies(content: Mapping[str, Any]) -> tuple[Address, ...]:
    """The one name of the contract belongs to the copy's recipient, where there is a single one."""
    addresses = content.get("recipient_email_address_cc", ())
    name = content.get("recipient_name_cc", "") if len(addresses) == 1 else ""
    return tuple(Address(address=address, name=name) for address in addresses)


def _reply_to(content: Mapping[str, Any]) -> Address | None:
    address = content.get("reply_to_address", "")
    return Address(address=address, name=content.get("reply_to_name", "")) if address else None
