"""Telling workers to look now: at once, in the background, and never in the way of who tells."""

import atexit
import contextlib
import logging
import os
import threading
import time
from typing import Any

from celery import current_app

logger = logging.getLogger(__name__)

Wake = tuple[str, ...]
# A worker works off all it finds: under steady load it need not be told more often, and being told costs as much as
# taking a letter.
_FIRST_GAP_SECONDS = 0.02
_LONGEST_GAP_SECONDS = 0.1
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0
_CONFIRM_SECONDS = 5.0
_REMEMBERED = 100


def wake(task_name: str, *args: str) -> None:
    """Ask that a task be run soon; returns at once and never raises, whatever the broker does.

    Wake-ups for the same task and arguments within 20 ms become one, while they keep coming within up to 100 ms.
    A wake-up is a hint and may be lost with its process: beat looks at everything each second.
    """
    publisher.add((task_name, *args))


def flush(timeout: float = 2.0) -> bool:
    """Wait until all wake-ups of this process were sent; False when that took longer than ``timeout`` seconds."""
    return publisher.flush(timeout)


class Line:
    """A connection to the broker that one thread keeps open."""

    def __init__(self) -> None:
        self._connection: Any = None
        self._producer: Any = None

    def send(self, wanted: Wake) -> None:
        """Publish, and where the broker can, wait for its word that it has the message.

        A connection that broke while it was idle is made anew once; the second error is raised.
        """
        was_open = self._producer is not None
        try:
            self._send(wanted)
        except Exception:
            self.close()
            if not was_open:
                raise
            self._send(wanted)

    def close(self) -> None:
        """Let go of the connection, whatever state it is in."""
        connection, self._connection, self._producer = self._connection, None, None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.collect(socket_timeout=1)

    def _send(self, wanted: Wake) -> None:
        if self._producer is None:
            # No heartbeat: nothing tends this connection while there is nothing to send.
            self._connection = current_app.connection_for_write(heartbeat=0)
            # One try for each broker there is: kombu's own patience would keep all other wake-ups waiting.
            self._connection.ensure_connection(max_retries=max(0, len(self._connection.alt) - 1))
            self._producer = current_app.amqp.Producer(self._connection.channel(), auto_declare=False)
        name, *args = wanted
        current_app.send_task(
            name,
            args=args,
            producer=self._producer,
            retry=False,
            ignore_result=True,
            confirm_timeout=_CONFIRM_SECONDS,
        )


class Publisher:
    """Sends wake-ups from a thread of its own, which starts with the first one; a lost broker costs it nothing.

    It keeps what is wanted and not yet sent, each once: while the broker is away that does not grow.
    """

    def __init__(self, line: Line | None = None) -> None:
        self._line = line or Line()
        self._changed = threading.Condition()
        self._due_at: dict[Wake, float] = {}
        self._sent_at: dict[Wake, float] = {}
        self._gaps: dict[Wake, float] = {}
        self._is_sending = False
        self._is_started = False
        self._pause = 0.0
        self._rests_until = 0.0

    def add(self, wanted: Wake) -> None:
        """Want a wake-up: now, or 20 ms after the last one like it; each that follows so closely waits twice as long
        as the one before, at most 100 ms."""
        with self._changed:
            if wanted in self._due_at:
                return
            gap = self._gaps.get(wanted, _FIRST_GAP_SECONDS)
            due_at = self._sent_at.get(wanted, float("-inf")) + gap
            is_close = time.monotonic() < due_at
            self._gaps[wanted] = min(2 * gap, _LONGEST_GAP_SECONDS) if is_close else _FIRST_GAP_SECONDS
            self._due_at[wanted] = due_at
            if not self._is_started:
                threading.Thread(target=self._run, name="wake-ups", daemon=True).start()
                self._is_started = True
            self._changed.notify_all()

    def flush(self, timeout: float) -> bool:
        """Wait until nothing is left to send; False when ``timeout`` seconds did not do."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._due_at and not self._is_sending, timeout)

    def _run(self) -> None:
        while True:
            wanted = self._take()
            try:
                self._line.send(wanted)
            except Exception as error:
                self._settle(wanted, error)
            else:
                self._settle(wanted, None)

    def _take(self) -> Wake:
        with self._changed:
            while True:
                now = time.monotonic()
                wanted = min(self._due_at, key=self._due_at.__getitem__, default=None)
                if wanted is None:
                    self._changed.wait()
                    continue
                # While the broker is away all wait for one attempt: it is not asked once for each.
                due_at = max(self._due_at[wanted], self._rests_until)
                if due_at <= now:
                    del self._due_at[wanted]
                    self._is_sending = True
                    return wanted
                self._changed.wait(due_at - now)

    def _settle(self, wanted: Wake, error: Exception | None) -> None:
        with self._changed:
            now = time.monotonic()
            self._is_sending = False
            if error is None:
                if self._pause:
                    logger.info("The broker is back")
                self._pause = 0.0
                if len(self._sent_at) >= _REMEMBERED:
                    self._sent_at.clear()
                    self._gaps.clear()
                self._sent_at[wanted] = now
            else:
                if not self._pause:
                    logger.warning("The broker cannot be reached; wake-ups wait: %s", error)
                self._pause = min(self._pause * 2 or _FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
                self._rests_until = now + self._pause
                self._due_at.setdefault(wanted, now)
            self._changed.notify_all()


publisher = Publisher()


def _flush_at_exit() -> None:
    flush(1.0)


def _begin_anew() -> None:
    # The thread, its lock and its connection stayed in the parent.
    global publisher  # noqa: PLW0603
    publisher = Publisher()


os.register_at_fork(after_in_child=_begin_anew)
atexit.register(_flush_at_exit)
