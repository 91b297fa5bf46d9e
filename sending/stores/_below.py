"""Files below a folder, reached so that nothing leads out of it: name by name from an open folder to the next, through
no link, so that what was looked at is what is used, whoever moves things meanwhile."""

import contextlib
import errno
import io
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from hashlib import file_digest
from pathlib import Path
from typing import Any, BinaryIO

from sending.stores.base import StoreRefusal

_PIECE = 256 * 1024
# Documents are for us and our group; whoever fetches them is made a member of it.
_FILE_MODE, _FOLDER_MODE = 0o640, 0o750
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without waiting: a pipe that was put in a file's place would hold us up for ever.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
# What opening says of a name that is at fault, and how a caller is told.
_BLAMED = {
    errno.ENOENT: "names nothing that is there",
    errno.EACCES: "may not be read",
    errno.ENOTDIR: "leads through what is no folder; links are not followed",
    errno.ELOOP: "names a link; links are not followed",
    errno.ENAMETOOLONG: "is longer than the file system takes",
}
_NO_UNNAMED_FILES = {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL}


@contextlib.contextmanager
def folder(root: str | Path, parts: Sequence[str], *, is_made: bool = False) -> Iterator[int]:
    """The folder ``parts`` below ``root``, open; with ``is_made`` made where it is not there. Raises StoreRefusal for
    what is no folder, or missing, and OSError where the root itself cannot be used."""
    current = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in parts:
            following = _entered(current, name, is_made=is_made)
            os.close(current)
            current = following
        yield current
    finally:
        os.close(current)


def opened(parent: int, name: str) -> BinaryIO:
    """A plain file's bytes as they are now; raises StoreRefusal for anything else, and while reading when the file
    changes meanwhile."""
    found = _looked_at(parent, name)
    _must_be_plain(found)
    with _refusing():
        handle = os.open(name, _FILE, dir_fd=parent)
    try:
        # Another thing may have taken its place since: this one is read, so this one is asked.
        found = os.fstat(handle)
        _must_be_plain(found)
        return io.BufferedReader(_Unchanged(handle, found), _PIECE)
    except BaseException:
        os.close(handle)
        raise


def could_hold(root: str | Path, parts: Sequence[str], name: str) -> None:
    """Raise StoreRefusal unless a file of this name could lie in the folder ``parts`` below ``root``, whatever of that
    is there yet."""
    try:
        with folder(root, parts) as parent:
            found = _looked_at(parent, name)
    except StoreRefusal as refusal:
        if refusal.is_missing:
            return
        raise
    if not stat.S_ISREG(found.st_mode):
        raise StoreRefusal("is taken by what is no file")


def written(parent: int, name: str, source: BinaryIO) -> bool:
    """Write ``source`` to a file of this name, which appears whole and on the disk or not at all; whether it did.
    False when the name is taken: nothing is ever overwritten."""
    with _fresh(parent) as (handle, give_name):
        with os.fdopen(handle, "wb", _PIECE, closefd=False) as file:
            while piece := source.read(_PIECE):
                file.write(piece)
        os.fchmod(handle, _FILE_MODE)
        os.fsync(handle)
        try:
            give_name(name)
        except FileExistsError:
            return False
    os.fsync(parent)
    return True


def holds(parent: int, name: str, digest: str) -> bool:
    """Whether the file of this name has this digest (SHA-256 in hex)."""
    with opened(parent, name) as file:
        return file_digest(file, "sha256").hexdigest() == digest  # type: ignore[arg-type]


def removed(parent: int, name: str, digest: str) -> bool:
    """Take the file of this name away if it has this digest; whether it did."""
    with opened(parent, name) as file:
        if file_digest(file, "sha256").hexdigest() != digest:  # type: ignore[arg-type]
            return False
        # What took its place meanwhile is not what was digested.
        if not os.path.samestat(_looked_at(parent, name), os.fstat(file.fileno())):
            return False
        os.unlink(name, dir_fd=parent)
    os.fsync(parent)
    return True


class _Unchanged(io.RawIOBase):
    """The bytes of an open file, which must be at the end what they were at the beginning."""

    def __init__(self, handle: int, found: os.stat_result) -> None:
        self._handle, self._found, self._read = handle, found, 0

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._handle

    def readinto(self, buffer: Any) -> int:
        count = os.readv(self._handle, [buffer])
        self._read += count
        # A file that grows faster than it is read has no end.
        if self._read > self._found.st_size or (not count and self._is_changed()):
            raise StoreRefusal("changed while it was read")
        return count

    def _is_changed(self) -> bool:
        now = os.fstat(self._handle)
        return self._read != now.st_size or now.st_mtime_ns != self._found.st_mtime_ns

    def close(self) -> None:
        if not self.closed:
            os.close(self._handle)
        super().close()


def _entered(parent: int, name: str, *, is_made: bool) -> int:
    if is_made:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, _FOLDER_MODE, dir_fd=parent)
            # A name is on the disk only when its folder is.
            os.fsync(parent)
    # What we may not enter to write is for the operator to mend, and the letter waits.
    with _refusing(is_denial_told=not is_made):
        return os.open(name, _FOLDER, dir_fd=parent)


def _looked_at(parent: int, name: str) -> os.stat_result:
    with _refusing():
        return os.stat(name, dir_fd=parent, follow_symlinks=False)


def _must_be_plain(found: os.stat_result) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise StoreRefusal(_BLAMED[errno.ELOOP])
    if not stat.S_ISREG(found.st_mode):
        raise StoreRefusal("names no file")
    if found.st_nlink > 1:
        # Whoever may write here could have given a file of somewhere else a name here.
        raise StoreRefusal("names a file with other names beside (hard links)")


@contextlib.contextmanager
def _refusing(*, is_denial_told: bool = True) -> Iterator[None]:
    """What the caller's naming is to blame for is refused; anything else is trouble of the store."""
    try:
        yield
    except OSError as error:
        if error.errno not in _BLAMED or (error.errno == errno.EACCES and not is_denial_told):
            raise
        raise StoreRefusal(_BLAMED[error.errno], is_missing=error.errno == errno.ENOENT) from error


@contextlib.contextmanager
def _fresh(parent: int) -> Iterator[tuple[int, Any]]:
    """A new file without a name, and what gives it one: where the file system knows such, a killed process leaves
    nothing behind."""
    try:
        handle = os.open(".", os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600, dir_fd=parent)
    except OSError as error:
        if error.errno not in _NO_UNNAMED_FILES:
            raise
    else:
        try:
            yield handle, lambda name: os.link(f"/proc/self/fd/{handle}", name, dst_dir_fd=parent, follow_symlinks=True)
        finally:
            os.close(handle)
        return
    working = f".hammy-{secrets.token_hex(16)}.part"
    handle = os.open(working, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600, dir_fd=parent)
    try:
        yield handle, lambda name: os.link(working, name, src_dir_fd=parent, dst_dir_fd=parent, follow_symlinks=False)
    finally:
        os.close(handle)
        os.unlink(working, dir_fd=parent)
