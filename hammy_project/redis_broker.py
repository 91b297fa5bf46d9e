"""Redis as Celery's broker, with queues that keep only their newest few wake-ups."""

from typing import Any

from kombu.transport import redis

BACKLOG = 16


class Channel(redis.Channel):
    """Redis has no bounded list of its own: each addition cuts the oldest off, which a sleeping worker left."""

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:
        super()._put(queue, message, **kwargs)
        with self.conn_or_acquire() as client:
            client.ltrim(self._q_for_pri(queue, self.default_priority), 0, BACKLOG - 1)


class Transport(redis.Transport):
    """``redis://`` and ``rediss://``."""

    Channel = Channel
