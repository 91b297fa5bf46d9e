"""R1, R31, S23: the web server is killed, besieged, or its disk is full; each letter is taken once or not at all."""

import base64
import os
import random
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.faults.site import Site, children_of, free_port, letter, site, wait_until
from tests.multiparts import NAME, a_body, a_part

pytestmark = pytest.mark.timeout(300)
CLIENTS = 4
TOO_MANY = 50
CHUNK = 500


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with two web processes; nobody sends."""
    with site(tmp_path_factory.mktemp("web")) as made:
        made.start_web(workers=2)
        yield made


@pytest.fixture
def web(running: Site) -> subprocess.Popen[bytes]:
    return _revived(running)


def _revived(running: Site) -> subprocess.Popen[bytes]:
    """The web server, once it answers. It replaces processes that die; when they die again and again it ends, and is
    started anew as the supervisor would."""

    def alive() -> subprocess.Popen[bytes] | None:
        web = next(process for process in reversed(running.processes) if "granian" in process.args)
        if web.poll() is not None:
            return running.start_web(workers=2)
        return web if running.is_web_alive() else None

    found: subprocess.Popen[bytes] = wait_until(alive, seconds=90, what="the web server")
    return found


def _kill(*pids: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _ids(running: Site, prefix: str) -> dict[str, int]:
    return dict(running.query(f"SELECT request_id, id FROM sending_message WHERE request_id LIKE '{prefix}%'"))


def test_r1_a_batch_cut_off_between_commit_and_answer_is_taken_once(
    running: Site, web: subprocess.Popen[bytes]
) -> None:
    messages = [letter(f"cut{number}") for number in range(4 * CHUNK)]
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(running.post, "batches", {"messages": messages})
        committed = wait_until(lambda: _ids(running, "cut"), seconds=60, what="the first commit")
        _kill(*children_of(web))
        with pytest.raises(requests.ConnectionError):
            asked.result(timeout=60)
    assert CHUNK <= len(committed) < len(messages)

    _revived(running)
    answer = running.post("batches", {"messages": messages})
    assert answer.json()["meta"]["responseStatus"]["code"] == 0
    given = {f"cut{item['index']}": item["messageId"] for item in answer.json()["messages"]}
    assert given == _ids(running, "cut")
    assert {name: given[name] for name in committed} == committed


def test_r1_letters_posted_while_web_processes_die_are_taken_once(running: Site, web: subprocess.Popen[bytes]) -> None:
    letters = {f"die{number}": letter(f"die{number}") for number in range(200)}
    answered: dict[str, int] = {}
    is_over = threading.Event()

    def post(names: list[str]) -> None:
        for name in names:
            with suppress(requests.RequestException):
                answer = running.post("send", letters[name], timeout=30)
                assert answer.status_code == 200, answer.text
                answered[name] = answer.json()["messageId"]

    def kill() -> None:
        for pid in children_of(web):
            is_over.wait(random.uniform(0.1, 0.6))
            _kill(pid)

    with ThreadPoolExecutor(CLIENTS + 1) as pool:
        killing = pool.submit(kill)
        names = list(letters)
        posting = [pool.submit(post, names[start::CLIENTS]) for start in range(CLIENTS)]
        for one in posting:
            one.result(timeout=200)
        is_over.set()
        killing.result(timeout=10)

    _revived(running)
    again = {}
    for name, body in letters.items():
        answer = wait_until(lambda body=body: _posted(running, body), seconds=60, what="an answer")
        again[name] = answer.json()["messageId"]
    assert again == _ids(running, "die")
    assert answered.items() <= again.items()


def _posted(running: Site, body: dict[str, Any]) -> requests.Response | None:
    """The answer to a letter, None while a web process that died is not yet replaced."""
    try:
        answer = running.post("send", body)
    except requests.ConnectionError:
        return None
    assert answer.status_code == 200, answer.text
    return answer


def test_the_same_request_fifty_times_at_once_is_one_letter(running: Site, web: subprocess.Popen[bytes]) -> None:
    body = letter("same", attachments=[_attachment(b"the same")])
    ready = threading.Barrier(TOO_MANY)

    def post() -> requests.Response:
        ready.wait(30)
        return running.post("send", body)

    with ThreadPoolExecutor(TOO_MANY) as pool:
        asked = [pool.submit(post) for _ in range(TOO_MANY)]
        answers = [one.result(timeout=200) for one in asked]
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, answers[0].text)}
    assert _ids(running, "same") == {"same": answers[0].json()["messageId"]}
    assert running.query("SELECT count(*) FROM sending_attachment") == [(1,)]


def _attachment(content: bytes) -> dict[str, Any]:
    return {
        "fileName": "a.bin",
        "content": base64.b64encode(content).decode(),
        "properties": [{"key": "ATTACHMENT_SOURCE", "value": "INLINE"}],
    }


FORMS = ("application/json", "multipart/form-data; boundary=X")


def _head(running: Site, length: int, content_type: str = FORMS[0]) -> bytes:
    lines = [
        "POST /hammy/json/send/v2/send HTTP/1.1",
        f"Host: 127.0.0.1:{running.web_port}",
        f"X-Client-Hash-Key: {running.headers['X-Client-Hash-Key']}",
        f"Content-Type: {content_type}",
        f"Content-Length: {length}",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def _whole(connection: socket.socket) -> bytes:
    """What the server said before it hung up."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize("content_type", FORMS)
