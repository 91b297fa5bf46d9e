"""The promise of the README: one command, and a letter arrives; run as a newcomer would, in a process of its own."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

# Starting some six processes on a busy machine takes its time.
pytestmark = [pytest.mark.timeout(300)]
_PROGRAMS = re.compile(rb"granian|celery|hammy_project\.mailbox|manage\.py")


@pytest.fixture
def port() -> int:
    """Far from those that other tests take by chance; the demo looks for the next free one itself."""
    return 20000 + os.getpid() % 10000


def _environment(folder: Path, **more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "VAR_DIR": str(folder / "var"), **more}


def _small(folder: Path, **more: str) -> dict[str, str]:
    """One process of each kind, and the console's files collected once for all tests of this process."""
    less = {"WEB_WORKERS": "1", "WORKER_PROCESSES": "1", "STATIC_ROOT": str(Path(settings.VAR_DIR) / "collected")}
    return _environment(folder, **less, **more)


def _manage(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def _left_running(folder: Path) -> list[str]:
    """Programs of a site that keeps its things in ``folder``."""
    marker = f"VAR_DIR={folder / 'var'}\0".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = (process / "cmdline").read_bytes(), (process / "environ").read_bytes()
        except OSError:
            continue
        if marker in environment and _PROGRAMS.search(command):
            found.append(command.replace(b"\0", b" ").decode())
    return found


def _mails(folder: Path) -> list[Path]:
    return sorted((folder / "var" / "mailbox").glob("*.eml"))


def test_a_letter_goes_in_and_out_twice_on_the_same_data(tmp_path: Path, port: int) -> None:
    demo = ("demo", "--once", "--port", str(port), "--mail-port", str(port + 1))
    first = _manage(*demo, environment=_environment(tmp_path))
    assert (first.returncode, first.stderr) == (0, ""), first.stdout
    for part in (
        f"POST http://127.0.0.1:{port}/hammy/json/send/v2/send",
        '"messageType": "DEMO_WELCOME"',
        '"messageId": 1',
        "SENT       250 kept as",
        f"Console   http://127.0.0.1:{port}/admin/",
        "Login     demo / ",
        "The letter arrived.",
    ):
        assert part in first.stdout
    (mail,) = _mails(tmp_path)
    assert str(mail) in first.stdout
    assert b"X-Envelope-To: anna.kovacs@example.org" in mail.read_bytes()
    kept = tmp_path / "var" / "demo.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    access = json.loads(kept.read_text())
    # The console's password is for whoever runs the demo, the client's key is not for their screen.
    assert access["password"] in first.stdout
    assert access["client_hash_key"] not in first.stdout
    assert _left_running(tmp_path) == []

    with socket.create_server(("127.0.0.1", port)), socket.create_server(("127.0.0.1", port + 1)):
        second = _manage(*demo, environment=_environment(tmp_path))
    assert (second.returncode, second.stderr) == (0, ""), second.stdout
    # The mail server looks for its port when the web server has chosen.
    assert f"Port {port} is in use; taking {port + 2}." in second.stdout
    assert f"Port {port + 1} is in use; taking {port + 3}." in second.stdout
    assert '"messageId": 2' in second.stdout
    assert json.loads(kept.read_text()) == access
    assert len(_mails(tmp_path)) == 2
    assert _left_running(tmp_path) == []


def test_a_letter_that_does_not_arrive_fails_with_the_reason(tmp_path: Path, port: int) -> None:
    # No letter can be rendered into a single character.
    done = _manage(
        *("demo", "--once", "--port", str(port), "--mail-port", str(port + 1)),
        environment=_small(tmp_path, HAMMY_TEMPLATE_OUTPUT="1"),
    )
    assert done.returncode == 1
    assert "The letter did not arrive:" in done.stderr
    assert "The letter arrived." not in done.stdout
    assert _mails(tmp_path) == []
    assert _left_running(tmp_path) == []


@pytest.fixture
def site(tmp_path: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A running `manage.py run`, started from a folder that is not the project's."""
    process = subprocess.Popen(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), "run", "--port", str(port)],
        env=_small(tmp_path, EMAIL_URL=f"smtp://127.0.0.1:{port + 1}"),
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=(tmp_path / "output").open("wb"),
        stderr=subprocess.STDOUT,
    )
    try:
        assert _eventually(lambda: _is_ready(port)), (tmp_path / "output").read_text()
        yield process
    finally:
        process.kill()
        process.wait()


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def _eventually(holds: Callable[[], bool], seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)])
def test_r4_nothing_runs_on_when_the_site_is_stopped_or_killed(
    site: subprocess.Popen[bytes], tmp_path: Path, number: signal.Signals, code: int
) -> None:
    site.send_signal(number)
    assert site.wait(timeout=60) == code
    assert _eventually(lambda: _left_running(tmp_path) == []), _left_running(tmp_path)


def test_run_names_a_port_in_use(tmp_path: Path, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        done = _manage("run", "--port", str(port), environment=_small(tmp_path, EMAIL_URL="smtp://127.0.0.1:1"))
    assert done.returncode == 1
    assert done.stderr == f"CommandError: 127.0.0.1:{port} is in use by another program; set PORT to use another\n"
    assert _left_running(tmp_path) == []
