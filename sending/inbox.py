"""Inboxes: what a portal's client may show of the messages that wait for their recipients, and their being opened.

A message is in exactly one inbox: its partner's, else that of its e-mail address, whose case does not matter.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import BinaryIO

from django.db import transaction
from django.db.models import Q, QuerySet, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Lower
from django.utils import timezone

from gateway.caller import Caller
from gateway.errors import Code, not_found, refuse
from sending import blobs
from sending.models import Attachment, Message, MessageEvent
from sending.models.message import MessageQuerySet
from sending.parcels import words_of
from sending.rendering import Words, compiled, template_data
from sending.states import Happening
from sending.templating import TemplateError


def messages(*, caller: Caller, partner_ref: str = "", address: str = "", is_unread: bool = False) -> MessageQuerySet:
    """What the caller may show of one inbox, that of a partner or of an e-mail address, in no order."""
    shown = _shown(caller)
    if partner_ref:
        shown = shown.filter(partner_ref=partner_ref)
    else:
        shown = shown.alias(inbox=Lower("recipient_email_address")).filter(inbox=Lower(Value(address)), partner_ref="")
    return shown.filter(opened_at=None) if is_unread else shown


def subjects(listed: Sequence[Message]) -> Mapping[int, str | None]:
    """The subjects of messages by their ids; None for one that its template cannot say just now.

    What they say is read one at a time: each may be as large as a letter is allowed to be.
    """
    found: dict[int, str | None] = {
        message.pk: message.subject for message in listed if message.template_version_id is None
    }
    typed = {message.pk: message.template_version_id for message in listed if message.template_version_id is not None}
    contents = Message.objects.filter(pk__in=typed).order_by().values_list("pk", "content")
    for pk, content in contents.iterator(chunk_size=20):
        try:
            found[pk] = compiled(typed[pk]).render_subject(template_data(content))
        except TemplateError:
            found[pk] = None
    return found


def without_words(messages: QuerySet[Message]) -> QuerySet[Message]:
    """Messages without what they say, which may be large; with ``from_name`` and ``message_type`` out of it."""
    return _annotated(messages).defer("content", "digest")


def find(*, caller: Caller, message_id: int) -> Message:
    """One message that is in an inbox and that the caller may show; 3000 for any other."""
    message = _annotated(_shown(caller)).filter(pk=message_id).first()
    if message is None:
        raise not_found(f"message {message_id}")
    return message


def words(message: Message) -> Words:
    """What the message says, as it was handed over; 9001 where its template takes too long just now."""
    try:
        return words_of(message)
    except TemplateError as error:
        raise refuse(Code.UNAVAILABLE, "the message cannot be shown now, try again later") from error


def attachments(message: Message) -> list[Attachment]:
    """What came with the message, in the order given; what was to be signed is."""
    return list(Attachment.objects.filter(message=message).select_related("blob", "signed_blob").order_by("position"))


def opened(message: Message, number: int) -> tuple[Attachment, BinaryIO]:
    """The ``number``-th attachment, from 1, and its bytes; 3000 when there is none, 9001 when it cannot be read."""
    attachment = (
        Attachment.objects.filter(message=message, position=number - 1).select_related("blob", "signed_blob").first()
    )
    if attachment is None:
        raise not_found(f"attachment {number} of message {message.pk}")
    try:
        return attachment, blobs.opened(attachment.outgoing_blob_id)
    except OSError as error:
        raise refuse(Code.UNAVAILABLE, "the attachment cannot be read now, try again later") from error


def open_message(*, caller: Caller, message_id: int) -> Message:
    """Mark a message as opened. The first time counts and is an event of the message; later ones change nothing."""
    now = timezone.now()
    with transaction.atomic():
        first = _shown(caller, now).filter(pk=message_id, opened_at=None).update(opened_at=now, updated_at=now)
        if first:
            MessageEvent.objects.create(
                message_id=message_id, created_at=now, name=Happening.OPENED, actor=caller.actor
            )
        return find(caller=caller, message_id=message_id)


def _annotated(messages: QuerySet[Message]) -> QuerySet[Message]:
    return messages.annotate(from_name=KT("content__from_name"), message_type=KT("content__message_type"))


def _shown(caller: Caller, now: datetime | None = None) -> MessageQuerySet:
    """What has run out, or was erased, is shown no more."""
    unexpired = Q(expires_at=None) | Q(expires_at__gt=now or timezone.now())
    return Message.objects.in_inboxes().shown_by(caller).filter(unexpired, erased_at=None)
