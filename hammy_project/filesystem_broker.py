"""Celery's broker for one machine without services: folders of small files.

kombu's own transport writes its files in place (a half-written one ends the worker that reads it) and keeps all
queues in one folder. Here each queue is a folder, a message appears in it whole, and a queue keeps only its newest
few: every message of ours is a wake-up, and one is enough.
"""

import contextlib
import json
import logging
import os
import re
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import virtual

logger = logging.getLogger(__name__)

_QUEUE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
_SUFFIX = ".json"
BACKLOG = 16


class Channel(virtual.Channel):
    """Puts messages into folders and takes them out, each by one taker.

    A message taken and not acknowledged is put back when its worker stops in order, and is lost when the worker is
    killed: beat's next wake-up comes within a second.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._options: dict[str, Any] = self.connection.client.transport_options  # type: ignore[assignment]
        self._folders: dict[str, Path] = {}

    def _new_queue(self, queue: str, **kwargs: Any) -> None:
        self._folder(queue).mkdir(mode=0o700, parents=True, exist_ok=True)

    def _put(self, queue: str, message: dict[str, Any], **kwargs: Any) -> None:
        folder = self._folder(queue)
        name = f"{time.time_ns():020d}-{uuid.uuid4().hex}"
        fresh = folder / f".{name}"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh.write_text(json.dumps(message))
            fresh.rename(folder / f"{name}{_SUFFIX}")
        except OSError as error:
            with contextlib.suppress(OSError):
                fresh.unlink()
            raise ChannelError(f"Cannot add a message to the queue {queue}: {error}") from error
        for waiting in self._waiting(queue)[:-BACKLOG]:
            (folder / waiting).unlink(missing_ok=True)

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        folder = self._folder(queue)
        for name in self._waiting(queue):
            path = folder / name
            try:
                content = path.read_bytes()
                # Who removes the file has the message.
                path.unlink()
            except OSError:
                continue
            try:
                message: dict[str, Any] = json.loads(content)
                # What kombu could not read later would end the worker then.
                self.Message(message, channel=self)
            except Exception:
                logger.warning("A message of the queue %s is garbled and was dropped", queue)
                continue
            return message
        raise Empty

    def _size(self, queue: str) -> int:
        return len(self._waiting(queue))

    def _purge(self, queue: str) -> int:
        names = self._waiting(queue)
        for name in names:
            (self._folder(queue) / name).unlink(missing_ok=True)
        return len(names)

    def _waiting(self, queue: str) -> list[str]:
        """The queue's files, the oldest first."""
        try:
            # Asked fifty times a second by each worker: as cheap as can be.
            return sorted(name for name in os.listdir(self._folder(queue)) if name.endswith(_SUFFIX))  # noqa: PTH208
        except FileNotFoundError:
            return []

    def _folder(self, queue: str) -> Path:
        if queue not in self._folders:
            if not _QUEUE_NAME.fullmatch(queue):
                raise ChannelError(f"No queue can be named {queue!r}")
            self._folders[queue] = Path(self._options["folder"], queue)
        return self._folders[queue]


class Transport(virtual.Transport):
    """``filesystem://`` with ``folder`` and ``polling_interval`` (seconds) among the transport options."""

    Channel = Channel
    polling_interval = 0.02
    driver_type = "filesystem"
    driver_name = "filesystem"
    # For any other, Celery has its children wait at one pipe behind one lock: a child that is killed there keeps it,
    # and no other is ever given work again.
    implements = virtual.Transport.implements.extend(asynchronous=True)

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        """Look for a message at each interval, while the worker's loop runs."""
        loop.call_repeatedly(self.polling_interval, self._look)

    def _look(self) -> None:
        with contextlib.suppress(Empty):
            self.cycle.get(self._deliver)

    def driver_version(self) -> str:
        return "1"
