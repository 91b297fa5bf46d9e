"""Bodies that come slowly or never: those who send them do not keep a web process from all others for ever.

The server sets a time for a request's head and none for its body, and a few threads serve all requests. Nothing can
interrupt a thread that reads, and the server does not bear that another one reads in its place. So a process all of
whose threads wait for bodies that are overdue ends: there is nothing else it could be in the middle of, and the server
replaces it at once. A large body that comes at a fair pace has longer until it is overdue. A proxy that takes bodies in
before it passes them on (docs/operators.md) spares us that.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings

# So many bytes that came give a body a second more.
_BYTES_A_SECOND = 256 * 1024

_log = logging.getLogger(__name__)


class WatchedApplication:
    """A WSGI application that ends its process when bodies older than HAMMY_BODY_SECONDS hold WEB_THREADS threads."""

    def __init__(self, application: Callable[[dict[str, Any], Any], Any]) -> None:
        self._application = application
        self._reading: dict[int, float] = {}
        self._starting = threading.Lock()
        self._is_watched = False

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if environ.get("CONTENT_LENGTH") or "HTTP_TRANSFER_ENCODING" in environ:
            if not self._is_watched:
                self._start_watching()
            environ["wsgi.input"] = _Input(environ["wsgi.input"], self._reading)
        return self._application(environ, start_response)

    def _start_watching(self) -> None:
        with self._starting:
            if not self._is_watched:
                # Not earlier: the process that serves is often a fork of the one that loaded us.
                threading.Thread(target=self._watch, name="slow bodies", daemon=True).start()
                self._is_watched = True

    def _watch(self) -> None:
        while True:
            time.sleep(settings.HAMMY_BODY_SECONDS / 10)
            before = time.monotonic() - settings.HAMMY_BODY_SECONDS
            overdue = sum(began < before for began in list(self._reading.values()))
            if overdue >= settings.WEB_THREADS:
                _log.error("all threads wait for bodies that do not come; this process makes room for a fresh one")
                os.kill(os.getpid(), signal.SIGKILL)


class _Input:
    """A request's body, noted while a thread waits for it."""

    def __init__(self, stream: Any, reading: dict[int, float]) -> None:
        self._stream = stream
        self._reading = reading
        self._began = time.monotonic()

    def read(self, size: int = -1) -> bytes:
        return self._noted(self._stream.read, size)

    def readline(self, size: int = -1) -> bytes:
        return self._noted(self._stream.readline, size)

    def _noted(self, read: Callable[[int], bytes], size: int) -> bytes:
        self._reading[id(self)] = self._began
        try:
            piece = read(size)
            self._began += len(piece) / _BYTES_A_SECOND
            return piece
        finally:
            del self._reading[id(self)]
