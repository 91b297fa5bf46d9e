"""How many letters a campaign would be, and how long they would take."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from itertools import islice
from uuid import UUID

import idna
from django.db.models import Count, Q
from django.db.models.functions import TruncMinute
from django.utils import timezone

from campaigns import services
from campaigns.models import CampaignPart, Recipient
from gateway.caller import Caller
from gateway.errors import Code, refuse
from sending.channels import channels
from sending.models import Message, Suppression
from sending.states import Status

_PORTION = 500


class Basis(StrEnum):
    """What a leg's pace was taken from."""

    THROTTLE = "THROTTLE"
    LAST_HOUR = "LAST_HOUR"
    NONE = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Of one leg: ``suppressed`` are among the recipients. ``per_minute`` and ``seconds`` are None where nothing tells
    how fast its letters would go."""

    part: CampaignPart
    recipients: int
    suppressed: int
    per_minute: float | None
    basis: Basis

    @property
    def seconds(self) -> int | None:
        """How long its letters would take, from the first to the last."""
        letters = self.recipients - self.suppressed
        return round(60 * letters / self.per_minute) if self.per_minute else None


def estimates(*, caller: Caller, uuid: UUID, leg_ids: Sequence[int] = ()) -> list[Estimate]:
    """An estimate of each leg, or of those named; raises 3000, and 1002 for legs of others."""
    campaign = services.find(caller=caller, uuid=uuid)
    parts = {part.pk: part for part in campaign.parts.order_by("id")}
    if unknown := [pk for pk in leg_ids if pk not in parts]:
        raise refuse(Code.INVALID, f"{unknown[0]} is no leg of this campaign", "leg_ids")
    chosen = [part for pk, part in parts.items() if not leg_ids or pk in leg_ids]
    paces = {channel: _pace(channel) for channel in {part.channel for part in chosen}}
    return [_estimate(part, campaign.client_id, paces[part.channel]) for part in chosen]


def _estimate(part: CampaignPart, client_id: int | None, pace: float | None) -> Estimate:
    throttle = part.messages_per_minute
    is_throttled = throttle is not None and (pace is None or throttle <= pace)
    basis = Basis.THROTTLE if is_throttled else Basis.NONE if pace is None else Basis.LAST_HOUR
    return Estimate(
        part=part,
        recipients=Recipient.objects.filter(group_id=part.group_id).count(),
        suppressed=_suppressed(part, client_id),
        per_minute=throttle if is_throttled else pace,
        basis=basis,
    )


def _pace(channel: str) -> float | None:
    """How many letters of a channel went out a minute in the last hour, in those minutes in which any did."""
    since = timezone.now() - timedelta(hours=1)
    sent = Message.objects.filter(closed_at__gte=since, erased_at=None, channel=channel, status=Status.SENT)
    found = sent.order_by().aggregate(count=Count("id"), minutes=Count(TruncMinute("closed_at"), distinct=True))
    return found["count"] / found["minutes"] if found["minutes"] else None


def _suppressed(part: CampaignPart, client_id: int | None) -> int:
    """How many of a leg's recipients no letter goes to."""
    kind = channels().get(part.channel)
    if kind is None or not kind.minds_suppressions:
        return 0
    holding = Suppression.objects.standing().filter(Q(client_id=None) | Q(client_id=client_id))
    entries = holding.order_by().values_list("digest", "address").distinct().iterator(chunk_size=_PORTION)
    group = Recipient.objects.filter(group_id=part.group_id)
    count = 0
    while portion := list(islice(entries, _PORTION)):
        count += group.filter(identity__in=list(_identities(portion))).count()
    return count


def _identities(entries: Collection[tuple[str, str]]) -> Iterator[UUID]:
    """As whom a recipient with a suppressed address is known (campaigns.recipient_rules): of an address in ASCII its
    identity begins as its digest does."""
    for digest, address in entries:
        yield UUID(hex=digest[:32])
        if written := _with_its_accents(address):
            yield UUID(bytes=sha256(written.encode()).digest()[:16])


def _with_its_accents(address: str) -> str:
    """The address as people write it; "" where that is no other."""
    local, _, host = address.rpartition("@")
    try:
        return f"{local}@{idna.decode(host)}" if "xn--" in host else ""
    except idna.IDNAError:
        return ""
