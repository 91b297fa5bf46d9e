"""A line to RabbitMQ: one connection with one channel, and what may break it.

The library is used as it is, below kombu's own messages: those are inflated by their header ``compression`` before any
cap of ours could act, and decoded by what they say of themselves (pickle, YAML). Ours are bytes until a door reads
them. Kombu reads the address, TLS and other brokers to fall back to included.
"""

import contextlib
import os
import socket
import time
from collections import deque
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import amqp
from amqp import spec
from kombu import Connection
from kombu.exceptions import KombuError

from gateway.amqp.delivery import Delivery
from gateway.amqp.frames import Reader, tolerant

# What a line that is no more raises, whoever ended it.
BROKEN = (amqp.AMQPError, KombuError, OSError, EOFError)
_CONNECT_SECONDS = 10
_HEARTBEAT_SECONDS = 60
_CLOSE_SECONDS = 2


class Line:
    """An open connection, a context manager. Raises what is in BROKEN."""

    def __init__(self, url: str, *, name: str) -> None:
        self._broker = Connection(
            url,
            connect_timeout=_CONNECT_SECONDS,
            heartbeat=_HEARTBEAT_SECONDS,
            transport_options={
                "frame_handler": tolerant,
                "client_properties": {
                    "connection_name": f"hammy {name} {socket.gethostname()} {os.getpid()}",
                    # Asked for, it would be looked for before each message that is published.
                    "capabilities": {"consumer_cancel_notify": True, "authentication_failure_close": True},
                },
            },
        )
        try:
            # One try for each broker there is; who waits how long is decided above.
            self._broker.ensure_connection(max_retries=max(0, len(self._broker.alt) - 1))
            self.connection: Any = self._broker.connection
            self.channel = self._open_channel()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection, whatever state it is in; what was not acknowledged goes back to its queue."""
        with contextlib.suppress(*BROKEN, AttributeError):
            self._broker.collect(socket_timeout=_CLOSE_SECONDS)

    def beat(self) -> None:
        """Tell the broker that we are there; to be called every few seconds while nothing is read."""
        self.connection.send_heartbeat()

    def tend(self) -> None:
        """As ``beat``, when it is time to; raises when the broker was silent for too long. Only after reading."""
        self.connection.heartbeat_tick()

    def declare_queue(self, name: str, arguments: Mapping[str, Any]) -> None:
        """See that a durable queue is there, made with ``arguments`` unless it was there before, however it was made
        then."""
        try:
            self.channel.queue_declare(name, passive=True)
        except amqp.NotFound:
            # The broker closed the channel to say so.
            self.channel = self._open_channel()
            self.channel.queue_declare(name, durable=True, auto_delete=False, arguments=dict(arguments))

    def count(self, queue: str) -> int:
        """How many messages wait in a queue; none where there is no such queue."""
        try:
            return int(self.channel.queue_declare(queue, passive=True).message_count)
        except amqp.NotFound:
            self.channel = self._open_channel()
            return 0

    def declare_exchange(self, name: str) -> None:
        """See that an exchange is there, made as a durable direct one unless it was there before."""
        if not name:
            return
        try:
            self.channel.exchange_declare(name, "direct", passive=True)
        except amqp.NotFound:
            self.channel = self._open_channel()
            self.channel.exchange_declare(name, "direct", durable=True, auto_delete=False)

    def _open_channel(self) -> Any:
        channel = self.connection.channel()
        channel.auto_decode = False
        return channel


class Intake(Line):
    """The line that messages come by. Nothing is read from it but by ``receive``: what we do not take waits at the
    broker and on the way, and not in our memory."""

    def __init__(self, url: str) -> None:
        self._arrived: deque[Delivery] = deque()
        super().__init__(url, name="intake")

    def consume(self, queue: str, *, prefetch: int) -> None:
        """Have up to ``prefetch`` messages that are not yet acknowledged brought to us."""
        self.channel.basic_qos(0, prefetch, False)
        self.channel.basic_consume(queue, callback=self._note)
        self._reader = Reader(self.connection)

    def receive(self, seconds: float) -> Delivery | None:
        """The next message, waiting for it up to ``seconds``."""
        if not self._arrived:
            try:
                self._reader.read(seconds)
            except TimeoutError:
                return None
        return self._arrived.popleft() if self._arrived else None

    def acknowledge(self, tag: int, *, and_before: bool) -> None:
        """Let the broker forget one message, or all up to it."""
        self.channel.basic_ack(tag, and_before)

    def finish(self) -> None:
        """Close the line once the broker has taken note of all that was acknowledged over it. Closed at once, what
        still came to us would have it forget our last words."""
        self.connection.send_method(spec.Connection.Close, "BsBB", (0, "", 0, 0))
        end = time.monotonic() + _CLOSE_SECONDS
        while self.connection.connected and time.monotonic() < end:
            with contextlib.suppress(TimeoutError):
                self._reader.read(_CLOSE_SECONDS)

    def _note(self, message: Any) -> None:
        self._arrived.append(Delivery.of(message))
