"""The error queue from the other side: what lies there, and putting it back to where it came from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from gateway.amqp import dead_letters
from gateway.amqp.delivery import Delivery
from gateway.amqp.line import Line
from gateway.amqp.outlet import Outlet
from gateway.dates import parse_moment

_WINDOW = 100
_MOST_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One message of an error queue. ``refused_at`` is None where the broker put it aside by itself."""

    delivery: Delivery
    code: int
    reason: str
    refused_at: datetime | None
    size: int

    def as_json(self) -> dict[str, Any]:
        """What a person needs to know of it; nothing of what it says."""
        refused_at = self.delivery.header(dead_letters.REFUSED_AT)
        return {
            "code": self.code,
            "reason": self.reason,
            "refusedAt": refused_at,
            "messageId": self.delivery.property("message_id"),
            "correlationId": self.delivery.property("correlation_id"),
            "contentType": self.delivery.property("content_type"),
            "bytes": self.size,
        }


class ErrorQueue:
    """The dead letters of a queue face. Each call is one line to the broker, and raises what is in BROKEN."""

    def __init__(self, *, url: str, errors: str, requests: str) -> None:
        self._url, self._errors, self._requests = url, errors, requests

    def count(self) -> int:
        """How many there are; none where there is no such queue yet."""
        with Line(self._url, name="error queue") as line:
            return line.count(self._errors)

    def look(self, limit: int) -> list[DeadLetter]:
        """The oldest, up to ``limit``, without their bodies; they stay where they are."""
        with Line(self._url, name="error queue") as line:
            return [replace(one, delivery=replace(one.delivery, body=b"")) for one in self._each(line, limit)]

    def put_back(self, limit: int, *, is_wanted: Callable[[DeadLetter], bool] = lambda _: True) -> int:
        """Put the oldest, up to ``limit``, back into the queue they came by, as they came; how many.

        What is refused again comes back behind those that were there, and is not put back twice by one call.
        """
        count = 0
        with Line(self._url, name="error queue") as line, Outlet(self._url) as outlet:
            window: list[DeadLetter] = []
            for one in self._each(line, limit):
                if not is_wanted(one):
                    continue
                count += 1
                window.append(one)
                if len(window) == _WINDOW or sum(each.size for each in window) > _MOST_BYTES:
                    self._move(window, line, outlet)
            self._move(window, line, outlet)
            # Asked and answered, so that all of it has arrived before the line is closed.
            line.channel.basic_recover(requeue=True)
        return count

    def _move(self, window: list[DeadLetter], line: Line, outlet: Outlet) -> None:
        for one in window:
            properties = dead_letters.revived(one.delivery)
            outlet.publish(one.delivery.body, exchange="", routing_key=self._requests, must_arrive=True, **properties)
        outlet.confirm()
        for one in window:
            line.channel.basic_ack(one.delivery.tag)
        window.clear()

    def _each(self, line: Line, limit: int) -> Iterator[DeadLetter]:
        for _ in range(min(limit, line.count(self._errors))):
            message = line.channel.basic_get(self._errors)
            if message is None:
                return
            yield _read(Delivery.of(message))


def _read(delivery: Delivery) -> DeadLetter:
    code = delivery.headers.get(dead_letters.CODE)
    reason = delivery.header(dead_letters.REASON) or delivery.header("x-first-death-reason")
    try:
        refused_at = parse_moment(delivery.header(dead_letters.REFUSED_AT))
    except ValueError:
        refused_at = None
    return DeadLetter(
        delivery=delivery,
        code=code if isinstance(code, int) else 0,
        reason=reason,
        refused_at=refused_at,
        size=len(delivery.body),
    )
