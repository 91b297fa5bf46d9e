"""A client of a site's queue face: fills the queue with letters and watches the answers come."""

import json
import time
from types import TracebackType
from typing import Any, Self

import amqp
from kombu import Connection

from benchmarks import letters
from benchmarks.site import Site

_QUEUE, _REPLIES = "mailRequestQueue", "bench.replies"
_WINDOW = 200
# The queue as a consumer makes it, so that it can be filled before one is there.
_ARGUMENTS = {
    "x-queue-type": "quorum",
    "x-delivery-limit": 20,
    "x-dead-letter-exchange": "",
    "x-dead-letter-routing-key": f"{_QUEUE}Error",
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
}


class Client:
    """Publishes with confirms by the window; answers gather in a durable queue of its own, and only their number is
    looked at while the site works."""

    def __init__(self, site: Site) -> None:
        self._broker = Connection(site.environment["BROKER_URL"])
        self._headers = {**site.headers_of_queue(), "X-Method-Name": "Send_V2_Send"}
        self._confirmed = 0

    def __enter__(self) -> Self:
        self._broker.connect()
        self._connection: Any = self._broker.connection
        self._channel = self._connection.channel()
        self._channel.queue_declare(_QUEUE, durable=True, auto_delete=False, arguments=_ARGUMENTS)
        self._channel.queue_declare(_REPLIES, durable=True, auto_delete=False)
        self._channel.confirm_select()
        self._channel.events["basic_ack"].add(self._confirm)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._broker.release()

    def fill(self, count: int, *, first: int) -> None:
        """So many letters as plain JSON, each with a request id and a message id of its own."""
        before = self._confirmed
        for place in range(count):
            number = f"q{first + place:09d}"
            body = json.dumps(letters.short_letter(number), ensure_ascii=False, separators=(",", ":")).encode()
            message = amqp.Message(
                body,
                content_type="application/json",
                content_encoding="utf-8",
                correlation_id=number,
                message_id=number,
                reply_to=_REPLIES,
                delivery_mode=2,
                application_headers=self._headers,
            )
            self._channel.basic_publish(message, "", _QUEUE)
            while self._confirmed - before < place - _WINDOW:
                self._connection.drain_events()
        while self._confirmed - before < count:
            self._connection.drain_events()

    def answered_per_second(self, count: int, *, seconds: float) -> float:
        """From the first answers until the last; the answers are thrown away then. Raises TimeoutError."""
        end = time.monotonic() + seconds
        began, head = 0.0, 0
        while (there := self._answers()) < count:
            now = time.monotonic()
            if there and not began:
                began, head = now, there
            if now > end:
                raise TimeoutError(f"{there} of {count} letters were answered within {seconds} s")
            time.sleep(0.05)
        took = time.monotonic() - began
        self._channel.queue_purge(_REPLIES)
        return (count - head) / took

    def flaws(self) -> list[str]:
        """What is left over: letters that nobody took, or that were put aside."""
        left = {name: self._count(name) for name in (_QUEUE, f"{_QUEUE}Error")}
        return [f"{number} left in {name}" for name, number in left.items() if number]

    def _answers(self) -> int:
        return self._count(_REPLIES)

    def _count(self, queue: str) -> int:
        return int(self._channel.queue_declare(queue, passive=True).message_count)

    def _confirm(self, tag: int, multiple: bool) -> None:
        # In the order published, or all up to one.
        self._confirmed = max(self._confirmed, tag)
