"""The letter that one recipient would get of a leg, before it is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from campaigns import running, services
from campaigns.models import CampaignPart, Recipient
from gateway.caller import Caller
from gateway.errors import Code, Problem, Refusal
from sending import acceptance
from sending.channels.base import NotReady
from sending.models import TemplateVersion
from sending.previewing import is_printed, sent_as
from sending.rendering import Words, compiled, template_data
from sending.templating import TemplateError


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What the letter would say, or None with what is in the way; ``problems`` are what it would be refused for.
    ``data`` are what its template is given."""

    part: CampaignPart
    recipient: Recipient
    version: TemplateVersion | None
    data: Mapping[str, Any]
    words: Words | None
    problems: tuple[Problem, ...]


def preview(*, caller: Caller, part_id: int, recipient_id: int, campaign: UUID | None = None) -> Preview:
    """Nothing is sent and nothing is stored. Raises 3000 for a leg, or a recipient of its group, that is not there."""
    part, recipient = services.part_and_recipient(
        caller=caller, part_id=part_id, recipient_id=recipient_id, campaign=campaign
    )
    letter = services.letter_for(part, recipient)
    sender = running.sender_of(part.campaign, user_name=caller.user_name)
    problems: list[Problem] = []
    version: TemplateVersion | None = None
    words = None
    content = letter.content()
    acceptance.add_sender(sender, content)
    data = template_data(content)
    try:
        acceptance.examine(sender, letter)
    except Refusal as refusal:
        problems = list(refusal.problems)
    try:
        version = acceptance.usable_version(sender, message_type=part.message_type, version=part.message_type_version)
        words = compiled(version.pk).render(data)
    except Refusal as refusal:
        problems += [problem for problem in refusal.problems if problem not in problems]
    except TemplateError as error:
        # What its data lack was told above, as a letter would be told it.
        problems = problems or [Problem(code=Code.INVALID, sentence=str(error))]
    return Preview(
        part=part,
        recipient=recipient,
        version=version,
        data=data,
        words=words,
        problems=tuple(problems),
    )


def printed(found: Preview) -> tuple[bytes, str]:
    """The PDF document that a leg's channel would print of the letter, or why there is none; neither where it prints
    nothing."""
    if found.version is None or found.words is None or not is_printed(found.part.channel):
        return b"", ""
    try:
        return sent_as(found.version, found.part.channel, found.data), ""
    except (TemplateError, NotReady, ValueError) as error:
        return b"", str(error)
