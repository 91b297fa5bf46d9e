"""A cache of files that processes share and count in."""

import contextlib
import fcntl
import os
import pickle
import random
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
            self._write(path, expires_at, changed)
        return changed

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        entry = self._read(self._key_to_file(key, version))
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
            expires_at, value = pickle.loads(content)
            if expires_at is not None and expires_at < time.time():
                return None
            return expires_at, pickle.loads(zlib.decompress(value)) if isinstance(value, bytes) else value
        except (EOFError, ValueError, pickle.UnpicklingError, zlib.error):
            # What a power cut left of a file: to a cache it is as good as none.
            return None

    def _write(self, path: str, expires_at: float | None, value: Any) -> None:
        stored = value if type(value) is int else zlib.compress(pickle.dumps(value, self.pickle_protocol))
        fresh = f"{self._lock_of(path)}.fresh"
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with open(handle, "wb", buffering=0) as file:
                file.write(pickle.dumps((expires_at, stored), self.pickle_protocol))
            os.replace(fresh, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(fresh)
            raise

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
