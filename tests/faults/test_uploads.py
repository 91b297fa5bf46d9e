"""S23: uploads against a running web server: as clients send them, large, broken off, and cut off by a kill."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import requests
from requests_toolbelt import MultipartEncoder

from tests.faults.site import Site, children_of, letter, site, wait_until
from tests.multiparts import NAME, a_body, a_part

pytestmark = pytest.mark.timeout(300)

JSON_API = "application/vnd.api+json"
MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with one web process; nobody sends."""
    with site(tmp_path_factory.mktemp("uploads"), HAMMY_MAX_MAIL_BYTES=str(1024 * MEGABYTE)) as made:
        made.start_web()
        yield made


@pytest.fixture
def folder(running: Site) -> Path:
    return running.folder / "var" / "incoming"


def message(request_id: str) -> str:
    """A letter with one attachment, in the part ``file``."""
    inline = {"key": "ATTACHMENT_SOURCE", "value": "INLINE"}
    attributes = letter(request_id)
    return json.dumps({
        "data": {
            "type": "sendRequests",
            "attributes": attributes,
            "relationships": {"attachments": {"data": [{"type": "attachments", "id": "1"}]}},
        },
        "included": [
            {
                "type": "attachments",
                "id": "1",
                "attributes": {"fileName": "árvíztűrő.bin", "attachmentRef": "file"},
                "relationships": {"properties": {"data": [{"type": "properties", "id": "1"}]}},
            },
            {"type": "properties", "id": "1", "attributes": inline},
        ],
    })  # fmt: skip


def kept(running: Site, message_id: int) -> Path:
    """The file of a message's one attachment."""
    query = f"SELECT blob_id FROM sending_attachment WHERE message_id = {message_id}"
    digest = str(running.query(query)[0][0])
    return running.folder / "var" / "files" / "blobs" / digest[:2] / digest[2:4] / digest


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*"))


def with_requests(running: Site, request_id: str, path: Path) -> Any:
    with path.open("rb") as file:
        parts = {"message": (None, message(request_id), JSON_API), "file": file}
        return requests.post(running.url("send"), files=parts, headers=running.headers, timeout=60).json()


def with_requests_toolbelt(running: Site, request_id: str, path: Path) -> Any:
    with path.open("rb") as file:
        encoder = MultipartEncoder({"file": (path.name, file, "image/png"), "message": message(request_id)})
        headers = running.headers | {"Content-Type": encoder.content_type}
        return requests.post(running.url("send"), data=encoder, headers=headers, timeout=60).json()


def with_aiohttp(running: Site, request_id: str, path: Path) -> Any:
    async def post() -> Any:
        form = aiohttp.FormData()
        form.add_field("message", message(request_id))
        with path.open("rb") as file:
            form.add_field("file", file, filename="fájl.bin")
            async with (
                aiohttp.ClientSession(headers=running.headers) as session,
                session.post(running.url("send"), data=form) as answer,
            ):
                return await answer.json(content_type=None)

    return asyncio.run(post())


def with_curl(running: Site, request_id: str, path: Path) -> Any:
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    key = f"X-Client-Hash-Key: {running.headers['X-Client-Hash-Key']}"
    command = ["curl", "-sS", running.url("send"), "-H", key, "-F", "message=<-", "-F", f"file=@{path}"]
    return json.loads(
        subprocess.run(command, input=message(request_id), text=True, check=True, capture_output=True).stdout
    )


def as_mixed(running: Site, request_id: str, path: Path) -> Any:
    parts = [a_part("Content-ID: <file>", path.read_bytes()), a_part(f"{NAME}message", message(request_id).encode())]
    headers = running.headers | {"Content-Type": "multipart/mixed; boundary=X"}
    return requests.post(running.url("send"), data=a_body(*parts), headers=headers, timeout=60).json()


@pytest.mark.parametrize("send", [with_requests, with_requests_toolbelt, with_aiohttp, with_curl, as_mixed])
def test_clients_upload_as_they_are_used_to(
    running: Site, tmp_path: Path, folder: Path, send: Callable[[Site, str, Path], Any]
) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(os.urandom(3 * MEGABYTE + 1))
    answer = send(running, f"client {send.__name__}", path)
    assert answer["meta"]["responseStatus"] == {"code": 0, "messages": []}
    assert kept(running, int(answer["data"]["id"])).read_bytes() == path.read_bytes()
    assert left(folder) == []


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("multipart/form-data; boundary=X; a*" + "9" * 5000 + "=x", 415),
        ("application/json; charset*=nonsense''utf-8", 200),
        ("multipart/form-data; boundary*=nonsense''X", 400),
        ("multipart/form-data; boundary*=nonsense''%FF", 400),
    ],
    ids=range(4),
)
def test_s24_a_content_type_that_django_cannot_read_is_answered(running: Site, content_type: str, status: int) -> None:
    headers = running.headers | {"Content-Type": content_type}
    answer = requests.post(running.url("send"), data=json.dumps(letter("types")), headers=headers, timeout=60)
    assert (answer.status_code, answer.json()["meta"]["responseStatus"]["code"]) == (
        status,
        0 if status == 200 else 1000,
    )


