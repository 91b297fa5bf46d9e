"""What a campaign would come to before it is sent: how many letters, who gets none, and how long it takes."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Q
from django.db.models.functions import Lower, TruncMinute
from django.utils import timezone

from campaigns import running
from campaigns.models import Campaign, CampaignPart, Recipient
from sending.channels import channels
from sending.models import Message, Suppression
from sending.states import Status

# The newest so many letters of all channels tell how fast a channel is.
_LOOKED_AT = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One leg sent now: how many its group holds, how many of them lack the address that its channel needs, how many
    letters would be cancelled because their recipient is suppressed, and how many are left to go out. ``seconds`` is
    how long those take once they begin to go out, None where nothing tells; that is in ``wait_seconds``."""

    part: CampaignPart
    recipients: int
    without_address: int
    suppressed: int
    letters: int
    seconds: float | None
    wait_seconds: float


def estimate(campaign: Campaign) -> list[Estimate]:
    """An estimate for each leg, in order. Each group is counted once, as it is now: a second or so for a million."""
    parts = list(campaign.parts.select_related("group").order_by("id"))
    paces = {name: _pace(name) for name in {part.channel for part in parts}}
    return [_of_leg(campaign, part, paces[part.channel]) for part in parts]


def _of_leg(campaign: Campaign, part: CampaignPart, pace: float | None) -> Estimate:
    unreachable = _lacks_address(part.channel)
    counts = Recipient.objects.filter(group_id=part.group_id).aggregate(
        all=Count("id"), lacking=Count("id", filter=unreachable)
    )
    suppressed = _suppressed(campaign, part, unreachable)
    letters = counts["all"] - counts["lacking"] - suppressed
    if part.messages_per_minute:
        # What the channel did lately says only what was asked of it.
        pace = part.messages_per_minute / 60
    return Estimate(
        part=part,
        recipients=counts["all"],
        without_address=counts["lacking"],
        suppressed=suppressed,
        letters=letters,
        seconds=0.0 if not letters else letters / pace if pace else None,
        wait_seconds=max(0.0, (part.send_at - timezone.now()).total_seconds()) if part.send_at else 0.0,
    )


def _lacks_address(channel: str) -> Q:
    """Who lacks what the channel demands of every letter; a partner may do in the place of an address."""
    lacking = Q(pk__in=[])
    for column in ("email_address", "postal_address"):
        if f"recipient_{column}" in running.demanded(channel):
            lacks = Q(**{column: ""})
            is_replaced = f"recipient_{column}" not in running.demanded(channel, partner_ref="x")
            lacking |= lacks & Q(partner_ref="") if is_replaced else lacks
    return lacking


def _suppressed(campaign: Campaign, part: CampaignPart, unreachable: Q) -> int:
    """How many of the others have a suppressed address; those that were erased from the list are known by their digest
    alone and are not among them."""
    kind = channels().get(part.channel)
    if kind is None or not kind.minds_suppressions:
        return 0
    clients = Q(client_id=None) | Q(client_id=campaign.client_id)
    listed = Suppression.objects.standing().filter(clients).exclude(address="").values("address")
    if not listed.exists():
        return 0
    reachable = Recipient.objects.filter(~unreachable, group_id=part.group_id).exclude(email_address="")
    return reachable.annotate(known_as=Lower("email_address")).filter(known_as__in=listed).count()


def _pace(channel_name: str) -> float | None:
    """Letters a second in the busiest of the last minutes that a channel was at work; None when it sent nothing."""
    oldest = Message.objects.order_by("-id").values_list("id", flat=True)[_LOOKED_AT : _LOOKED_AT + 1].first()
    sent = Message.objects.filter(channel=channel_name, status=Status.SENT, closed_at__isnull=False)
    if oldest is not None:
        sent = sent.filter(id__gt=oldest)
    minutes = sent.annotate(minute=TruncMinute("closed_at")).order_by().values("minute").annotate(count=Count("id"))
    busiest = max((row["count"] for row in minutes), default=0)
    return busiest / 60 if busiest else None


def total_seconds(estimates: Iterable[Estimate]) -> float | None:
    """From now until the last leg is out, all of them started together; None where one of them is not known."""
    longest = 0.0
    for one in estimates:
        if one.seconds is None:
            return None
        longest = max(longest, one.wait_seconds + one.seconds)
    return longest