def test_s23_a_body_too_large_is_refused_before_it_is_sent(
    running: Site, web: subprocess.Popen[bytes], content_type: str
) -> None:
    with socket.create_connection(("127.0.0.1", running.web_port), timeout=60) as connection:
        connection.sendall(_head(running, 10**10, content_type))
        answer = _whole(connection)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"code":1002' in answer


def test_s23_bodies_that_never_end_hold_up_the_others_only_for_a_while(running: Site) -> None:
    port = free_port()
    # Above the time in which the server would take a second death for a crash loop.
    web = running.start_web(workers=2, port=port, HAMMY_BODY_SECONDS="6")
    with ExitStack() as opened:
        for number in range(TOO_MANY):
            connection = opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
            begun = [b'{"requestId":"endless', a_body(a_part(f"{NAME}a", b"endless"))[:-9]][number % 2]
            connection.sendall(_head(running, 1000, FORMS[number % 2]) + begun)

        body = letter("quick")

        def answered() -> bool:
            """As clients do: asked again when the connection breaks, or nothing comes."""
            with suppress(requests.RequestException):
                address = f"http://127.0.0.1:{port}/hammy/json/send/v2/send"
                return requests.post(address, json=body, headers=running.headers, timeout=10).ok
            return False

        wait_until(answered, seconds=120, what="an answer")
        assert set(_ids(running, "quick")) == {"quick"}
        assert _ids(running, "endless") == {}
    assert web.poll() is None
    running.kill(web)


