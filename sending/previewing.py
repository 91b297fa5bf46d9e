"""What a version makes of its sample: its words, and the very bytes that a channel would send."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from sending.channels import channel, channels
from sending.channels.base import Address, Channel, Parcel
from sending.models import TemplateVersion
from sending.rendering import KNOWN_NAMES, Words, compile_version, template_data

# Who a letter goes to whose sample names nobody.
_NOBODY = "recipient@example.com"


def sample_data(sample: Mapping[str, Any]) -> dict[str, Any]:
    """What a preview renders with: the sample, and every other name of a letter's data empty."""
    return template_data({}) | {name: value for name, value in sample.items() if name in KNOWN_NAMES}


def sample_words(version: TemplateVersion) -> Words:
    """The words of a letter with the sample's data, compiled afresh; raises sending.templating.TemplateError."""
    return compile_version(version).render(sample_data(version.sample))


def sending_channels() -> list[str]:
    """The channels that can say what goes out, byte for byte."""
    return [name for name, kind in channels().items() if kind.raw is not Channel.raw]


def is_printed(channel_name: str) -> bool:
    """Whether what a channel sends is a document to be printed."""
    kind = channels().get(channel_name)
    return kind is not None and kind.raw_type == "application/pdf"


def sent_as(version: TemplateVersion, channel_name: str, data: Mapping[str, Any] | None = None) -> bytes:
    """What ``channel_name`` would send now of a letter with these data, else with the sample's, without attachments;
    its Message-ID is nobody's.

    Raises TemplateError, NotReady, and ValueError where it cannot be sent so.
    """
    parcel = sample_parcel(version, sample_data(version.sample) if data is None else data)
    return channel(channel_name).raw(parcel, date=timezone.now().astimezone(UTC))


def sample_parcel(version: TemplateVersion, data: Mapping[str, Any]) -> Parcel:
    """A parcel that says what the version makes of these ``sample_data``, to be looked at; raises TemplateError."""
    words = compile_version(version).render(data)
    # A sample may hold anything under any name.
    text = {name: value if isinstance(value, str) else "" for name, value in data.items()}
    return Parcel(
        message_id=0,
        uuid=UUID(int=0),
        created_at=timezone.now(),
        subject=words.subject,
        text=words.text,
        html=words.html,
        list_unsubscribe=words.list_unsubscribe,
        sender=Address(
            address=text["fromAddress"] or settings.HAMMY_FROM_ADDRESS,
            name=text["fromName"] or ("" if text["fromAddress"] else settings.HAMMY_FROM_NAME),
        ),
        recipient=Address(address=text["recipientEmailAddress"] or _NOBODY, name=text["recipientName"]),
        postal_address=text["recipientPostalAddress"],
        letter_type="NORMAL",
        partner_ref=text["partnerRef"],
        letter_source=version.letter,
        letter_data=data if version.letter else {},
    )
