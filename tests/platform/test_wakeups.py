"""Wake-ups: at once, never in the way, each once (R5, R29)."""

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from gateway import wakeups

MAIL = ("sending.tasks.dispatch", "EMAIL")
SMS = ("sending.tasks.dispatch", "SMS")


class KeptLine(wakeups.Line):
    """A line to no broker: notes what it is asked to send, and when; fails while it is ``down``."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[str, ...]] = []
        self.asked_at: list[float] = []
        self.is_down = False
        self.free = threading.Event()
        self.free.set()

    def send(self, wanted: tuple[str, ...]) -> None:
        self.asked_at.append(time.monotonic())
        assert self.free.wait(10)
        if self.is_down:
            raise ConnectionRefusedError("nobody there")
        self.sent.append(wanted)


@pytest.fixture
def line() -> KeptLine:
    return KeptLine()


@pytest.fixture
def publisher(line: KeptLine) -> wakeups.Publisher:
    return wakeups.Publisher(line)


def wait_until(is_true: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def test_the_first_is_sent_at_once_and_those_of_the_next_moment_become_one(
    publisher: wakeups.Publisher, line: KeptLine
) -> None:
    publisher.add(MAIL)
    wait_until(lambda: line.sent == [MAIL])
    for _ in range(1000):
        publisher.add(MAIL)
    assert publisher.flush(5) is True
    assert line.sent == [MAIL, MAIL]
    assert line.asked_at[1] - line.asked_at[0] >= 0.02


def test_while_they_keep_coming_they_become_fewer_and_after_a_rest_the_first_is_sent_at_once(
    publisher: wakeups.Publisher, line: KeptLine
) -> None:
    end = time.monotonic() + 0.6
    while time.monotonic() < end:
        publisher.add(MAIL)
        time.sleep(0.001)
    assert publisher.flush(5) is True
    # After 0, 20, 60, 140 ms and every 100 from there; a slow machine may make them fewer.
    assert 2 <= len(line.sent) <= 9
    time.sleep(0.15)
    publisher.add(MAIL)
    assert publisher.flush(5) is True
    publisher.add(MAIL)
    assert publisher.flush(5) is True
    assert line.asked_at[-2] - line.asked_at[-3] >= 0.1
    assert line.asked_at[-1] - line.asked_at[-2] >= 0.02


def test_different_tasks_and_arguments_do_not_wait_for_each_other(publisher: wakeups.Publisher, line: KeptLine) -> None:
    publisher.add(MAIL)
    publisher.add(SMS)
    publisher.add(("sending.tasks.tick",))
    assert publisher.flush(5) is True
    assert sorted(line.sent) == [MAIL, SMS, ("sending.tasks.tick",)]


def test_what_is_wanted_while_the_same_is_being_sent_is_sent_again(
    publisher: wakeups.Publisher, line: KeptLine
) -> None:
    line.free.clear()
    publisher.add(MAIL)
    wait_until(lambda: len(line.asked_at) == 1)
    publisher.add(MAIL)
    line.free.set()
    assert publisher.flush(5) is True
    assert line.sent == [MAIL, MAIL]


def test_a_slow_broker_keeps_no_caller_waiting(publisher: wakeups.Publisher, line: KeptLine) -> None:
    line.free.clear()
    started = time.monotonic()
    for number in range(1000):
        publisher.add(("sending.tasks.dispatch", str(number % 10)))
    assert time.monotonic() - started < 0.5
    assert publisher.flush(0.05) is False
    line.free.set()
    assert publisher.flush(5) is True
    assert len(line.sent) <= 11


def test_r5_while_the_broker_is_away_each_wake_up_is_kept_once_and_sent_on_its_return(
    publisher: wakeups.Publisher, line: KeptLine, caplog: pytest.LogCaptureFixture
) -> None:
    line.is_down = True
    with caplog.at_level(logging.INFO, "gateway.wakeups"):
        end = time.monotonic() + 0.6
        while time.monotonic() < end:
            publisher.add(MAIL)
            publisher.add(SMS)
            time.sleep(0.001)
        asked_at = list(line.asked_at)
        line.is_down = False
        assert publisher.flush(5) is True
    # Asked after 0, 0.1, 0.3 seconds, however often it was wanted.
    rests = [later - earlier for earlier, later in pairwise(asked_at)]
    assert len(rests) >= 2
    assert all(rest >= pause for rest, pause in zip(rests, (0.1, 0.2, 0.4, 0.8, 1.6), strict=False))
    assert sorted(line.sent) == [MAIL, SMS]
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "The broker cannot be reached; wake-ups wait: nobody there"),
        ("INFO", "The broker is back"),
    ]


def test_a_connection_that_broke_while_idle_is_made_anew_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []
    line = wakeups.Line()

    def send(wanted: tuple[str, ...]) -> None:
        if line._producer == "stale":
            raise BrokenPipeError
        line._producer = "fresh"
        sent.append(wanted)

    monkeypatch.setattr(line, "_send", send)
    line._producer = "stale"
    line.send(MAIL)
    assert sent == [MAIL]
    assert line._producer == "fresh"


def test_a_forked_child_has_a_publisher_of_its_own(
    publisher: wakeups.Publisher, line: KeptLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher.add(MAIL)
    assert publisher.flush(5) is True
    monkeypatch.setattr(wakeups, "publisher", publisher)
    wakeups._begin_anew()
    assert wakeups.publisher is not publisher
    assert wakeups.publisher._is_started is False


def test_wakes_are_recorded_in_tests_and_no_broker_is_near(wakes: list[tuple[str, ...]]) -> None:
    wakeups.wake(*MAIL)
    wakeups.wake("sending.tasks.tick")
    assert wakes == [MAIL, ("sending.tasks.tick",)]
    assert wakeups.flush() is True


def wake_in_a_process(tmp_path: Path, seconds: float, *wanted: str, **environment: str) -> tuple[float, bool, str]:
    """How long ``wake`` took (ms), what ``flush`` answered, and what was logged."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.platform.waker", str(seconds), *wanted],
        env={**os.environ, "VAR_DIR": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    taken, is_sent = done.stdout.split()
    return float(taken), is_sent == "True", done.stderr


def test_a_wake_up_is_a_message_for_its_channels_queue(tmp_path: Path) -> None:
    _, is_sent, log = wake_in_a_process(tmp_path, 10, *MAIL, BROKER_URL="filesystem://")
    assert (is_sent, log) == (True, "")
    (file,) = (tmp_path / "broker" / "sending.email").iterdir()
    message = json.loads(file.read_text())
    assert message["content-type"] == "application/json"
    assert message["headers"]["task"] == "sending.tasks.dispatch"
    assert message["headers"]["argsrepr"] == "['EMAIL']"
    assert message["headers"]["eta"] is None
    assert [path.name for path in (tmp_path / "broker").iterdir()] == ["sending.email"]


def test_r5_waking_with_no_broker_at_all_takes_no_time_and_says_so_once(tmp_path: Path) -> None:
    taken, is_sent, log = wake_in_a_process(tmp_path, 1, *MAIL, BROKER_URL="amqp://guest:guest@127.0.0.1:1//")
    assert is_sent is False
    assert taken < 100
    (line,) = log.splitlines()
    assert json.loads(line)["message"].startswith("The broker cannot be reached; wake-ups wait: ")
    assert json.loads(line)["level"] == "WARNING"


def test_what_a_short_lived_process_wants_is_sent_before_it_ends(tmp_path: Path) -> None:
    _, _, log = wake_in_a_process(tmp_path, 0, "sending.tasks.tick", BROKER_URL="filesystem://")
    assert log == ""
    assert len(list((tmp_path / "broker" / "maintenance").iterdir())) == 1
