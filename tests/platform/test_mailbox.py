"""The local mailbox: a real SMTP server in a process of its own."""

import signal
import smtplib
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mailbox"


@pytest.fixture
def server(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The process and the port it took."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hammy_project.mailbox", "--port", "0", "--folder", str(folder)],
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process:
        line = process.stdout.readline()
        yield process, int(line.split(",")[0].rpartition(":")[2])
        process.terminate()


def _send(port: int, recipients: list[str], content: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as session:
        session.sendmail("a@example.org", recipients, content, mail_options=["SMTPUTF8", "BODY=8BITMIME"])


def test_keeps_each_letter_as_it_came_below_its_envelope(
    server: tuple[subprocess.Popen[str], int], folder: Path
) -> None:
    content = b"Subject: Hello\r\n\r\nline\r\n..dotted\r\n\xc3\xa1rv\xc3\xadz\r\n"
    _send(server[1], ["b@example.org", "c@example.org"], content)

    (path,) = folder.iterdir()
    assert path.name.endswith("-b@example.org.eml")
    envelope = b"X-Envelope-From: a@example.org\r\nX-Envelope-To: b@example.org, c@example.org\r\n"
    assert path.read_bytes() == envelope + content


def test_s19_a_recipient_names_no_path(server: tuple[subprocess.Popen[str], int], folder: Path) -> None:
    _send(server[1], ["'../../x'@example.org"], b"Subject: x\r\n\r\nx\r\n")
    (path,) = folder.iterdir()
    assert path.parent == folder
    assert path.name.endswith("-_.._.._x_@example.org.eml")


def test_keeps_letters_that_come_at_once_apart(server: tuple[subprocess.Popen[str], int], folder: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: _send(server[1], ["b@example.org"], b"Subject: %d\r\n\r\nx\r\n" % n), range(40)))
    subjects = sorted(int(path.read_bytes().split(b"Subject: ")[1].split()[0]) for path in folder.glob("*.eml"))
    assert subjects == list(range(40))
    assert len(list(folder.iterdir())) == 40


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_r4_stops_at_once_even_with_a_client_connected(
    server: tuple[subprocess.Popen[str], int], number: signal.Signals
) -> None:
    process, port = server
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        assert client.recv(100).startswith(b"220 ")
        process.send_signal(number)
        assert process.wait(timeout=5) == 0


def test_the_command_names_a_port_in_use(server: tuple[subprocess.Popen[str], int], folder: Path) -> None:
    port = server[1]
    with pytest.raises(CommandError, match=rf"Cannot take mail at 127\.0\.0\.1:{port}: .*address already in use"):
        call_command("mailbox", "--port", str(port), "--folder", str(folder))
