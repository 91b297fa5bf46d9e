"""S20, S21: the store FS on a real file system, whatever callers name and others do there meanwhile."""

import errno
import os
import socket
from collections.abc import Callable, Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from sending.stores import _below, stores
from sending.stores.base import Document, Owner, StoreRefusal
from sending.stores.fs import FileStore

STORE = stores()["FS"]
CONTENT = b"%PDF-1.4 minta"
LINK = "names a link; links are not followed"
THROUGH = "leads through what is no folder; links are not followed"
NOTHING = "names nothing that is there"
NO_FILE = "names no file"


@pytest.fixture
def root(settings: Any, tmp_path: Path) -> Path:
    """The external root with a client's folder in it, beside what is nobody's business."""
    (tmp_path / "secret.txt").write_bytes(b"secret")
    root = tmp_path / "external"
    (root / "crm" / "out").mkdir(parents=True)
    (root / "crm" / "out" / "test.pdf").write_bytes(CONTENT)
    (root / "billing").mkdir()
    (root / "billing" / "theirs.pdf").write_bytes(b"theirs")
    settings.HAMMY_EXTERNAL_ROOT = root
    return root


OWNER = Owner(client_id=1, folder="crm")


def refusal_of(action: Callable[[], Any]) -> str:
    with pytest.raises(StoreRefusal) as caught:
        action()
    return caught.value.sentence


def read(ref: str, owner: Owner = OWNER) -> bytes:
    with STORE.open(ref, owner) as file:
        return file.read()


def a_document(content: bytes = CONTENT, **values: Any) -> Document:
    given: dict[str, Any] = {
        "message_id": 7,
        "part": "0",
        "file_name": "internal.pdf",
        "media_type": "application/pdf",
        "digest": sha256(content).hexdigest(),
        "opener": lambda: BytesIO(content),
        "path": "alma",
    }
    return Document(**given | values)


def everything(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


# ── S20: sources ────────────────────────────────────────────────────────────────────────────────
def test_a_file_below_the_clients_own_folder_is_read(root: Path) -> None:
    assert read("out/test.pdf") == CONTENT
    assert read("crm/out/test.pdf", Owner(client_id=2)) == CONTENT


@pytest.mark.parametrize(
    ("ref", "sentence"),
    [
        ("../billing/theirs.pdf", "must not contain an empty name, . or .."),
        ("out/../../billing/theirs.pdf", "must not contain an empty name, . or .."),
        ("..", "must not contain an empty name, . or .."),
        ("./out/test.pdf", "must not contain an empty name, . or .."),
        ("out//test.pdf", "must not contain an empty name, . or .."),
        ("out/", "must not contain an empty name, . or .."),
        ("/etc/passwd", "must be relative, without a slash at its beginning"),
        ("//host/share", "must be relative, without a slash at its beginning"),
        ("out\\test.pdf", "must not contain a backslash; folders are separated by /"),
        ("..\\secret.txt", "must not contain a backslash; folders are separated by /"),
        ("out/test.pdf\0.txt", "must not contain control characters"),
        ("out/te\nst.pdf", "must not contain control characters"),
        ("out/\u202etest.pdf", "must not contain control characters"),
        ("out/\ud800", "must not contain control characters"),
        ("", "must name a file"),
        ("x" * 256, "must not contain a name of more than 255 bytes"),
        ("é" * 128, "must not contain a name of more than 255 bytes"),
        ("/".join(["x" * 200] * 6), "must be at most 1024 bytes long"),
        ("out/TEST.pdf", NOTHING),
        ("out/test.pdf ", NOTHING),
        ("out/none.pdf", NOTHING),
        ("none/test.pdf", NOTHING),
        ("out", NO_FILE),
        ("out/test.pdf/x", THROUGH),
        ("proc/self/environ", NOTHING),
    ],
)
def test_s20_what_a_path_may_not_be(root: Path, ref: str, sentence: str) -> None:
    assert refusal_of(lambda: STORE.check(ref, OWNER)) == sentence
    assert refusal_of(lambda: STORE.open(ref, OWNER)) == sentence


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        here = Path.cwd()
        # The name of a socket is short, the test's folder long.
        os.chdir(path.parent)
        made.bind(path.name)
        os.chdir(here)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("ref", "make", "sentence"),
    [
        ("it", lambda path: path.symlink_to("out/test.pdf"), LINK),
        ("it", lambda path: path.symlink_to("../../secret.txt"), LINK),
        ("it", lambda path: path.symlink_to("/etc/passwd"), LINK),
        ("it", lambda path: path.symlink_to("it"), LINK),
        ("it", lambda path: path.symlink_to("gone"), LINK),
        ("it/secret.txt", lambda path: path.symlink_to("../.."), THROUGH),
        ("it/theirs.pdf", lambda path: path.symlink_to("../billing"), THROUGH),
        ("it/self/environ", lambda path: path.symlink_to("/proc"), THROUGH),
        ("it", os.mkfifo, NO_FILE),
        ("it", _socket, NO_FILE),
        ("it", lambda path: path.mkdir(), NO_FILE),
        (
            "it",
            lambda path: path.hardlink_to(path.parents[2] / "secret.txt"),
            "names a file with other names beside (hard links)",
        ),
    ],
    ids=["inside", "up", "absolute", "loop", "dangling", "folder up", "folder beside", "proc", "fifo", "socket",
         "folder", "hard link"],
)  # fmt: skip
def test_s20_only_plain_files_are_read(root: Path, ref: str, make: Any, sentence: str) -> None:
    make(root / "crm" / "it")
    assert refusal_of(lambda: STORE.check(ref, OWNER)) == sentence
    assert refusal_of(lambda: STORE.open(ref, OWNER)) == sentence
    assert STORE.remove(ref, OWNER, digest=sha256(b"secret").hexdigest()) is False
    assert (root.parent / "secret.txt").read_bytes() == b"secret"