class Zeros:
    """A file of so many zero bytes that nobody holds; every tenth of it differs, to be no one's copy."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.digest = sha256()

    def pieces(self) -> Iterator[bytes]:
        for number in range(self.size // MEGABYTE):
            piece = number.to_bytes(8, "big") * (MEGABYTE // 8)
            self.digest.update(piece)
            yield piece


def upload_large(running: Site, request_id: str, megabytes: int) -> tuple[float, float]:
    """By how many megabytes the web process grew at most while it took an upload, and the seconds it took."""
    content = Zeros(megabytes * MEGABYTE)
    head = f"--X\r\n{NAME}message\r\n\r\n{message(request_id)}\r\n--X\r\n{NAME}file\r\n\r\n".encode()
    tail = b"\r\n--X--\r\n"

    def body() -> Iterator[bytes]:
        yield head
        yield from content.pieces()
        yield tail

    (pid,) = children_of(next(process for process in running.processes if "granian" in process.args))
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    before = memory(pid, "VmHWM")
    headers = running.headers | {"Content-Type": "multipart/form-data; boundary=X"}
    began = time.monotonic()
    answer = requests.post(running.url("send"), data=body(), headers=headers, timeout=300)
    seconds = time.monotonic() - began
    assert answer.status_code == 200, answer.text
    path = kept(running, int(answer.json()["data"]["id"]))
    assert (path.name, path.stat().st_size) == (content.digest.hexdigest(), content.size)
    path.unlink()
    return (memory(pid, "VmHWM") - before) / MEGABYTE, seconds


def memory(pid: int, name: str) -> int:
    """In bytes; VmHWM is the most there was since it was last asked to forget."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) * 1024


def test_a_large_upload_takes_no_memory(running: Site, folder: Path) -> None:
    upload_large(running, "warm", 2)
    grown, _ = upload_large(running, "large", 64)
    assert grown < 16
    assert left(folder) == []


@pytest.mark.soak
def test_an_upload_of_200_megabytes_takes_no_memory(running: Site, folder: Path) -> None:
    upload_large(running, "warm 200", 2)
    grown, seconds = upload_large(running, "larger", 200)
    print(f"200 MB in {seconds:.2f} s, {grown:.1f} MB of memory")
    assert grown < 16
    assert left(folder) == []


# ── broken off ──────────────────────────────────────────────────────────────────────────────────


def begun(running: Site, request_id: str, folder: Path) -> socket.socket:
    """A connection that sent half of an upload, of which a part is in its file by now."""
    content = message(request_id).encode()
    body = a_body(a_part(f"{NAME}message", content), a_part(f"{NAME}file", b"x" * 4 * MEGABYTE))
    lines = [
        "POST /hammy/json/send/v2/send HTTP/1.1",
        f"Host: 127.0.0.1:{running.web_port}",
        f"X-Client-Hash-Key: {running.headers['X-Client-Hash-Key']}",
        "Content-Type: multipart/form-data; boundary=X",
        f"Content-Length: {len(body)}",
    ]
    connection = socket.create_connection(("127.0.0.1", running.web_port), timeout=60)
    connection.sendall("\r\n".join([*lines, "", ""]).encode() + body[: 2 * MEGABYTE])

    def arrives() -> bool:
        return any(path.stat().st_size for path in folder.glob("*"))

    wait_until(arrives, seconds=30, what="the upload to begin")
    return connection


def nothing_of(running: Site, request_id: str) -> bool:
    return running.query(f"SELECT id FROM sending_message WHERE request_id = '{request_id}'") == []


def test_s23_an_upload_that_breaks_off_leaves_nothing(running: Site, folder: Path) -> None:
    begun(running, "broken", folder).close()
    wait_until(lambda: not left(folder), seconds=30, what="the file to go")
    assert nothing_of(running, "broken")
    assert running.is_web_alive()


def test_s23_what_a_killed_process_left_is_swept_when_it_is_old(running: Site, folder: Path) -> None:
    web = next(process for process in running.processes if "granian" in process.args)
    connection = begun(running, "killed", folder)
    (pid,) = children_of(web)
    os.kill(pid, signal.SIGKILL)
    connection.close()
    (name,) = left(folder)
    wait_until(lambda: children_of(web) not in ([], [pid]) and running.is_web_alive(), seconds=90, what="a new process")

    # It may be another process's that is still at it.
    sweep = "from gateway import incoming; print(incoming.sweep())"
    assert running.manage("shell", "--no-imports", "-c", sweep) == "0\n"
    assert left(folder) == [name]
    os.utime(folder / name, (time.time() - 7200,) * 2)
    path = running.folder / "small"
    path.write_bytes(b"small")
    assert with_requests(running, "after", path)["meta"]["responseStatus"]["code"] == 0
    assert left(folder) == []
    assert nothing_of(running, "killed")
