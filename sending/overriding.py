"""Which pushes of a claim are overridden (contract schedules_v4, ``override_msg_id``): what its push service kept
waiting must not take the place of what was said after it."""

from collections.abc import Collection, Mapping

from django.db.models import TextField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from sending.models import Message, Push
from sending.states import Status

# Of so many later ones that override a push it is looked up whether they are for the same browser.
_MOST_LATER, _MOST_OF_A_CLAIM = 20, 1000
_NOT_TOLD = (Status.HELD, Status.FAILED, Status.CANCELLED)


def overriding(messages: Collection[Message], topics: Mapping[int, str]) -> dict[int, int]:
    """By message of a claim the push that overrides it for its browser; ``topics`` are those of the pushes that have
    one. Others of the claim are always looked at, the tables only for what was tried before: the others go in order."""
    found: dict[int, int] = {}
    last: dict[tuple[int | None, str, int], int] = {}
    named = [message for message in messages if message.content.get("push_id") in topics]
    for message in named:
        place = _place(message, topics)
        last[place] = max(last.get(place, 0), message.content["push_id"])
    for message in named:
        newest = last[_place(message, topics)]
        if newest > message.content["push_id"]:
            found[message.pk] = newest
    late = [one for one in named if one.pk not in found and (one.attempts or one.reason)]
    return found | (_told_later(late, topics) if late else {})


def _place(message: Message, topics: Mapping[int, str]) -> tuple[int | None, str, int]:
    return message.client_id, topics[message.content["push_id"]], message.content["subscription_id"]


def _told_later(messages: Collection[Message], topics: Mapping[int, str]) -> dict[int, int]:
    found: dict[int, int] = {}
    for client_id in {message.client_id for message in messages}:
        mine = [message for message in messages if message.client_id == client_id]
        later = _later({message.content["push_id"] for message in mine}, topics, client_id)
        keys: dict[str, tuple[int, int]] = {}
        for message in mine:
            push_id, subscription_id = message.content["push_id"], message.content["subscription_id"]
            newer = [push for push in later.get(topics[push_id], ()) if push.pk > push_id][:_MOST_LATER]
            keys |= {push.key_for(subscription_id): (message.pk, push.pk) for push in newer}
        told = Message.objects.filter(client_id=client_id, idempotency_key__in=list(keys))
        for key in told.exclude(status__in=_NOT_TOLD).values_list("idempotency_key", flat=True):
            pk, by = keys[str(key)]
            found[pk] = max(by, found.get(pk, 0))
    return found


def _later(push_ids: Collection[int], topics: Mapping[int, str], client_id: int | None) -> dict[str, list[Push]]:
    """The client's pushes with these topics since the first of them, by topic, the newest first."""
    # A number and its digits are one topic.
    topic = Cast(KT("content__options__override_msg_id"), TextField())
    later = Push.objects.filter(client_id=client_id, pk__gt=min(push_ids)).annotate(topic=topic)
    wanted = later.filter(topic__in={topics[pk] for pk in push_ids}).only("id", "occasion").order_by("-id")
    found: dict[str, list[Push]] = {}
    for push in wanted[:_MOST_OF_A_CLAIM]:
        found.setdefault(push.topic, []).append(push)
    return found
