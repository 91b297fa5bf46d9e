"""Take letters that come by queue."""

import signal
import threading
import time
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.core.management.base import BaseCommand, CommandError

from gateway import wakeups
from gateway.amqp.consumer import SIGN, Consumer, Pace, Queues
from sending.send_v2 import amqp

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Command(BaseCommand):
    help = (
        "Takes the letters of HAMMY_AMQP_SEND_QUEUE and answers them, until SIGTERM: then it finishes what it has in "
        "hand. Several may run side by side."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.HAMMY_AMQP_URL:
            raise CommandError(
                "there is no RabbitMQ to take letters from: set HAMMY_AMQP_URL (or BROKER_URL) to its amqp:// address; "
                "a site without one takes letters over REST and SOAP"
            )
        stopping = threading.Event()
        consumer = Consumer(
            url=settings.HAMMY_AMQP_URL,
            queues=Queues(
                requests=settings.HAMMY_AMQP_SEND_QUEUE,
                errors=settings.HAMMY_AMQP_ERROR_QUEUE,
                reply_exchange=settings.HAMMY_AMQP_REPLY_EXCHANGE,
            ),
            pace=Pace(
                prefetch=settings.HAMMY_AMQP_PREFETCH,
                batch=settings.HAMMY_AMQP_BATCH,
                gather_seconds=settings.HAMMY_AMQP_GATHER_SECONDS,
            ),
            handle=amqp.answers,
            is_stopping=stopping.is_set,
            on_sign=lambda: cache.set(SIGN, time.time(), None),
        )

        def stop(number: int, frame: FrameType | None) -> None:
            stopping.set()

        before = {number: signal.signal(number, stop) for number in _SIGNALS}
        try:
            consumer.run()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            wakeups.flush(timeout=5)