def test_s20_a_device_is_never_opened(root: Path) -> None:
    if os.geteuid():
        pytest.skip("only root makes devices")
    os.mknod(root / "crm" / "zero", 0o666 | 0o020000, os.makedev(1, 5))
    assert refusal_of(lambda: STORE.open("zero", OWNER)) == NO_FILE


def test_s20_a_file_that_may_not_be_read_is_refused(root: Path, settings: Any) -> None:
    (root / "crm" / "out" / "test.pdf").chmod(0)
    if os.geteuid():
        assert refusal_of(lambda: STORE.open("out/test.pdf", OWNER)) == "may not be read"
        return
    child = os.fork()
    if not child:
        # Root may read everything, so somebody else asks, from within: the test's own folders are closed to him.
        os.chdir(root)
        settings.HAMMY_EXTERNAL_ROOT = "."
        os.setuid(65534)
        try:
            said = refusal_of(lambda: STORE.open("out/test.pdf", OWNER))
        except BaseException:
            os._exit(1)
        os._exit(0 if said == "may not be read" else 2)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize(
    ("change", "read_first"),
    [
        (lambda path: path.write_bytes(b"x" * 1_000_004), 1),
        (lambda path: os.truncate(path, 5), 1),
        (lambda path: os.truncate(path, 0), 0),
    ],
    ids=["grown", "shrunk", "emptied"],
)
def test_s20_a_file_that_changes_while_it_is_read_is_refused(root: Path, change: Any, read_first: int) -> None:
    path = root / "crm" / "big"
    path.write_bytes(b"x" * 1_000_000)
    with STORE.open("big", OWNER) as file:
        file.read(read_first)
        change(path)
        said = refusal_of(file.read)
    assert said == "changed while it was read"


def test_s20_a_file_written_anew_with_the_same_length_is_refused_too(root: Path) -> None:
    path = root / "crm" / "big"
    path.write_bytes(b"x" * 1_000_000)
    with STORE.open("big", OWNER) as file:
        file.read(1)
        path.write_bytes(b"y" * 1_000_000)
        os.utime(path, ns=(1, 1))
        assert refusal_of(file.read) == "changed while it was read"


@pytest.mark.timeout(20)
def test_s20_a_file_that_grows_for_ever_has_an_end(root: Path) -> None:
    path = root / "crm" / "log"
    path.write_bytes(b"x" * 300_000)
    with STORE.open("log", OWNER) as file, path.open("ab") as writer:

        def on() -> None:
            while file.read(4096):
                writer.write(b"y" * 8192)
                writer.flush()

        assert refusal_of(on) == "changed while it was read"


