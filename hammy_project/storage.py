"""Files on a disk that are whole or not there."""

import contextlib
import os
import secrets
import time
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.files.storage import FileSystemStorage
from django.utils.deconstruct import deconstructible

# Files on their way in; a name that no saved file may begin with.
_INCOMING = ".incoming"
_ABANDONED_SECONDS = 3600.0


@deconstructible(path="hammy_project.storage.AtomicFileStorage")
class AtomicFileStorage(FileSystemStorage):
    """Django's file storage for content-addressed names: a name says what is in the file.

    A file appears under its name only whole and on the disk, whatever dies when. Saving a name that is there with
    the same size changes nothing but the file's time, which spares it from who sweeps old orphans. Only the owner
    may read (0600, folders 0700). OSError (a full disk) leaves nothing behind.

    Content with a ``temporary_file_path`` (Django's word for a file that its owner is about to remove) is linked and
    not copied, where it lies on the same file system; nobody may write to that file any more.
    """

    def __init__(self, location: str | None = None, base_url: str | None = None, **options: Any) -> None:
        options = {"file_permissions_mode": 0o600, "directory_permissions_mode": 0o700, **options}
        super().__init__(location, base_url, **options)
        self._is_swept = False

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """The name itself: what is saved twice is the same file."""
        return name

    def remove_abandoned(self, *, seconds: float = _ABANDONED_SECONDS) -> int:
        """Remove what a killed process left half written so long ago; answers how many files."""
        removed = 0
        with contextlib.suppress(FileNotFoundError):
            for path in Path(self.path(_INCOMING)).iterdir():
                with contextlib.suppress(FileNotFoundError):
                    if path.lstat().st_mtime < time.time() - seconds:
                        path.unlink()
                        removed += 1
        return removed

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        folders, files = super().listdir(path)
        return [folder for folder in folders if folder != _INCOMING], files

    def _save(self, name: str, content: "File[Any]") -> str:
        target = Path(self.path(name))
        stored = str(target.relative_to(self.location))
        if self._is_there(target, content):
            return stored
        if not self._is_swept:
            self._is_swept = True
            self.remove_abandoned()
        incoming = Path(self.path(_INCOMING))
        self._make_folders(incoming)
        fresh = incoming / secrets.token_hex(16)
        try:
            if not self._link(fresh, content):
                self._write(fresh, content)
            self._make_folders(target.parent)
            fresh.replace(target)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
        _sync_folder(target.parent)
        return stored

    def _is_there(self, target: Path, content: "File[Any]") -> bool:
        try:
            if target.stat().st_size != content.size:
                return False
            os.utime(target)
        except FileNotFoundError:
            return False
        return True

    def _link(self, path: Path, content: "File[Any]") -> bool:
        """Whether the content's own file could be given this name too."""
        if not hasattr(content, "temporary_file_path"):
            return False
        handle = os.open(content.temporary_file_path(), os.O_RDONLY | os.O_NOFOLLOW)
        try:
            try:
                os.link(content.temporary_file_path(), path)
            except OSError:
                # Another file system, or one without links.
                return False
            self._settle(handle)
            # Its bytes may have come long ago, and who sweeps old orphans looks at the time.
            os.utime(handle)
        finally:
            os.close(handle)
        return True

    def _settle(self, handle: int) -> None:
        """Give a file its mode and bring it to the disk."""
        if self.file_permissions_mode is not None:
            os.fchmod(handle, self.file_permissions_mode)
        os.fsync(handle)

    def _write(self, path: Path, content: "File[Any]") -> None:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            for chunk in content.chunks():
                file.write(chunk.encode() if isinstance(chunk, str) else chunk)
            file.flush()
            self._settle(file.fileno())

    def _make_folders(self, folder: Path) -> None:
        if folder.is_dir():
            return
        self._make_folders(folder.parent)
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=self.directory_permissions_mode or 0o777)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    # A name is on the disk only when its folder is.
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