def _without_room(folder: Path) -> list[str]:
    """A command that gives what it becomes a file system of 256 kB at ``folder``, seen by nobody else."""
    folder.mkdir()
    enter = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    mount = f"mount -t tmpfs -o size=256k tmpfs {folder}"
    try:
        tried = subprocess.run([*enter, "sh", "-c", mount], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("unshare is not installed")
    if tried.returncode:
        pytest.skip(f"no small file system can be made here: {tried.stderr.strip()}")
    return [*enter, "sh", "-c", f'{mount} && exec "$0" "$@"']


def test_a_full_storage_refuses_letters_with_attachments_and_keeps_nothing_of_them(
    running: Site, tmp_path: Path
) -> None:
    folder = tmp_path / "small"
    port = free_port()
    web = running.start_web(
        port=port, within=_without_room(folder), HAMMY_STORAGE_OPTIONS=f'{{"location": "{folder}"}}'
    )
    inside = Path(f"/proc/{web.pid}/root") / folder.relative_to("/")

    def post(request_id: str, size: int) -> requests.Response:
        # Held, as no worker sees these files.
        held = [{"key": "SEND_AT", "value": "2099-01-01T00:00:00Z"}]
        body = letter(request_id, params=held, attachments=[_attachment(os.urandom(size))] if size else [])
        return requests.post(
            f"http://127.0.0.1:{port}/hammy/json/send/v2/send", json=body, headers=running.headers, timeout=60
        )

    assert post("full-fits", 100_000).status_code == 200
    kept = sorted(path for path in inside.rglob("*") if path.is_file())
    assert len(kept) == 1

    refused = post("full-too-much", 200_000)
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "60"
    assert refused.json()["meta"]["responseStatus"]["code"] == 9001
    assert sorted(path for path in inside.rglob("*") if path.is_file()) == kept
    assert set(_ids(running, "full")) == {"full-fits"}

    assert post("full-without", 0).status_code == 200
    kept[0].unlink()
    assert post("full-too-much", 200_000).status_code == 200
    assert set(_ids(running, "full")) == {"full-fits", "full-without", "full-too-much"}
    running.kill(web)


def _read_console(running: Site, is_over: threading.Event) -> int:
    """Somebody who looks at pages of the console until it is over; how many."""
    login = f"http://127.0.0.1:{running.web_port}/admin/login/"
    pages = 0
    with requests.Session() as session:
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', session.get(login, timeout=60).text)
        assert token
        form = {"csrfmiddlewaretoken": token[1], "username": "faults", "password": "faults-faults"}
        answer = session.post(login, data=form, headers={"Referer": login}, timeout=60)
        assert "sessionid" in session.cookies, answer.text
        # Once round at least: on a busy machine logging in may take all the time there is.
        while not pages or not is_over.is_set():
            for page in ("", "sending/message/", "sending/message/?status=SENT"):
                answer = session.get(login.replace("login/", page), timeout=60)
                assert answer.status_code == 200, answer.text
                pages += 1
    return pages


def _live_together(running: Site, seconds: float) -> None:
    """Web server, worker, beat and readers of the console on one SQLite file."""
    user = {"DJANGO_SUPERUSER_USERNAME": "faults", "DJANGO_SUPERUSER_PASSWORD": "faults-faults"}
    running.manage("createsuperuser", "--noinput", "--email", "faults@example.org", **user)
    running.manage("collectstatic", "--noinput", "--verbosity", "0")
    own = [running.start_sink(), running.start_worker(), running.start_beat(), running.start_web(port=free_port())]
    is_over = threading.Event()

    def post(number: int) -> int:
        posted = 0
        while not is_over.is_set():
            running.send(f"together{number}-{posted}")
            posted += 1
        return posted

    with ThreadPoolExecutor(5) as pool:
        posting = [pool.submit(post, number) for number in range(3)]
        reading = [pool.submit(_read_console, running, is_over) for _ in range(2)]
        is_over.wait(seconds)
        is_over.set()
        posted = sum(one.result(timeout=120) for one in posting)
        assert all(one.result(timeout=120) for one in reading)
    assert running.wait_drained("together", seconds=60 + seconds) == {"SENT": posted}
    assert running.logged("locked") == []
    assert max(running.received().values()) == 1
    for process in own:
        running.kill(process)


on_sqlite = pytest.mark.skipif(bool(os.environ.get("HAMMY_TEST_SERVICES")), reason="proved on SQLite")


@on_sqlite
def test_r31_web_worker_and_console_share_sqlite_and_never_find_it_locked(
    running: Site, web: subprocess.Popen[bytes]
) -> None:
    _live_together(running, 6)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_r31_for_ten_minutes(tmp_path: Path) -> None:
    with site(tmp_path, DATABASE_URL="", BROKER_URL="", CACHE_URL="") as own:
        own.start_web()
        _live_together(own, 600)
