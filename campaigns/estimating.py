"""What a campaign would come to before it is sent: how many letters, who gets none, and how long it takes."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import islice
from uuid import UUID

import idna
from django.db.models import Count, Q
from django.db.models.functions import TruncMinute
from django.utils import timezone

from campaigns import making, services
from campaigns.models import Campaign, CampaignPart, Recipient
from campaigns.recipient_rules import Person
from gateway.caller import Caller
from gateway.errors import Code, refuse
from sending.channels import channels
from sending.models import Message, Suppression
from sending.states import Status

_PORTION = 500


class Basis(StrEnum):
    """What a leg's pace was taken from: the slower of its own limit and what its channel did in the last hour."""

    THROTTLE = "THROTTLE"
    LAST_HOUR = "LAST_HOUR"
    NONE = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One leg sent now: how many its group holds, how many of them lack the address that its channel needs, how many
    letters would be cancelled because their recipient is suppressed, and how many are left to go out. How many go out
    ``per_minute`` is told by ``basis``, None where nothing tells; they begin to in ``wait_seconds``."""

    part: CampaignPart
    recipients: int
    without_address: int
    suppressed: int
    letters: int
    per_minute: float | None
    basis: Basis
    wait_seconds: float

    @property
    def seconds(self) -> float | None:
        """How long the letters take, from the first to the last."""
        return 0.0 if not self.letters else 60 * self.letters / self.per_minute if self.per_minute else None


def estimates(*, caller: Caller, uuid: UUID, leg_ids: Sequence[int] = ()) -> list[Estimate]:
    """An estimate of each leg, or of those named; raises 3000, and 1002 for legs of others."""
    campaign = services.find(caller=caller, uuid=uuid)
    known = set(campaign.parts.values_list("id", flat=True))
    if unknown := [pk for pk in leg_ids if pk not in known]:
        raise refuse(Code.INVALID, f"{unknown[0]} is no leg of this campaign", "leg_ids")
    return estimate(campaign, leg_ids)


def estimate(campaign: Campaign, leg_ids: Sequence[int] = ()) -> list[Estimate]:
    """An estimate for each leg in order, or for those named. Each group is counted once, as it is now: a second or so
    for a million."""
    parts = list(campaign.parts.select_related("group").order_by("id"))
    parts = [part for part in parts if not leg_ids or part.pk in leg_ids]
    paces = {name: _pace(name) for name in {part.channel for part in parts}}
    return [_of_leg(campaign, part, paces[part.channel]) for part in parts]


def _of_leg(campaign: Campaign, part: CampaignPart, pace: float | None) -> Estimate:
    unreachable = _lacks_address(part.channel)
    counts = Recipient.objects.filter(group_id=part.group_id).aggregate(
        all=Count("id"), lacking=Count("id", filter=unreachable)
    )
    suppressed = _suppressed(campaign, part, unreachable)
    letters = counts["all"] - counts["lacking"] - suppressed
    per_minute, basis = _slower(part.messages_per_minute, pace)
    return Estimate(
        part=part,
        recipients=counts["all"],
        without_address=counts["lacking"],
        suppressed=suppressed,
        letters=letters,
        per_minute=per_minute,
        basis=basis,
        wait_seconds=max(0.0, (part.send_at - timezone.now()).total_seconds()) if part.send_at else 0.0,
    )


def _slower(throttle: int | None, pace: float | None) -> tuple[float | None, Basis]:
    """How many a minute, and what says so: no throttle is outrun, and a channel that is slower is what happens."""
    if throttle and (not pace or throttle <= pace):
        return throttle, Basis.THROTTLE
    return (pace, Basis.LAST_HOUR) if pace else (None, Basis.NONE)


def _lacks_address(channel: str) -> Q:
    """Who lacks what the channel demands of every letter; a partner may do in the place of an address."""
    lacking = Q(pk__in=[])
    for column in ("email_address", "postal_address"):
        if f"recipient_{column}" in making.demanded(channel):
            lacks = Q(**{column: ""})
            is_replaced = f"recipient_{column}" not in making.demanded(channel, partner_ref="x")
            lacking |= lacks & Q(partner_ref="") if is_replaced else lacks
    return lacking


def _suppressed(campaign: Campaign, part: CampaignPart, unreachable: Q) -> int:
    """How many of the others no letter goes to."""
    kind = channels().get(part.channel)
    if kind is None or not kind.minds_suppressions:
        return 0
    holding = Suppression.objects.standing().filter(Q(client_id=None) | Q(client_id=campaign.client_id))
    entries = holding.order_by().values_list("digest", "address").distinct().iterator(chunk_size=_PORTION)
    reachable = Recipient.objects.filter(~unreachable, group_id=part.group_id).exclude(email_address="")
    count = 0
    while portion := list(islice(entries, _PORTION)):
        count += reachable.filter(identity__in=list(_identities(portion))).count()
    return count


def _identities(entries: Collection[tuple[str, str]]) -> Iterator[str]:
    """As whom a recipient with a suppressed address is known (campaigns.recipient_rules): of an address in ASCII its
    identity begins as its digest does."""
    for digest, address in entries:
        yield digest[:32]
        if written := _with_its_accents(address):
            yield Person(email_address=written).identity


def _with_its_accents(address: str) -> str:
    """The address as people write it; "" where that is no other."""
    local, _, host = address.rpartition("@")
    try:
        return f"{local}@{idna.decode(host)}" if "xn--" in host else ""
    except idna.IDNAError:
        return ""


def _pace(channel_name: str) -> float | None:
    """How many letters of a channel went out a minute in the last hour, in those minutes in which any did."""
    since = timezone.now() - timedelta(hours=1)
    sent = Message.objects.filter(closed_at__gte=since, erased_at=None, channel=channel_name, status=Status.SENT)
    found = sent.order_by().aggregate(count=Count("id"), minutes=Count(TruncMinute("closed_at"), distinct=True))
    return found["count"] / found["minutes"] if found["minutes"] else None


def total_seconds(estimates: Iterable[Estimate]) -> float | None:
    """From now until the last leg is out, all of them started together; None where one of them is not known."""
    longest = 0.0
    for one in estimates:
        if one.seconds is None:
            return None
        longest = max(longest, one.wait_seconds + one.seconds)
    return longest
