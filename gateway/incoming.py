"""Bytes on their way in, too many for memory: each lot in a file that nobody else sees, gone when the request is over.

Whoever keeps them links or copies the file before that. What a killed process left is swept after an hour, by the
processes that receive and by beat.
"""

import contextlib
import os
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Self

from django.conf import settings

_ABANDONED_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBytes:
    """Bytes that are not in memory: in a file on its way in (``path``), or in the storage under their digest already.
    ``digest`` is SHA-256 in hex, ``size`` in bytes."""

    digest: str
    size: int
    path: str = ""


class TooMany(Exception):
    """More bytes came than may."""


class Incoming:
    """The files of one request; leaving the ``with`` removes them, whatever happened."""

    def __init__(self) -> None:
        self._paths: list[Path] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for path in self._paths:
            path.unlink(missing_ok=True)

    def receive(self, pieces: Iterable[bytes], *, most: int) -> StoredBytes:
        """Write pieces into a file of their own, digested on the way; raises TooMany beyond ``most`` bytes, OSError
        when they cannot be kept, and whatever ``pieces`` raises."""
        _sweep_at_times()
        path = _folder() / secrets.token_hex(16)
        self._paths.append(path)
        digest, size = sha256(), 0
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for piece in pieces:
                size += len(piece)
                if size > most:
                    raise TooMany
                digest.update(piece)
                file.write(piece)
        return StoredBytes(digest=digest.hexdigest(), size=size, path=str(path))


def sweep(*, seconds: float = _ABANDONED_SECONDS) -> int:
    """Remove what killed processes left so long ago; how many files."""
    removed = 0
    for path in _folder().iterdir():
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime < time.time() - seconds:
                path.unlink()
                removed += 1
    return removed


_swept_at = -inf


def _sweep_at_times() -> None:
    # A host may have no worker to do it.
    global _swept_at  # noqa: PLW0603 - one moment for the whole process
    if time.monotonic() - _swept_at > _ABANDONED_SECONDS:
        _swept_at = time.monotonic()
        sweep()


def _folder() -> Path:
    folder = Path(settings.HAMMY_INCOMING)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
