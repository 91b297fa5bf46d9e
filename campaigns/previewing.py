"""The letter that one recipient would get of a leg, before it is sent."""

from dataclasses import dataclass
from uuid import UUID

from campaigns import running, services
from campaigns.models import CampaignPart, Recipient
from gateway.caller import Caller
from gateway.errors import Code, Problem, Refusal
from sending import acceptance
from sending.models import TemplateVersion
from sending.rendering import Words, compiled, template_data
from sending.templating import TemplateError


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What the letter would say, or None with what is in the way; ``problems`` are what it would be refused for."""

    part: CampaignPart
    recipient: Recipient
    version: int | None
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
    try:
        acceptance.examine(sender, letter)
    except Refusal as refusal:
        problems = list(refusal.problems)
    try:
        version = acceptance.usable_version(sender, message_type=part.message_type, version=part.message_type_version)
        words = compiled(version.pk).render(template_data(content))
    except Refusal as refusal:
        problems += [problem for problem in refusal.problems if problem not in problems]
    except TemplateError as error:
        # What its data lack was told above, as a letter would be told it.
        problems = problems or [Problem(code=Code.INVALID, sentence=str(error))]
    return Preview(
        part=part,
        recipient=recipient,
        version=version.version if version else None,
        words=words,
        problems=tuple(problems),
    )
