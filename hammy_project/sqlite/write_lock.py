"""The lock that lets the processes of a site write their SQLite file in turn."""

import contextlib
import fcntl
import os
import weakref
from collections.abc import Iterator


class WriteLock:
    """A lock over processes and connections, kept in two files beside the database; freed when its holder dies.

    SQLite's own waiting is a lottery of sleeps, in which a writer that never rests starves all others. Here
    who wants to write first queues (``…-queue``) and then waits for the writer (``…-lock``): a writer that comes
    again finds the next one in the queue already. Both waits are in the kernel and end when the holder ends.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._queue = self._writer = -1
        self.is_held = False
        _locks.add(self)

    def acquire(self) -> None:
        """Wait for the turn to write; nothing happens when it is ours already. OSError: the files cannot be made."""
        if self.is_held:
            return
        if self._writer < 0:
            self._open()
        fcntl.flock(self._queue, fcntl.LOCK_EX)
        try:
            fcntl.flock(self._writer, fcntl.LOCK_EX)
            self.is_held = True
        finally:
            fcntl.flock(self._queue, fcntl.LOCK_UN)

    def release(self) -> None:
        """Let the next one write."""
        if self.is_held:
            self.is_held = False
            fcntl.flock(self._writer, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let the next one write and keep no file open."""
        self.release()
        self.forget()

    def forget(self) -> None:
        """Close our copies of the files without unlocking them: after a fork the lock is the parent's."""
        self.is_held = False
        for handle in (self._queue, self._writer):
            if handle >= 0:
                os.close(handle)
        self._queue = self._writer = -1

    def _open(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self._queue = os.open(f"{self._path}-queue", flags, 0o600)
        try:
            self._writer = os.open(f"{self._path}-lock", flags, 0o600)
        except OSError:
            os.close(self._queue)
            self._queue = -1
            raise

    def __del__(self) -> None:
        self.forget()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock for a block, unless it is held already."""
        was_held = self.is_held
        self.acquire()
        try:
            yield
        finally:
            if not was_held:
                self.release()


_locks: weakref.WeakSet[WriteLock] = weakref.WeakSet()


def _forget_all() -> None:
    # A child's copies would keep a lock alive whose holder, the parent, was killed.
    for lock in list(_locks):
        lock.forget()


os.register_at_fork(after_in_child=_forget_all)