@pytest.mark.parametrize("put", [lambda path, secret: path.symlink_to(secret), lambda path, secret: os.mkfifo(path)])
def test_s20_what_takes_a_files_place_between_looking_and_opening_is_not_read(
    root: Path, monkeypatch: pytest.MonkeyPatch, put: Any
) -> None:
    path = root / "crm" / "out" / "test.pdf"
    look = _below._looked_at

    def looked_at(parent: int, name: str) -> os.stat_result:
        found = look(parent, name)
        path.unlink()
        put(path, root.parent / "secret.txt")
        return found

    monkeypatch.setattr(_below, "_looked_at", looked_at)
    assert refusal_of(lambda: STORE.open("out/test.pdf", OWNER)) in (LINK, NO_FILE)


def test_s20_a_folder_moved_meanwhile_does_not_lead_elsewhere(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder that was entered is the one that is used; a link in its place is of no avail."""
    enter = _below._entered

    def entered(parent: int, name: str, *, is_made: bool) -> int:
        handle = enter(parent, name, is_made=is_made)
        if name == "out":
            (root / "crm" / "out").rename(root / "crm" / "was")
            (root / "crm" / "out").symlink_to(root.parent)
        return handle

    monkeypatch.setattr(_below, "_entered", entered)
    assert read("out/test.pdf") == CONTENT


def test_a_root_that_is_not_there_is_trouble_of_the_store(settings: Any, tmp_path: Path) -> None:
    settings.HAMMY_EXTERNAL_ROOT = tmp_path / "not mounted"
    for action in (
        lambda: STORE.check("a.pdf", OWNER),
        lambda: STORE.open("a.pdf", OWNER),
        lambda: STORE.check_target("", "a.pdf", OWNER),
        lambda: STORE.keep(a_document(), OWNER),
        lambda: STORE.remove("a.pdf", OWNER, digest=""),
    ):
        with pytest.raises(FileNotFoundError):
            action()
    assert list(tmp_path.iterdir()) == []


def test_a_root_may_be_a_link_of_the_operators(root: Path, settings: Any) -> None:
    link = root.parent / "link"
    link.symlink_to(root)
    settings.HAMMY_EXTERNAL_ROOT = link
    assert read("out/test.pdf") == CONTENT


# ── deleteSourceExpected ────────────────────────────────────────────────────────────────────────
def test_s20_a_source_is_removed_and_nothing_else(root: Path) -> None:
    assert STORE.remove("out/test.pdf", OWNER, digest=sha256(CONTENT).hexdigest()) is True
    assert everything(root) == {"billing/theirs.pdf": b"theirs"}


@pytest.mark.parametrize("ref", ["../billing/theirs.pdf", "/etc/hostname", "out"])
def test_s20_removing_keeps_below_the_folder_too(root: Path, ref: str) -> None:
    before = everything(root)
    assert STORE.remove(ref, OWNER, digest=sha256(b"theirs").hexdigest()) is False
    assert everything(root) == before


def test_s20_another_file_in_the_sources_place_stays(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = root / "crm" / "out" / "test.pdf"
    digest = _below.file_digest

    def replaced(file: BinaryIO, name: str) -> Any:
        found = digest(file, name)
        path.rename(root / "crm" / "was")
        path.write_bytes(b"the next one")
        return found

    monkeypatch.setattr(_below, "file_digest", replaced)
    assert STORE.remove("out/test.pdf", OWNER, digest=sha256(CONTENT).hexdigest()) is False
    assert path.read_bytes() == b"the next one"


# ── S21: targets ────────────────────────────────────────────────────────────────────────────────
@pytest.fixture(params=["unnamed files", "none of these"])
def file_system(request: pytest.FixtureRequest, root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A local file system, and one (NFS) that knows no files without a name."""
    real = os.open

    def opened(path: Any, flags: int, *more: Any, **named: Any) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "Operation not supported")
        return real(path, flags, *more, **named)

    if request.param == "none of these":
        monkeypatch.setattr(os, "open", opened)
    yield
    assert [name for name in everything(root) if ".hammy" in name] == []


def test_a_document_is_written_into_folders_made_for_it(root: Path, file_system: None) -> None:
    assert STORE.keep(a_document(path="a/b/c"), OWNER) == "a/b/c/internal.pdf"
    path = root / "crm" / "a" / "b" / "c" / "internal.pdf"
    assert path.read_bytes() == CONTENT
    found = path.stat()
    assert (found.st_mode & 0o777, found.st_nlink) == (0o640, 1)
    assert path.parent.stat().st_mode & 0o027 == 0
    assert read("a/b/c/internal.pdf") == CONTENT


