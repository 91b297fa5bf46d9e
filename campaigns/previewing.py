"""The letter that one recipient would get of a leg, before it is sent."""

from dataclasses import dataclass

from campaigns import running, services
from campaigns.models import CampaignPart, Recipient
from gateway.caller import Caller
from gateway.errors import Refusal
from sending import acceptance
from sending.rendering import Words, compiled, template_data
from sending.templating import TemplateError


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What the letter would say, or None with what is in the way; ``problems`` are what it would be refused for."""

    part: CampaignPart
    recipient: Recipient
    version: int | None
    words: Words | None
    problems: tuple[str, ...]


def preview(*, caller: Caller, part_id: int, recipient_id: int) -> Preview:
    """Nothing is sent and nothing is stored. Raises 3000 for a leg, or a recipient of its group, that is not there."""
    part, recipient = services.part_and_recipient(caller, part_id, recipient_id)
    letter = services.letter_for(part, recipient)
    sender = running.sender_of(part.campaign, caller)
    problems: list[str] = []
    version, words = None, None
    content = letter.content()
    acceptance.add_sender(sender, content)
    try:
        acceptance.examine(sender, letter)
    except Refusal as refusal:
        problems = [problem.detail for problem in refusal.problems]
    try:
        version = acceptance.usable_version(sender, message_type=part.message_type, version=part.message_type_version)
        words = compiled(version.pk).render(template_data(content))
    except Refusal as refusal:
        problems += [problem.detail for problem in refusal.problems if problem.detail not in problems]
    except TemplateError as error:
        problems.append(str(error))
    return Preview(
        part=part,
        recipient=recipient,
        version=version.version if version else None,
        words=words,
        problems=tuple(problems),
    )
