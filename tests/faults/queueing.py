"""A client of a site's queue face over a real broker: sends requests, reads answers and dead letters."""

import json
from types import TracebackType
from typing import Any, Self

import amqp
from kombu import Connection

from tests.faults.site import letter, wait_until

QUEUE, ERRORS, REPLIES = "mailRequestQueue", "mailRequestQueueError", "replies"


class QueueClient:
    """One connection of a client; a context manager. Its queue of answers is its own."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self._broker = Connection(url)
        self._headers = headers

    def __enter__(self) -> Self:
        self._broker.connect()
        self.connection: Any = self._broker.connection
        self.channel = self.connection.channel()
        self.channel.auto_decode = False
        self.channel.queue_declare(REPLIES, durable=True, auto_delete=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._broker.collect(socket_timeout=1)

    def wait_for_consumers(self, count: int = 1) -> None:
        """Until so many consume the queue of requests."""

        def there() -> bool:
            try:
                return self.channel.queue_declare(QUEUE, passive=True).consumer_count >= count
            except amqp.NotFound:
                self.channel = self.connection.channel()
                self.channel.auto_decode = False
                return False

        wait_until(there, seconds=60, what=f"{count} consumers")

    def send(self, request_id: str = "", *, body: bytes | None = None, headers: Any = None, **properties: Any) -> None:
        """One request; a letter as JSON unless something else is said."""
        given = {"content_type": "application/json", "reply_to": REPLIES, "delivery_mode": 2} | properties
        text = body if body is not None else json.dumps(letter(request_id)).encode()
        message = amqp.Message(text, application_headers=self._headers | (headers or {}), **given)
        self.channel.basic_publish(message, "", QUEUE)

    def take(self, queue: str = REPLIES, *, seconds: float = 60) -> Any:
        """The next message of a queue."""
        return wait_until(lambda: self._got(queue), seconds=seconds, what=f"a message in {queue}")

    def answers(self, count: int, *, seconds: float = 60) -> list[Any]:
        """So many answers, and no further one."""
        found = [self.take(seconds=seconds) for _ in range(count)]
        assert self._got(REPLIES) is None
        return found

    def waiting(self, queue: str = QUEUE) -> int:
        return int(self.channel.queue_declare(queue, passive=True).message_count)

    def _got(self, queue: str) -> Any:
        return self.channel.basic_get(queue, no_ack=True)


def numbers(answers: list[Any]) -> list[int]:
    """The message's number in each answer."""
    return [json.loads(answer.body)["messageId"] for answer in answers]
