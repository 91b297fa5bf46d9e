"""Browsers that subscribe to a client's pushes, and what the client says of them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from gateway.caller import Caller
from gateway.errors import Code, not_found, refuse
from gateway.models import ApiClient
from sending import subscription_limit, vapid
from sending.models import Message, Subscription, SubscriptionTag, VapidKey
from sending.models.push import SubscriptionQuerySet

MOST_TAGS = 100
_PORTION = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """By what a browser is to be addressed; None leaves what there is."""

    alias: str | None = None
    tags: Sequence[str] | None = None
    time_zone: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A browser as it subscribed (W3C Push API, PushSubscription): ``public_key`` is the client's key that it trusts,
    "" for the one that its endpoint is known with, or else the present one; ``expires_at`` None where its push service
    never forgets it, and without ``is_expiry_said`` what is known of its endpoint; ``registration_id`` its own of
    before, if it has one."""

    endpoint: str
    p256dh: str
    auth: str
    public_key: str = ""
    expires_at: datetime | None = None
    is_expiry_said: bool = True
    registration_id: str = ""
    named: Named = Named()


def register(*, caller: Caller, wish: Wish, is_browser: bool = False) -> Subscription:
    """Subscribe a browser, or renew the subscription that it has: the one of its endpoint, else the one of its
    registration id. What it does not say of itself stays as it is; a browser's own tags are added to those it has.
    Raises 1002 for a key that is none of the client's and for one browser too many, 2002 for one that may not say who
    it is."""
    client_id = client_of(caller)
    if is_browser and (wish.named.alias is not None or wish.named.tags is not None):
        _check_may_name_itself(client_id)
    key = vapid.named(client_id=client_id, public_key=wish.public_key) if wish.public_key else None
    columns = {
        "endpoint": wish.endpoint,
        "endpoint_digest": _digest(wish.endpoint),
        "p256dh": wish.p256dh,
        "auth": wish.auth,
        "expires_at": wish.expires_at,
        "last_seen_at": timezone.now(),
    }
    is_full = subscription_limit.is_reached(client_id=client_id)
    try:
        found, is_new = _kept(client_id, wish, key, columns, adds=is_browser, is_full=is_full)
    except IntegrityError:
        # The same browser twice at once: the other was first.
        found, is_new = _kept(client_id, wish, key, columns, adds=is_browser, is_full=is_full)
    if is_new:
        subscription_limit.changed(client_id=client_id, by=1)
    return found


def _kept(
    client_id: int, wish: Wish, key: VapidKey | None, columns: Mapping[str, Any], *, adds: bool, is_full: bool
) -> tuple[Subscription, bool]:
    """The subscription, and whether it is a new one."""
    with transaction.atomic():
        standing = Subscription.objects.standing().filter(client_id=client_id).select_for_update()
        found = standing.filter(endpoint_digest=columns["endpoint_digest"]).first()
        if key is None and found is not None:
            # What leads to a browser trusts one key for good.
            key = found.vapid_key
        if found is None and wish.registration_id:
            found = standing.filter(registration_id=wish.registration_id).first()
        is_new = found is None
        if found is not None and not wish.is_expiry_said and found.endpoint_digest == columns["endpoint_digest"]:
            columns = {**columns, "expires_at": found.expires_at}
        if found is None and is_full:
            raise subscription_limit.refusal()
        if found is None:
            # Not seen before it was there.
            found = Subscription(client_id=client_id, created_at=columns["last_seen_at"])
        found.vapid_key = key or vapid.current(client_id=client_id)
        for name, value in columns.items():
            setattr(found, name, value)
        _name(found, wish.named)
        found.save()
        if wish.named.tags is not None:
            _tag(found, wish.named.tags, adds=adds)
    return found, is_new


def subscriptions(*, caller: Caller, tag: str = "", alias: str = "") -> SubscriptionQuerySet:
    """The caller's subscriptions that stand, the oldest first."""
    return standing_of(client_of(caller), tag=tag, alias=alias)


def standing_of(client_id: int, *, tag: str = "", alias: str = "") -> SubscriptionQuerySet:
    """A client's subscriptions that stand, the oldest first."""
    found = Subscription.objects.standing().filter(client_id=client_id)
    if tag:
        found = found.filter(tags__tag=tag)
    if alias:
        found = found.filter(alias=alias)
    return found.order_by("id")


def find(*, caller: Caller, registration_id: str) -> Subscription:
    """One of the caller's subscriptions that stand; raises 3000."""
    return _found(_visible_to(caller), registration_id)


