"""A cache of files that processes share and count in."""

import contextlib
import fcntl
import os
import pickle
import random
import struct
import time
import zlib
from collections.abc import Iterator
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.filebased import FileBasedCache

# Locks are shared by the keys that fall to them: few files, and two keys seldom wait for each other.
_LOCKS = 64
_WRITES_PER_SWEEP = 2000
_MAX_ENTRIES = 100_000
# A counter's file: the mark, when it expires, its value; always of one length.
_COUNTER_MARK = b"counter "
_COUNTER = struct.Struct("<dq")
_VALUE = struct.Struct("<q")
_NEVER = float("inf")


class LockedFileCache(FileBasedCache):
    """Django's file cache whose changes are atomic over processes and threads: fit for counters.

    ``incr`` keeps the entry's expiry, as memcached and Redis do. What expired is swept now and then instead of
    listing the folder at each write. MAX_ENTRIES is 100,000 unless OPTIONS say otherwise.
    """

    def __init__(self, dir: str, params: dict[str, Any]) -> None:
        options = params.get("OPTIONS") or {}
        super().__init__(dir, {**params, "OPTIONS": {"MAX_ENTRIES": _MAX_ENTRIES, **options}})

    def add(self, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        path = self._key_to_file(key, version)
        # Mostly it is there, and then there is nothing to wait for.
        if self._read(path) is not None:
            return False
        with self._locked(path):
            if self._read(path) is not None:
                return False
            self._write(path, self.get_backend_timeout(timeout), value)
        self._sweep_sometimes()
        return True

    def set(self, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        path = self._key_to_file(key, version)
        with self._locked(path):
            self._write(path, self.get_backend_timeout(timeout), value)
        self._sweep_sometimes()

    def touch(self, key: str, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        path = self._key_to_file(key, version)
        with self._locked(path):
            entry = self._read(path)
            if entry is None:
                return False
            self._write(path, self.get_backend_timeout(timeout), entry[1])
        return True

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        path = self._key_to_file(key, version)
        with self._locked(path):
            entry = self._read(path)
            if entry is None:
                raise ValueError(f"Key '{key}' not found")
            expires_at, value = entry
            changed: int = value + delta
            if not (_is_counter(value) and _is_counter(changed) and self._count(path, changed)):
                self._write(path, expires_at, changed)
        return changed

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        path = self._key_to_file(key, version)
        entry = self._read(path)
        if entry is not None and _is_counter(entry[1]):
            # A counter is changed in place: only under the lock is it sure to be read whole.
            with self._locked(path):
                entry = self._read(path)
        return default if entry is None else entry[1]

    def has_key(self, key: str, version: int | None = None) -> bool:
        return self._read(self._key_to_file(key, version)) is not None

    def _read(self, path: str) -> tuple[float | None, Any] | None:
        # Entries are replaced whole, so reading needs no lock; and it removes none, which another just renewed.
        try:
            with open(path, "rb", buffering=0) as file:
                content = file.read()
        except FileNotFoundError:
            return None
        try:
            if content.startswith(_COUNTER_MARK):
                expires_at, value = _COUNTER.unpack_from(content, len(_COUNTER_MARK))
            else:
                expires_at, packed = pickle.loads(content)
                value = pickle.loads(zlib.decompress(packed))
        except (EOFError, ValueError, TypeError, struct.error, pickle.UnpicklingError, zlib.error):
            # What a power cut left of a file: to a cache it is as good as none.
            return None
        if expires_at < time.time():
            return None
        return (None if expires_at == _NEVER else expires_at), value

    def _write(self, path: str, expires_at: float | None, value: Any) -> None:
        expires_at = _NEVER if expires_at is None else expires_at
        if _is_counter(value):
            content = _COUNTER_MARK + _COUNTER.pack(expires_at, value)
        else:
            packed = zlib.compress(pickle.dumps(value, self.pickle_protocol))
            content = pickle.dumps((expires_at, packed), self.pickle_protocol)
        fresh = f"{self._lock_of(path)}.fresh"
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with open(handle, "wb", buffering=0) as file:
                file.write(content)
            os.replace(fresh, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(fresh)
            raise

    def _count(self, path: str, value: int) -> bool:
        # In place, because replacing a file costs many times this: file systems hurry to bring its successor to disk.
        try:
            handle = os.open(path, os.O_WRONLY)
        except FileNotFoundError:
            # The cache was cleared this very moment.
            return False
        try:
            os.pwrite(handle, _VALUE.pack(value), len(_COUNTER_MARK) + _COUNTER.size - _VALUE.size)
        finally:
            os.close(handle)
        return True

    def _lock_of(self, path: str) -> str:
        return os.path.join(self._dir, f"{int(os.path.basename(path)[:8], 16) % _LOCKS}.lock")

    @contextlib.contextmanager
    def _locked(self, path: str) -> Iterator[None]:
        lock = self._lock_of(path)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        try:
            handle = os.open(lock, flags, 0o600)
        except FileNotFoundError:
            # The folder may be removed at any time: it is only a cache.
            self._createdir()
            handle = os.open(lock, flags, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            # Closing unlocks: no other handle shares this one.
            os.close(handle)

    def _sweep_sometimes(self) -> None:
        if random.random() * _WRITES_PER_SWEEP < 1:
            self._cull()

    def _cull(self) -> None:
        """Remove what expired, and when too much is left, a random part of it."""
        for path in self._list_cache_files():
            with self._locked(path):
                if self._read(path) is None:
                    self._delete(path)
        super()._cull()


def _is_counter(value: Any) -> bool:
    return type(value) is int and -(2**63) <= value < 2**63
