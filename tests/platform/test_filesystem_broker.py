"""The broker made of files: whole messages, one taker each, short queues."""

import logging
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection, Consumer, Queue
from kombu.exceptions import ChannelError

from hammy_project import filesystem_broker
from tests.platform.broker_peer import connect


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "broker"


@pytest.fixture
def connection(folder: Path) -> Iterator[Connection]:
    with connect(str(folder)) as connection:
        yield connection


def publish(connection: Connection, number: int, queue: str = "mail") -> None:
    connection.Producer().publish({"number": number}, routing_key=queue, declare=[Queue(queue)])


def take(connection: Connection, queue: str = "mail") -> list[int]:
    """Every number that waits, in order, acknowledged."""
    numbers = []
    simple = connection.SimpleQueue(queue)
    while True:
        try:
            message = simple.get(block=False)
        except Empty:
            simple.close()
            return numbers
        numbers.append(message.payload["number"])
        message.ack()


def start(mode: str, folder: Path, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.platform.broker_peer", mode, str(folder), "mail", str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_scheme_filesystem_is_ours(connection: Connection) -> None:
    assert isinstance(connection.transport, filesystem_broker.Transport)


def test_messages_come_in_order_each_from_its_own_queue(connection: Connection) -> None:
    for number in range(5):
        publish(connection, number)
    publish(connection, 9, "other")
    assert take(connection) == [0, 1, 2, 3, 4]
    assert take(connection, "other") == [9]


def test_a_queue_keeps_its_newest_sixteen(connection: Connection, folder: Path) -> None:
    for number in range(100):
        publish(connection, number)
    assert len(list((folder / "mail").iterdir())) == 16
    assert take(connection) == list(range(84, 100))


def test_takers_at_once_take_each_message_once_while_putters_put(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    takers = [start("take", folder, 0) for _ in range(2)]
    putters = [start("put", folder, 300) for _ in range(2)]
    assert [putter.communicate(timeout=60)[1] for putter in putters] == ["", ""]
    outputs = [taker.communicate(timeout=60) for taker in takers]
    assert [error for _, error in outputs] == ["", ""]
    numbers = [int(number) for output, _ in outputs for number in output.split()]
    assert max(numbers.count(number) for number in set(numbers)) <= 2
    assert 299 in numbers
    assert list((folder / "mail").iterdir()) == []


@pytest.mark.parametrize("content", [b"", b'{"body": "half', b"\xff\xfe\x00", b"[1]", b'"text"', b'{"body": "x"}'])
def test_a_garbled_file_is_dropped_and_the_next_message_comes(
    connection: Connection, folder: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    publish(connection, 1)
    (folder / "mail" / "0-garbled.json").write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert take(connection) == [1]
    assert [record.getMessage() for record in caplog.records] == [
        "A message of the queue mail is garbled and was dropped"
    ]
    assert list((folder / "mail").iterdir()) == []


def test_a_file_still_being_written_is_not_seen(connection: Connection, folder: Path) -> None:
    publish(connection, 1)
    (folder / "mail" / ".unfinished").write_text('{"body"')
    assert take(connection) == [1]
    assert connection.default_channel._size("mail") == 0


def test_what_was_taken_and_not_acknowledged_is_put_back_on_leaving_in_order(folder: Path) -> None:
    with connect(str(folder)) as leaving:
        publish(leaving, 1)
        leaving.SimpleQueue("mail").get(block=False)
    with connect(str(folder)) as next_one:
        message = next_one.SimpleQueue("mail").get(block=False)
        assert message.payload == {"number": 1}
        assert message.properties["delivery_info"]["routing_key"] == "mail"
        message.ack()


def test_a_folder_that_cannot_be_written_is_an_error_for_who_publishes(folder: Path, connection: Connection) -> None:
    folder.write_text("a file in the way")
    with pytest.raises(ChannelError, match="Cannot add a message to the queue mail"):
        connection.default_channel._put("mail", {})


@pytest.mark.parametrize("name", ["../mail", "mail/..", "..", ".hidden", "", "mail\x00"])
def test_no_queue_lies_outside_the_folder(connection: Connection, folder: Path, name: str) -> None:
    with pytest.raises(ChannelError, match="No queue can be named"):
        connection.default_channel._put(name, {})
    assert not folder.exists()


def test_a_message_comes_soon_and_waiting_for_one_costs_little(connection: Connection) -> None:
    arrived: list[Any] = []
    names = ["mail", "sms", "maintenance"]
    with Consumer(connection, [Queue(name) for name in names], callbacks=[lambda body, message: arrived.append(body)]):
        before = resource.getrusage(resource.RUSAGE_SELF)
        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=2)
        after = resource.getrusage(resource.RUSAGE_SELF)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        assert spent / 2 < 0.05, spent
        publish(connection, 1)
        started = time.monotonic()
        connection.drain_events(timeout=2)
        assert time.monotonic() - started < 0.5
    assert arrived == [{"number": 1}]
