"""Redis as Celery's broker, with queues that keep only their newest few wake-ups and workers that outlive it."""

from typing import Any

from kombu.transport import redis, virtual

BACKLOG = 16


class QoS(redis.QoS):
    """An acknowledgement that did not reach Redis is done here nevertheless.

    Celery logs that failure and goes on. The worker would wait for the message for ever, ask for no other one, and so
    never notice that its connection is lost (celery#8030). The message itself is only a wake-up.
    """

    def ack(self, delivery_tag: str) -> None:
        try:
            super().ack(delivery_tag)
        finally:
            virtual.QoS.ack(self, delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        try:
            super().reject(delivery_tag, requeue=requeue)
        finally:
            virtual.QoS.ack(self, delivery_tag)


class Channel(redis.Channel):
    """Redis has no bounded list of its own: each addition cuts the oldest off, which a sleeping worker left."""

    QoS = QoS

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:
        super()._put(queue, message, **kwargs)
        with self.conn_or_acquire() as client:
            client.ltrim(self._q_for_pri(queue, self.default_priority), 0, BACKLOG - 1)


class Transport(redis.Transport):
    """``redis://`` and ``rediss://``."""

    Channel = Channel