def test_s21_nothing_is_overwritten(root: Path, file_system: None) -> None:
    STORE.keep(a_document(), OWNER)
    before = everything(root)
    said = refusal_of(lambda: STORE.keep(a_document(b"another", message_id=8), OWNER))
    assert said == "another file internal.pdf lies there"
    assert everything(root) == before


def test_s21_the_same_content_is_there_already_and_is_not_touched(root: Path, file_system: None) -> None:
    STORE.keep(a_document(), OWNER)
    path = root / "crm" / "alma" / "internal.pdf"
    before = path.stat()
    assert STORE.keep(a_document(message_id=8), OWNER) == "alma/internal.pdf"
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_s21_of_two_that_write_at_once_one_wins_and_the_other_says_so(root: Path, file_system: None) -> None:
    path = root / "crm" / "alma" / "internal.pdf"

    def while_another_writes() -> BinaryIO:
        path.write_bytes(b"another")
        return BytesIO(CONTENT)

    said = refusal_of(lambda: STORE.keep(a_document(opener=while_another_writes), OWNER))
    assert said == "another file internal.pdf lies there"
    assert path.read_bytes() == b"another"
    path.unlink()

    def while_its_like_writes() -> BinaryIO:
        path.write_bytes(CONTENT)
        return BytesIO(CONTENT)

    assert STORE.keep(a_document(opener=while_its_like_writes), OWNER) == "alma/internal.pdf"


class Broken(BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        if self.tell():
            raise OSError(errno.EIO, "Input/output error")
        return super().read(10)


def test_s21_a_document_that_cannot_be_read_whole_leaves_no_file(root: Path, file_system: None) -> None:
    before = everything(root)
    with pytest.raises(OSError, match="Input/output error"):
        STORE.keep(a_document(opener=lambda: Broken(b"x" * 100)), OWNER)
    assert everything(root) == before


@pytest.mark.parametrize(
    ("path", "file_name", "sentence"),
    [
        ("..", "a.pdf", "must not contain an empty name, . or .."),
        ("alma/../../billing", "a.pdf", "must not contain an empty name, . or .."),
        ("alma//b", "a.pdf", "must not contain an empty name, . or .."),
        ("/alma", "a.pdf", "must be relative, without a slash at its beginning"),
        ("al\\ma", "a.pdf", "must not contain a backslash; folders are separated by /"),
        ("al\0ma", "a.pdf", "must not contain control characters"),
        ("x" * 256, "a.pdf", "must not contain a name of more than 255 bytes"),
        ("", "é" * 128, "must not contain a name of more than 255 bytes"),
        ("", "a/b.pdf", "must be a file name without a path"),
        ("", "..", "must not contain an empty name, . or .."),
        ("", "", "must be a file name without a path"),
        ("out/test.pdf", "a.pdf", THROUGH),
        ("link", "a.pdf", THROUGH),
        ("", "out", "is taken by what is no file"),
        ("", "link", "is taken by what is no file"),
    ],
)
def test_s21_what_a_target_may_not_be(root: Path, path: str, file_name: str, sentence: str) -> None:
    (root / "crm" / "link").symlink_to(root / "billing")
    before = everything(root)
    assert refusal_of(lambda: STORE.check_target(path, file_name, OWNER)) == sentence
    with pytest.raises(StoreRefusal):
        STORE.keep(a_document(path=path, file_name=file_name), OWNER)
    assert everything(root) == before


@pytest.mark.parametrize(("path", "name"), [("", "a.pdf"), ("new/and/deeper", "a.pdf"), ("out", "test.pdf")])
def test_what_could_be_written_is_no_problem(root: Path, path: str, name: str) -> None:
    STORE.check_target(path, name, OWNER)
    STORE.check_target(path, name, Owner(client_id=3, folder="not/made/yet"))
    assert not (root / "crm" / "new").exists()


def test_a_clients_folder_is_made_with_its_first_document(root: Path) -> None:
    FileStore().keep(a_document(), Owner(client_id=3, folder="third/system"))
    assert (root / "third" / "system" / "alma" / "internal.pdf").read_bytes() == CONTENT
