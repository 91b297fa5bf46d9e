"""The error queue: what nobody could read or be told of, as it came, with the reason beside it."""

import struct
from collections.abc import Mapping
from typing import Any

from amqp import AMQPError
from amqp.serialization import dumps
from django.utils import timezone

from gateway.amqp.delivery import Answer, Delivery
from gateway.dates import format_moment

CODE, REASON, QUEUE, REFUSED_AT = "x-hammy-code", "x-hammy-reason", "x-hammy-queue", "x-hammy-refused-at"
# The broker checks a user against who publishes, counts the last two, and lets what is in CC be routed anew.
_NOT_KEPT = ("application_headers", "user_id", "cluster_id", "expiration", "delivery_mode")
_ROUTING = ("CC", "BCC")
# What the broker counts begins anew with a message that is put back.
_BROKERS = (
    "x-death", "x-delivery-count", "x-first-death-exchange", "x-first-death-queue", "x-first-death-reason",
    "x-last-death-exchange", "x-last-death-queue", "x-last-death-reason",
)  # fmt: skip
_LONGEST_REASON = 2000
# All of it must go into one frame of 128 KiB.
_MOST_BYTES = 100_000


def properties_of(delivery: Delivery, answer: Answer, *, queue: str) -> dict[str, Any]:
    """The properties of a dead letter: those it came with, but for what would not let it lie in the error queue, and
    why it is there. Headers that cannot be written again are left out, which is said too."""
    reasons = {
        CODE: answer.code,
        REASON: answer.refusal[:_LONGEST_REASON],
        QUEUE: queue,
        REFUSED_AT: format_moment(timezone.now()),
    }
    kept = {name: value for name, value in delivery.headers.items() if name not in _ROUTING} | reasons
    if not _fits(kept):
        kept = reasons | {"x-hammy-headers": "left out: they cannot be written again"}
    properties = {name: value for name, value in delivery.properties.items() if name not in _NOT_KEPT}
    return properties | {"application_headers": kept}


def revived(delivery: Delivery) -> dict[str, Any]:
    """The properties under which a dead letter goes back to its queue: those it first came with."""
    ours = (CODE, REASON, QUEUE, REFUSED_AT, *_ROUTING, *_BROKERS)
    kept = {name: value for name, value in delivery.headers.items() if name not in ours}
    properties = {name: value for name, value in delivery.properties.items() if name not in _NOT_KEPT}
    return properties | {"application_headers": kept if _fits(kept) else {}}


def _fits(headers: Mapping[Any, Any]) -> bool:
    try:
        return len(dumps("F", (dict(headers),))) <= _MOST_BYTES
    except (struct.error, ValueError, ArithmeticError, TypeError, RecursionError, AMQPError):
        return False
