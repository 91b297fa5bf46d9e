"""A template version's own layout for printed letters: tried on sample data before letters may use it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from sending.channels.base import Address, NotReady, Parcel
from sending.letters import letter_preview
from sending.models import TemplateVersion
from sending.rendering import compile_version
from sending.templating import LONGEST_SOURCE, TemplateError, TemplateSyntax


def check(version: TemplateVersion, data: Mapping[str, Any]) -> None:
    """Raise TemplateError unless the version's letter can be set with these data."""
    if len(version.letter) > LONGEST_SOURCE:
        raise TemplateSyntax(f"the letter layout is longer than {LONGEST_SOURCE:,} characters")
    try:
        letter_preview(sample_parcel(version, data), day=timezone.localdate())
    except NotReady as error:
        raise TemplateError(error.words) from error


def sample_parcel(version: TemplateVersion, data: Mapping[str, Any]) -> Parcel:
    """A parcel that says what the version makes of ``data``, every name of a letter's data among them (editorial's
    sample_data), to be looked at; raises TemplateError."""
    words = compile_version(version).render(data)
    return Parcel(
        message_id=0,
        uuid=UUID(int=0),
        created_at=timezone.now(),
        subject=words.subject,
        text=words.text,
        html=words.html,
        list_unsubscribe=words.list_unsubscribe,
        sender=Address(
            address=str(data["fromAddress"]) or settings.HAMMY_FROM_ADDRESS,
            name=str(data["fromName"]) or settings.HAMMY_FROM_NAME,
        ),
        recipient=Address(address=str(data["recipientEmailAddress"]), name=str(data["recipientName"])),
        postal_address=str(data["recipientPostalAddress"]),
        partner_ref=str(data["partnerRef"]),
        letter_type="NORMAL",
        letter_source=version.letter,
        letter_data=data if version.letter else {},
    )
