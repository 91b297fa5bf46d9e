"""Files that are whole or not there."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files import File
from django.core.files.base import ContentFile

from hammy_project.storage import AtomicFileStorage

NAME = "ab/cd/abcdef"

SAVER = """
import sys
from django.conf import settings
settings.configure()
from django.core.files.base import ContentFile
from hammy_project.storage import AtomicFileStorage
storage = AtomicFileStorage(sys.argv[1])
print("ready", flush=True)
for number in range(1000000):
    storage.save(f"aa/{number}", ContentFile(b"x" * 300000))
"""
MOVER = (
    SAVER.partition("print")[0]
    + """
from tests.platform.test_storage import Arrived
print("ready", flush=True)
for number in range(1000000):
    with open(f"{sys.argv[1]}-{number}", "wb") as file:
        file.write(b"x" * 300000)
    with open(file.name, "rb") as file:
        storage.save(f"aa/{number}", Arrived(file))
"""
)


class Arrived(File):
    """A file that its owner is about to remove."""

    def temporary_file_path(self) -> str:
        return str(self.name)


@pytest.fixture
def storage(tmp_path: Path) -> AtomicFileStorage:
    return AtomicFileStorage(str(tmp_path / "files"))


def files_below(path: Path) -> list[str]:
    return sorted(str(found.relative_to(path)) for found in path.rglob("*") if found.is_file())


def test_a_file_saved_is_there_under_its_name_for_its_owner_alone(storage: AtomicFileStorage, tmp_path: Path) -> None:
    assert storage.save(NAME, ContentFile(b"content")) == NAME
    assert storage.open(NAME).read() == b"content"
    assert files_below(tmp_path / "files") == [NAME]
    assert (tmp_path / "files" / NAME).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "files" / "ab").stat().st_mode & 0o777 == 0o700
    assert storage.listdir("") == (["ab"], [])


def test_saving_what_is_there_changes_only_its_time(storage: AtomicFileStorage, tmp_path: Path) -> None:
    storage.save(NAME, ContentFile(b"content"))
    path = tmp_path / "files" / NAME
    os.utime(path, (1, 1))
    inode = path.stat().st_ino
    assert storage.save(NAME, ContentFile(b"CONTENT")) == NAME
    assert path.stat().st_ino == inode
    assert path.read_bytes() == b"content"
    assert time.time() - path.stat().st_mtime < 60


def test_a_file_of_another_size_is_replaced_whole(storage: AtomicFileStorage, tmp_path: Path) -> None:
    storage.save(NAME, ContentFile(b"half"))
    assert storage.save(NAME, ContentFile(b"the whole")) == NAME
    assert (tmp_path / "files" / NAME).read_bytes() == b"the whole"
    assert files_below(tmp_path / "files") == [NAME]


def test_text_is_stored_as_utf_8(storage: AtomicFileStorage) -> None:
    storage.save(NAME, ContentFile("árvíztűrő"))
    assert storage.open(NAME).read() == "árvíztűrő".encode()


@pytest.mark.parametrize("name", ["../outside", "ab/../../outside", "/etc/outside"])
def test_nothing_is_saved_outside(storage: AtomicFileStorage, tmp_path: Path, name: str) -> None:
    with pytest.raises(SuspiciousFileOperation):
        storage.save(name, ContentFile(b"content"))
    assert files_below(tmp_path) == []


def test_a_full_disk_is_an_error_and_leaves_nothing(
    storage: AtomicFileStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    storage.save("aa/first", ContentFile(b"first"))
    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="No space left on device") as caught:
        storage.save("aa/second", ContentFile(b"second"))
    assert caught.value.errno == errno.ENOSPC
    assert files_below(tmp_path) == ["files/aa/first"]


def test_a_disk_that_is_really_full_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        storage = AtomicFileStorage(str(place))
        storage.save("aa/first", ContentFile(b"first"))
        with pytest.raises(OSError, match="No space left on device"):
            storage.save("aa/second", ContentFile(b"x" * 1_000_000))
        assert files_below(place) == ["aa/first"]
        storage.save("aa/third", ContentFile(b"third"))
        assert files_below(place) == ["aa/first", "aa/third"]
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("script", [SAVER, MOVER], ids=["copied", "linked"])
def test_a_killed_process_leaves_whole_files_only(storage: AtomicFileStorage, tmp_path: Path, script: str) -> None:
    place = tmp_path / "files"
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(place)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    while not (place / "aa").is_dir() or len(list((place / "aa").iterdir())) < 5:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    sizes = {path.stat().st_size for path in (place / "aa").iterdir()}
    assert sizes == {300_000}


def test_what_was_abandoned_long_ago_is_removed_by_the_next_who_saves(
    storage: AtomicFileStorage, tmp_path: Path
) -> None:
    incoming = tmp_path / "files" / ".incoming"
    incoming.mkdir(parents=True)
    for name, age in (("old", 7200), ("young", 60)):
        (incoming / name).write_bytes(b"half")
        os.utime(incoming / name, (time.time() - age,) * 2)
    storage.save(NAME, ContentFile(b"content"))
    assert files_below(tmp_path / "files") == [".incoming/young", NAME]
    assert storage.remove_abandoned(seconds=0) == 1
    assert storage.listdir("") == (["ab"], [])


def test_many_saving_the_same_at_once_leave_one_file(storage: AtomicFileStorage, tmp_path: Path) -> None:
    failures: list[BaseException] = []

    def save() -> None:
        try:
            for number in range(20):
                storage.save(f"aa/{number}", ContentFile(b"content" * 1000))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=save) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert files_below(tmp_path / "files") == sorted(f"aa/{number}" for number in range(20))


# ── files that have arrived already ─────────────────────────────────────────────────────────────


@pytest.fixture
def arrived(tmp_path: Path) -> Path:
    """A file on the storage's disk, written long ago by somebody who let everybody read it."""
    path = tmp_path / "arrived"
    path.write_bytes(b"content")
    path.chmod(0o644)
    os.utime(path, (1, 1))
    return path


