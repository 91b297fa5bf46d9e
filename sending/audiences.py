"""Whom a push reaches (contract schedules_v4, ``to``)."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q

from sending.models.push import Subscription, SubscriptionQuerySet, SubscriptionTag

_EACH = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """A client's subscriptions for which all that is given holds; nothing given = all of them."""

    tag: tuple[str, ...] = ()
    tag_and: tuple[str, ...] = ()
    tag_not: tuple[str, ...] = ()
    alias: tuple[str, ...] = ()
    registration_id: tuple[str, ...] = ()

    def as_json(self) -> dict[str, list[str]]:
        return {name: list(values) for name, values in asdict(self).items() if values}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """What ``as_json`` made."""
        return cls(**{name: tuple(values) for name, values in data.items()})

    def reached(self, *, client_id: int, zones: Collection[str] | None = None) -> SubscriptionQuerySet:
        """The subscriptions, each once; with ``zones`` only those in one of these zones."""
        found = Subscription.objects.standing().filter(client_id=client_id)
        tags = SubscriptionTag.objects.filter(subscription=OuterRef("pk"))
        if self.tag:
            found = found.filter(Exists(tags.filter(tag__in=self.tag)))
        wanted = sorted(set(self.tag_and))
        # Each looked up for itself: all at once, however few have them, were counted for every subscription there is.
        for tag in wanted[:_EACH]:
            found = found.filter(Exists(tags.filter(tag=tag)))
        if rest := wanted[_EACH:]:
            of_one = tags.filter(tag__in=rest).order_by().values("subscription").annotate(count=Count("id"))
            found = found.filter(Exists(of_one.filter(count=len(rest))))
        if self.tag_not:
            found = found.filter(~Exists(tags.filter(tag__in=self.tag_not)))
        if self.alias:
            found = found.filter(alias__in=self.alias)
        if self.registration_id:
            found = found.filter(registration_id__in=self.registration_id)
        if zones is not None:
            own = Q(time_zone="") if settings.TIME_ZONE in zones else Q()
            found = found.filter(Q(time_zone__in=sorted(zones)) | own)
        return found
