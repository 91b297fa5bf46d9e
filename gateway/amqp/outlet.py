"""The line that answers go out by, confirmed by the window: all are published, then all confirmations awaited."""

import logging
import time
from collections.abc import Mapping
from typing import Any

import amqp

from gateway.amqp.frames import published
from gateway.amqp.line import Line

_log = logging.getLogger(__name__)
_PERSISTENT = 2
_CONFIRM_SECONDS = 30.0
_LOOK_SECONDS = 1.0


class NotTaken(amqp.AMQPError):
    """The broker did not take a message that must not be lost."""


class Outlet(Line):
    """Publishes by the window. An answer that nobody takes (no such queue, a full one) is dropped with a line in the
    log, for its letter stands; a message that ``must_arrive`` and does not raises NotTaken."""

    def __init__(self, url: str) -> None:
        self._published = 0
        # By the broker's count: what it is about, and whether it must arrive.
        self._open: dict[int, tuple[str, bool]] = {}
        self._lost = ""
        self._unwritten: list[bytes] = []
        super().__init__(url, name="outlet")

    def publish(
        self,
        body: bytes,
        *,
        exchange: str,
        routing_key: str,
        must_arrive: bool = False,
        **properties: Any,
    ) -> None:
        """Have one message published with the next ``confirm``, as one that survives the broker's restart."""
        frames = published(
            body,
            exchange=exchange,
            routing_key=routing_key,
            properties={"delivery_mode": _PERSISTENT, **properties},
            channel=self.channel.channel_id,
            frame_max=self.connection.frame_max,
        )
        self._unwritten.append(frames)
        self._published += 1
        self._open[self._published] = (f"{exchange or 'queue'} {routing_key}", must_arrive)

    def confirm(self) -> None:
        """Publish, and wait until the broker has said of all whether it has it; raises NotTaken."""
        if self._unwritten:
            if not self.connection.connected:
                raise ConnectionError("the line is closed")
            self.connection.transport.write(b"".join(self._unwritten))
            # By this the library knows that no heartbeat is needed.
            self.connection.bytes_sent += len(self._unwritten)
            self._unwritten.clear()
        end = time.monotonic() + _CONFIRM_SECONDS
        while self._open and time.monotonic() < end:
            try:
                self.connection.drain_events(timeout=_LOOK_SECONDS)
            except TimeoutError:
                self.connection.heartbeat_tick()
        for place, must_arrive in self._open.values():
            self._complain(place, must_arrive, "not confirmed in time")
        self._open.clear()
        lost, self._lost = self._lost, ""
        if lost:
            raise NotTaken(lost)

    def listen(self) -> None:
        """Read what the broker has to say, which is little while nothing is published."""
        try:
            self.connection.drain_events(timeout=0.001)
        except TimeoutError:
            self.connection.heartbeat_tick()

    def _open_channel(self) -> Any:
        channel = super()._open_channel()
        channel.confirm_select()
        channel.events["basic_ack"].add(self._on_ack)
        channel.events["basic_nack"].add(self._on_nack)
        channel.events["basic_return"].add(self._on_return)
        self._published = 0
        self._open.clear()
        return channel

    def _on_ack(self, tag: int, multiple: bool) -> None:
        self._settled(tag, multiple)

    def _on_nack(self, tag: int, multiple: bool) -> None:
        for place, must_arrive in self._settled(tag, multiple):
            self._complain(place, must_arrive, "refused by the broker")

    def _on_return(self, error: Exception, exchange: str, routing_key: str, message: Any) -> None:
        # The broker says so before it confirms; which of several to one place it was does not matter.
        place = f"{exchange or 'queue'} {routing_key}"
        must_arrive = any(open_place == place and must for open_place, must in self._open.values())
        self._complain(place, must_arrive, "there is no such queue", message.properties)

    def _settled(self, tag: int, multiple: bool) -> list[tuple[str, bool]]:
        if not multiple:
            return [self._open.pop(tag)] if tag in self._open else []
        # In the order published.
        return [self._open.pop(number) for number in list(self._open) if number <= tag]

    def _complain(self, place: str, must_arrive: bool, words: str, properties: Mapping[str, Any] | None = None) -> None:
        if must_arrive:
            self._lost = f"{place}: {words}"
            return
        correlation_id = (properties or {}).get("correlation_id", "")
        _log.warning("an answer was dropped: %s", words, extra={"to": place, "correlation_id": correlation_id})
