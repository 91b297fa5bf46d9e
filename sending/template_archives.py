"""Files of templates out of and into folders and ZIP archives, whatever else those hold."""

import io
import os
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from errno import EEXIST
from pathlib import Path, PurePosixPath
from typing import IO

from sending.template_files import Fault

MOST_FILES = 20_000
# Of one file: as many characters as a template may have, each of as many bytes as any has.
LARGEST_FILE = 2 * 1024 * 1024
MOST_BYTES = 64 * 1024 * 1024
LARGEST_ARCHIVE = 8 * 1024 * 1024
# What file systems and archivers add by themselves; so does everything whose name begins with a dot.
_LITTER = ("__MACOSX", "Thumbs.db", "desktop.ini")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What reading a broken archive may raise.
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError)
_ARCHIVE = "the archive"


def zipped(files: Mapping[str, bytes]) -> bytes:
    """An archive of the files: the same bytes for the same files, whenever and wherever it is made."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, data in sorted(files.items()):
            info = zipfile.ZipInfo(path)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(info, data)
    return content.getvalue()


def unzipped(content: IO[bytes], faults: list[Fault]) -> dict[str, bytes]:
    """The files of an archive by their paths; nothing is written anywhere, and no more inflated than is allowed."""
    if content.seek(0, os.SEEK_END) > LARGEST_ARCHIVE:
        faults.append(Fault(place=_ARCHIVE, sentence=f"is larger than {LARGEST_ARCHIVE:,} bytes"))
        return {}
    gathering = _Gathering(faults)
    try:
        with zipfile.ZipFile(content) as archive:
            for info in archive.infolist():
                if info.is_dir() or _is_litter(info.filename):
                    continue
                if problem := _problem_of(info):
                    faults.append(Fault(place=info.filename, sentence=problem))
                    continue
                with archive.open(info) as file:
                    if not gathering.takes(info.filename, file):
                        break
    except _BROKEN:
        faults.append(Fault(place=_ARCHIVE, sentence="is no ZIP archive, or a damaged one"))
    return gathering.files


def below(folder: Path, faults: list[Fault]) -> dict[str, bytes]:
    """The files below a folder by their paths; links are not followed."""
    gathering = _Gathering(faults)
    for path in _walk(folder):
        name = path.relative_to(folder).as_posix()
        if _is_litter(name):
            continue
        try:
            if not stat.S_ISREG(path.lstat().st_mode):
                faults.append(Fault(place=name, sentence="is no ordinary file"))
                continue
            with path.open("rb") as file:
                if not gathering.takes(name, file):
                    break
        except OSError as error:
            faults.append(Fault(place=name, sentence=f"cannot be read: {error.strerror}"))
    return gathering.files


def lay_out(files: Mapping[str, bytes], target: Path) -> None:
    """The files below ``target``, all of them or none; raises OSError, also where something is there already."""
    with _beside(target) as work:
        made = work / "made"
        made.mkdir()
        for name, data in files.items():
            path = made / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        if target.exists():
            # An empty folder is the only thing that this replaces.
            target.rmdir()
        made.rename(target)


def lay_down(content: bytes, target: Path) -> None:
    """A file of these bytes, whole or not at all; raises OSError, also where something is there already."""
    if target.exists():
        raise FileExistsError(EEXIST, os.strerror(EEXIST))
    with _beside(target) as work:
        made = work / "made"
        made.write_bytes(content)
        made.rename(target)


class _Gathering:
    """Files read so far, within what may be read of many."""

    def __init__(self, faults: list[Fault]) -> None:
        self.files: dict[str, bytes] = {}
        self._faults = faults
        self._room = MOST_BYTES

    def takes(self, name: str, file: IO[bytes]) -> bool:
        """Read a file, and never more of it than it may hold; False when no more may be read at all."""
        path, data = str(PurePosixPath(name)), file.read(LARGEST_FILE + 1)
        self._room -= len(data)
        if self._room < 0 or len(self.files) == MOST_FILES:
            sentence = f"there are more than {MOST_FILES:,} files or {MOST_BYTES:,} bytes"
            self._faults.append(Fault(place=path, sentence=sentence))
            return False
        if len(data) > LARGEST_FILE:
            self._faults.append(Fault(place=path, sentence=f"is larger than {LARGEST_FILE:,} bytes"))
        elif path in self.files:
            self._faults.append(Fault(place=path, sentence="is there twice"))
        else:
            self.files[path] = data
        return True


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A folder on the target's own file system, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix=".hammy-", dir=target.absolute().parent) as work:
        yield Path(work)


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)
        else:
            yield path


def _is_litter(name: str) -> bool:
    return any(part in _LITTER or (part[0] == "." and part != "..") for part in PurePosixPath(name).parts)


def _problem_of(info: zipfile.ZipInfo) -> str:
    """Why an entry is not read, "" when it is."""
    path = PurePosixPath(info.filename)
    if path.is_absolute() or ".." in path.parts or "\\" in info.filename or not info.filename.isprintable():
        return "is no path within the archive"
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        return "is no ordinary file"
    if info.flag_bits & 0x1:
        return "is encrypted"
    return "" if info.compress_type in _METHODS else "is compressed in a way that is not read here: use deflate"
