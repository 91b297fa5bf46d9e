"""What browsers are told, made from the push that says it and the subscription that says to whom."""

import json
import math
import re
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from django.utils import timezone

from gateway.sealing import SealBroken, unseal
from sending.channels.base import NotReady, WebPush
from sending.models import Message, Push, Subscription, VapidKey
from sending.overriding import overriding

# A push service takes bodies of 4096 bytes (RFC 8030, 7.2), of which encryption takes 103 (RFC 8291, 4).
MOST_BYTES = 3993
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}")
# The longest id there is.
_ANY_ID = 10**18


class Browser(NamedTuple):
    """What a push needs of a subscription: making a model of each cost more than finding it."""

    endpoint: str
    p256dh: str
    auth: str
    vapid_key_id: int


def payload(push_id: int, content: Mapping[str, Any]) -> bytes:
    """What a browser gets to read, as JSON: ``msg_id``, by which our worker shows it once, ``notification`` or
    ``message`` and ``custom_args`` as they were given, ``topic`` where one was."""
    told = {"msg_id": str(push_id)} | {key: value for key, value in content.items() if key != "options"}
    if topic := _option(content, "override_msg_id"):
        told["topic"] = topic
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def size_of(content: Mapping[str, Any]) -> int:
    """How many bytes of ``MOST_BYTES`` it takes to say this."""
    return len(payload(_ANY_ID, content))


def web_pushes(messages: Collection[Message]) -> dict[int, WebPush | NotReady]:
    """What is to be handed over for those of a claim that are pushes, by message, or why it cannot be; nothing for one
    whose browser is gone, or whose push is forgotten."""
    named = {message.pk: message.content for message in messages if message.is_push}
    if not named:
        return {}
    pushes = Push.objects.in_bulk({content["push_id"] for content in named.values()})
    ids = {content["subscription_id"] for content in named.values()}
    found = Subscription.objects.standing().filter(pk__in=ids, vapid_key__isnull=False)
    browsers = {pk: Browser(*rest) for pk, *rest in found.values_list("id", *Browser._fields)}
    payloads = {pk: payload(pk, push.content) for pk, push in pushes.items()}
    keys = VapidKey.objects.in_bulk({one.vapid_key_id for one in browsers.values()})
    private_keys = {pk: _private_key(key) for pk, key in keys.items()}
    topics = {pk: topic for pk, push in pushes.items() if (topic := _option(push.content, "override_msg_id"))}
    overridden = overriding(messages, topics) if topics else {}
    now = timezone.now()
    made: dict[int, WebPush | NotReady] = {}
    for message in messages:
        content = named.get(message.pk, {})
        push, one = pushes.get(content.get("push_id")), browsers.get(content.get("subscription_id"))
        if push is None or one is None:
            continue
        private_key = private_keys[one.vapid_key_id]
        if by := overridden.get(message.pk):
            made[message.pk] = NotReady(f"overridden by push {by}", is_lasting=True)
        elif isinstance(private_key, NotReady):
            made[message.pk] = private_key
        else:
            made[message.pk] = WebPush(
                endpoint=one.endpoint,
                p256dh=one.p256dh,
                auth=one.auth,
                private_key=private_key,
                payload=payloads[push.pk],
                time_to_live=_time_to_live(push, message, now),
                urgency=_option(push.content, "urgency"),
                topic=_topic(_option(push.content, "override_msg_id")),
            )
    return made


def _private_key(key: VapidKey) -> str | NotReady:
    try:
        return unseal(key.private_key)
    except SealBroken as error:
        # Whoever changed SECRET_KEY can put the old one among its fallbacks, and nothing is lost.
        return NotReady(f"its client's push key cannot be read: {error}", is_lasting=False)


def _time_to_live(push: Push, message: Message, now: datetime) -> int:
    """The seconds that are left of it; 0 where it is only for who is online."""
    if not push.time_to_live or message.expires_at is None:
        return push.time_to_live
    return max(1, math.ceil((message.expires_at - now).total_seconds()))


def _option(content: Mapping[str, Any], name: str) -> str:
    value = (content.get("options") or {}).get(name)
    return "" if value is None else str(value)


def _topic(given: str) -> str:
    """As RFC 8030, 5.4, has it: what is no such word stands for one that is the same each time."""
    if not given or _TOPIC.fullmatch(given):
        return given
    return urlsafe_b64encode(sha256(given.encode()).digest()).decode()[:32]
