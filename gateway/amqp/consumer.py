"""The loop of a queue face: gather, have answered, publish the answers, and only then let the broker forget."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import close_old_connections

from gateway import metrics
from gateway.amqp import dead_letters
from gateway.amqp.delivery import Answer, Delivery
from gateway.amqp.line import BROKEN, Intake
from gateway.amqp.outlet import Outlet

_log = logging.getLogger(__name__)

# Under which the cache keeps when a consumer last said that it is well.
SIGN = "amqp.consumer"
_IDLE_SECONDS = 0.2
_SHORTEST_SECONDS = 0.001
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0
_LONGEST_ABSENCE_SECONDS = 30.0
_SIGN_SECONDS = 1.0
_QUIET_SECONDS = 60.0
# So much of a batch is in memory at once; one message may be larger.
_MOST_BYTES = 64 * 1024 * 1024
# What cannot be done at present for a reason of its own, not for want of a database, is answered so after a while.
_PATIENCE_SECONDS = 600.0
# A message that ends its consumer each time is put aside by the broker itself.
_DELIVERIES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Queues:
    """Where requests come from, where those go that nobody can answer, and the exchange for ``replyToApp``."""

    requests: str
    errors: str
    reply_exchange: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How many messages may be under way, how many are answered together, and how long a batch is waited for."""

    prefetch: int = 400
    batch: int = 200
    gather_seconds: float = 0.01


@dataclass(slots=True)
class _Kept:
    """A delivery that is to wait, and since when it does."""

    delivery: Delivery
    since: float