def name(
    *,
    caller: Caller,
    registration_id: str,
    named: Named,
    added: Collection[str] = (),
    removed: Collection[str] = (),
) -> Subscription:
    """Say anew by what a browser is addressed: all its tags, or some that it gets or loses. Raises 3000."""
    with transaction.atomic():
        found = _found(_visible_to(caller).select_for_update(), registration_id)
        _name(found, named)
        found.save(update_fields=["alias", "time_zone", "language"])
        if named.tags is not None:
            _tag(found, named.tags, adds=False)
        found.tags.filter(tag__in=removed).delete()
        if added:
            _tag(found, added, adds=True)
    return found


def remove(*, caller: Caller, registration_id: str) -> None:
    """Send a browser nothing any more; what waits for it fails. Raises 3000."""
    found = find(caller=caller, registration_id=registration_id)
    count = remove_found(Subscription.objects.filter(pk=found.pk), reason=f"removed by {caller.actor}")
    subscription_limit.changed(client_id=found.client_id, by=-count)


def remove_gone(endpoints: Mapping[Message, str]) -> int:
    """Remove the subscriptions of pushes whose push services say that there is nobody at these endpoints any more; how
    many. One that was renewed meanwhile stands."""
    reason = "gone, says its push service"
    named = [(message.content["subscription_id"], _digest(endpoint)) for message, endpoint in endpoints.items()]
    return sum(
        remove_found(Subscription.objects.filter(pk=pk, endpoint_digest=digest), reason=reason) for pk, digest in named
    )


def remove_expired() -> int:
    """Remove those that their push services have forgotten by now, as these had said; how many."""
    expired = Subscription.objects.standing().filter(expires_at__lte=timezone.now()).order_by("expires_at")
    return sum(remove_found(Subscription.objects.filter(pk__in=ids), reason="expired") for ids in _portions(expired))


def prune(*, before: datetime) -> int:
    """Forget subscriptions that were removed before a moment; how many."""
    count = 0
    for ids in _portions(Subscription.objects.filter(removed_at__lt=before).order_by("removed_at")):
        count += Subscription.objects.filter(pk__in=ids).delete()[1].get("sending.Subscription", 0)
    return count


def _portions(found: SubscriptionQuerySet) -> Iterator[list[int]]:
    """The ids of all, a thousand at a time, as long as each thousand is dealt with."""
    while ids := list(found.values_list("id", flat=True)[:_PORTION]):
        yield ids


def tags_of(subscriptions: Collection[Subscription]) -> dict[int, list[str]]:
    """The tags of these by subscription, in order."""
    found: dict[int, list[str]] = {}
    rows = SubscriptionTag.objects.filter(subscription__in=subscriptions).order_by("tag")
    for subscription_id, tag in rows.values_list("subscription_id", "tag"):
        found.setdefault(subscription_id, []).append(tag)
    return found


def _found(subscriptions: SubscriptionQuerySet, registration_id: str) -> Subscription:
    # PostgreSQL refuses to be asked for a NUL.
    found = None if "\0" in registration_id else subscriptions.filter(registration_id=registration_id).first()
    if found is None:
        raise not_found(f"device {registration_id[:64]}")
    return found


def remove_found(found: SubscriptionQuerySet, *, reason: str) -> int:
    """Remove these, whosever they are; how many of them stood. What leads to a browser is forgotten at once, that it
    was there only by retention."""
    return found.standing().update(
        removed_at=timezone.now(), removed_for=reason[:200], endpoint="", endpoint_digest="", p256dh="", auth="",
        vapid_key=None,
    )  # fmt: skip


def _visible_to(caller: Caller) -> SubscriptionQuerySet:
    return Subscription.objects.standing().filter(client_id=client_of(caller))


def client_of(caller: Caller) -> int:
    """The client whose subscriptions a caller may see; raises 2002."""
    caller.require("send")
    if caller.client_id is None:
        raise ValueError("a subscription belongs to a client")
    return caller.client_id


def _check_may_name_itself(client_id: int) -> None:
    if not ApiClient.objects.filter(pk=client_id, browsers_name_themselves=True).exists():
        raise refuse(Code.FORBIDDEN, "alias and tags are said by the client's own servers alone")


def _digest(endpoint: str) -> str:
    return sha256(endpoint.encode()).hexdigest()


def _name(subscription: Subscription, named: Named) -> None:
    if named.alias is not None:
        subscription.alias = named.alias
    if named.time_zone is not None:
        subscription.time_zone = named.time_zone
    if named.language is not None:
        subscription.language = named.language


def _tag(subscription: Subscription, tags: Collection[str], *, adds: bool) -> None:
    """Its tags beside those it has, or instead of them; raises 1002 for too many."""
    wanted = dict.fromkeys(tags)
    if not adds:
        subscription.tags.exclude(tag__in=wanted).delete()
    rows = [SubscriptionTag(subscription=subscription, tag=tag) for tag in wanted]
    SubscriptionTag.objects.bulk_create(rows, ignore_conflicts=True)
    if subscription.tags.count() > MOST_TAGS:
        raise refuse(Code.INVALID, f"must be at most {MOST_TAGS} together", "tags")