def save(storage: AtomicFileStorage, path: Path, name: str = NAME) -> str:
    with path.open("rb") as file:
        return storage.save(name, Arrived(file))


def test_an_arrived_file_is_taken_without_copying_it(
    storage: AtomicFileStorage, tmp_path: Path, arrived: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (synced.append(os.fstat(handle).st_ino), real(handle)))
    assert save(storage, arrived) == NAME
    kept = tmp_path / "files" / NAME
    assert kept.stat().st_ino == arrived.stat().st_ino
    assert kept.stat().st_ino in synced
    assert kept.stat().st_mode & 0o777 == 0o600
    assert time.time() - kept.stat().st_mtime < 60
    assert files_below(tmp_path / "files") == [NAME]
    arrived.unlink()
    assert storage.open(NAME).read() == b"content"


def test_an_arrived_file_may_be_saved_twice_and_under_two_names(
    storage: AtomicFileStorage, tmp_path: Path, arrived: Path
) -> None:
    assert [save(storage, arrived, name) for name in (NAME, NAME, "aa/other")] == [NAME, NAME, "aa/other"]
    assert files_below(tmp_path / "files") == ["aa/other", NAME]


def test_an_arrived_file_of_a_name_that_is_there_changes_only_its_time(
    storage: AtomicFileStorage, tmp_path: Path, arrived: Path
) -> None:
    storage.save(NAME, ContentFile(b"CONTENT"))
    save(storage, arrived)
    assert (tmp_path / "files" / NAME).read_bytes() == b"CONTENT"
    storage.delete(NAME)
    storage.save(NAME, ContentFile(b"half"))
    save(storage, arrived)
    assert (tmp_path / "files" / NAME).read_bytes() == b"content"
    assert files_below(tmp_path / "files") == [NAME]


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK])
def test_an_arrived_file_that_cannot_be_linked_is_copied(
    storage: AtomicFileStorage, tmp_path: Path, arrived: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)
    save(storage, arrived)
    kept = tmp_path / "files" / NAME
    assert kept.read_bytes() == b"content"
    assert kept.stat().st_ino != arrived.stat().st_ino
    assert kept.stat().st_mode & 0o777 == 0o600
    assert files_below(tmp_path / "files") == [NAME]


def test_a_disk_that_cannot_keep_an_arrived_file_is_an_error_and_leaves_nothing(
    storage: AtomicFileStorage, tmp_path: Path, arrived: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(storage, arrived, "aa/first")

    def refuse(handle: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="Input/output error"):
        save(storage, arrived, "aa/second")
    assert files_below(tmp_path / "files") == ["aa/first"]
    assert arrived.read_bytes() == b"content"
