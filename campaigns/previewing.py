"""What a recipient would get of a leg, before it is sent."""

from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from campaigns import running, services
from campaigns.models import CampaignPart, Recipient
from gateway.caller import Caller
from gateway.errors import Code, Problem, Refusal
from sending import acceptance
from sending.rendering import Words, compiled, template_data
from sending.templating import TemplateError


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The letter's words, or what it would be refused for, in which case there are none."""

    part: CampaignPart
    recipient: Recipient
    words: Words | None
    problems: tuple[Problem, ...] = ()


def preview(*, caller: Caller, campaign: UUID, part_id: int, recipient_id: int) -> Preview:
    """The letter that a recipient would get now; raises 3000. Nothing is stored, nothing sent."""
    part, recipient = services.part_and_recipient(
        caller=caller, part_id=part_id, recipient_id=recipient_id, campaign=campaign
    )
    sender = running.sender_of(part.campaign, user_name=caller.user_name)
    try:
        examined = acceptance.examine(sender, services.letter_for(part, recipient))
        # As it would be stored, with the sender that it would get.
        content = acceptance.to_row(sender, examined, now=timezone.now())["content"]
        words = compiled(examined.version_id).render(template_data(content)) if examined.version_id else None
    except Refusal as refusal:
        return Preview(part=part, recipient=recipient, words=None, problems=refusal.problems)
    except TemplateError as error:
        problem = Problem(code=Code.INVALID, sentence=str(error))
        return Preview(part=part, recipient=recipient, words=None, problems=(problem,))
    return Preview(part=part, recipient=recipient, words=words)