class Consumer:
    """Answers what comes by a queue until ``is_stopping`` says so.

    A message is acknowledged once its answer is confirmed, which follows the database's commit: whatever dies in
    between, it is brought again and answered alike. ``handle`` gives an answer for each delivery of a batch and never
    raises. ``on_sign`` is called about once a second while all is well.
    """

    def __init__(
        self,
        *,
        url: str,
        queues: Queues,
        pace: Pace,
        handle: Callable[[Sequence[Delivery]], list[Answer]],
        is_stopping: Callable[[], bool],
        on_sign: Callable[[], None] = lambda: None,
    ) -> None:
        self._url, self._queues, self._pace = url, queues, pace
        self._handle, self._is_stopping, self._on_sign = handle, is_stopping, on_sign
        self._kept: list[_Kept] = []
        self._pause = 0.0
        self._sign_at = float("-inf")

    def run(self) -> None:
        """Serve, and connect anew whenever the line breaks, after pauses that grow while it does not come back."""
        pause = 0.0
        while not self._is_stopping():
            began = time.monotonic()
            try:
                self._serve()
            except BROKEN as error:
                sound = time.monotonic() - began > _LONGEST_ABSENCE_SECONDS
                pause = _FIRST_PAUSE_SECONDS if sound or not pause else min(2 * pause, _LONGEST_ABSENCE_SECONDS)
                words = str(error).strip() or type(error).__name__
                _log.warning("the line to the broker is broken, trying again in %.1f s: %s", pause, words)
                self._rest(pause, lambda: None)

    def _serve(self) -> None:
        # What was not acknowledged is brought anew over a new line.
        self._kept, self._pause = [], 0.0
        with Outlet(self._url) as outlet, Intake(self._url) as intake:
            _declare(intake, self._queues)
            intake.consume(self._queues.requests, prefetch=self._pace.prefetch)
            _log.info("waiting for messages", extra={"queue": self._queues.requests})
            while not self._is_stopping():
                batch = self._gather(intake)
                if batch:
                    self._work(batch, intake, outlet)
                else:
                    outlet.listen()
                intake.tend()
                self._sign()
                if self._pause:
                    self._rest(self._pause, lambda: _beat(intake, outlet))
            intake.finish()

    def _gather(self, intake: Intake) -> list[_Kept]:
        """What was kept and what comes now: as much as makes a batch, or as there is within the time to gather."""
        batch, self._kept = self._kept, []
        size = sum(len(one.delivery.body) for one in batch)
        end = time.monotonic() + self._pace.gather_seconds
        wait = self._pace.gather_seconds if batch else _IDLE_SECONDS
        while len(batch) < self._pace.batch and size < _MOST_BYTES:
            delivery = intake.receive(max(wait, _SHORTEST_SECONDS))
            now = time.monotonic()
            if delivery is not None:
                if not batch:
                    end = now + self._pace.gather_seconds
                batch.append(_Kept(delivery, now))
                size += len(delivery.body)
            if now >= end:
                break
            wait = end - now
        return batch

    def _work(self, batch: Sequence[_Kept], intake: Intake, outlet: Outlet) -> None:
        close_old_connections()
        answers = self._handle([one.delivery for one in batch])
        now = time.monotonic()
        done: list[Delivery] = []
        outcomes: Counter[str] = Counter()
        for one, answer in zip(batch, answers, strict=True):
            if answer.is_to_wait and not (answer.body and now - one.since > _PATIENCE_SECONDS):
                self._kept.append(one)
                continue
            outcomes[self._publish(one.delivery, answer, outlet)] += 1
            done.append(one.delivery)
        outlet.confirm()
        for outcome, count in outcomes.items():
            metrics.QUEUE_MESSAGES.labels(queue=self._queues.requests, outcome=outcome).inc(count)
        if self._kept:
            for delivery in done:
                intake.acknowledge(delivery.tag, and_before=False)
            self._pause = min(2 * self._pause or _FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
        else:
            intake.acknowledge(max(delivery.tag for delivery in done), and_before=True)
            self._pause = 0.0

    def _publish(self, delivery: Delivery, answer: Answer, outlet: Outlet) -> str:
        """Send the answer to who asked, the message to the error queue where it belongs there; what it came to."""
        reply = _reply_address(delivery, self._queues)
        if reply is not None:
            exchange, routing_key = reply
            outlet.publish(
                answer.body,
                exchange=exchange,
                routing_key=routing_key,
                content_type=answer.media_type,
                content_encoding="utf-8",
                # Who gave none is told by the message's own id which request this answers.
                correlation_id=delivery.properties.get("correlation_id") or delivery.properties.get("message_id") or "",
            )
        is_dead = answer.is_dead or bool(answer.refusal and reply is None)
        if is_dead:
            outlet.publish(
                delivery.body,
                exchange="",
                routing_key=self._queues.errors,
                must_arrive=True,
                **dead_letters.properties_of(delivery, answer, queue=self._queues.requests),
            )
            _log.warning(
                "a message was put into the error queue: %s", answer.refusal, extra={"queue": self._queues.errors}
            )
        return "dead" if is_dead else "refused" if answer.refusal else "done"

    def _sign(self) -> None:
        now = time.monotonic()
        if now < self._sign_at:
            return
        self._sign_at = now + _SIGN_SECONDS
        try:
            self._on_sign()
        except Exception as error:
            # Whoever takes the sign down may be away: letters are taken all the same.
            self._sign_at = now + _QUIET_SECONDS
            _log.warning("that we are well could not be noted: %s", error)

    def _rest(self, seconds: float, beat: Callable[[], None]) -> None:
        end = time.monotonic() + seconds
        while not self._is_stopping() and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _IDLE_SECONDS))
        beat()


def _declare(line: Intake, queues: Queues) -> None:
    line.declare_exchange(queues.reply_exchange)
    # A classic one, that anybody may look into as often as they like: a quorum queue counts looks as deliveries.
    line.declare_queue(queues.errors, {"x-queue-type": "classic"})
    line.declare_queue(
        queues.requests,
        {
            "x-queue-type": "quorum",
            "x-delivery-limit": _DELIVERIES,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": queues.errors,
            # Only with these two is what the broker puts aside confirmed before it is forgotten.
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        },
    )


def _reply_address(delivery: Delivery, queues: Queues) -> tuple[str, str] | None:
    """Exchange and routing key of the answer: ``replyToApp`` where it is given, else the queue of ``reply_to``."""
    routing_key: Any = delivery.header("replyToApp")
    if routing_key and len(routing_key.encode("utf-8", "replace")) <= 255:
        return queues.reply_exchange, routing_key
    reply_to = delivery.property("reply_to")
    return ("", reply_to) if reply_to else None


def _beat(intake: Intake, outlet: Outlet) -> None:
    intake.beat()
    outlet.beat()
