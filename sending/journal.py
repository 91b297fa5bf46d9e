"""A dispatcher's journal: what it knows of its present claim, in a file that outlives its process.

Writing a line costs a system call instead of a round trip to the database, and survives the process being killed at
any moment. The file's lock is the sign that its dispatcher lives, for all who share the folder.
"""

import fcntl
from pathlib import Path

from django.conf import settings


class Journal:
    """The journal of one living dispatcher, locked as long as its process lives or until it is closed."""

    def __init__(self, number: int) -> None:
        self._file = _path(number).open("a+b", buffering=0)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        # Whatever lies there is of another database's dispatcher of that number.
        self.begin()

    def begin(self) -> None:
        """Forget the claim before: all of it is in the tables, for good."""
        self._file.truncate(0)

    def write(self, line: bytes) -> None:
        """Note one outcome; raises OSError when it could not be."""
        self._file.write(line + b"\n")

    def close(self) -> None:
        """Let the lock go: others may read, and mend."""
        self._file.close()


def is_here(number: int) -> bool:
    """Whether this dispatcher's journal lies in our folder; another host's does not."""
    return _path(number).exists()


def is_locked(number: int) -> bool:
    """Whether the dispatcher of a journal that is here lives."""
    with _path(number).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def read(number: int) -> list[bytes]:
    """The lines of a dead dispatcher's journal; one that was not finished is not among them."""
    *whole, _ = _path(number).read_bytes().split(b"\n")
    return whole


def remove(number: int) -> None:
    """Once what it said is in the tables."""
    _path(number).unlink(missing_ok=True)


def _path(number: int) -> Path:
    folder: Path = settings.VAR_DIR / "dispatchers"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{number}.journal"
