"""Frames of queues: what we write the library reads, what comes in pieces it understands, no message ends a line."""

import socket
import struct
from decimal import Decimal
from typing import Any

import pytest
from amqp import Message
from amqp.method_framing import frame_handler

from gateway.amqp import dead_letters, frames
from gateway.amqp.delivery import UNREADABLE, Answer, Delivery
from gateway.amqp.frames import Reader, published, tolerant

_DELIVER = struct.pack(">HH", 60, 60)


class Wire:
    """The end of a connection that frames come to: what the library makes of them, in order."""

    def __init__(self, handler: Any = tolerant) -> None:
        self.ours, theirs = socket.socketpair()
        self.transport = type("Transport", (), {"sock": theirs})
        self.bytes_recv = 0
        self.messages: list[Any] = []
        self.on_inbound_frame = handler(self, lambda channel, method, payload, content: self.messages.append(content))


def frame(kind: int, payload: bytes) -> bytes:
    return struct.pack(">BHI", kind, 1, len(payload)) + payload + b"\xce"


def delivered(properties: bytes, body: bytes) -> bytes:
    """A message as the broker brings it, with its properties as they are written."""
    header = struct.pack(">HHQ", 60, 0, len(body)) + properties
    return frame(1, _DELIVER) + frame(2, header) + (frame(3, body) if body else b"")


def test_what_is_published_is_what_the_library_would_publish() -> None:
    properties = {
        "content_type": "application/json", "content_encoding": "utf-8", "correlation_id": "é", "delivery_mode": 2,
        "application_headers": {"n": 1, "table": {"list": ["a", None, True, Decimal("1.5")]}}, "priority": 0,
    }  # fmt: skip
    written = published(b"x" * 10_000, exchange="e", routing_key="k", properties=properties, channel=1, frame_max=4096)
    read: list[tuple[int, bytes]] = []
    place = 0
    while place < len(written):
        kind, channel, size = struct.unpack_from(">BHI", written, place)
        assert (channel, written[place + 7 + size]) == (1, 0xCE)
        assert size <= 4096 - 8
        read.append((kind, written[place + 7 : place + 7 + size]))
        place += size + 8
    assert [kind for kind, _ in read] == [1, 2, 3, 3, 3]
    # Class and method of publish, nothing, exchange, routing key, and that it is to come back if nobody takes it.
    assert read[0][1] == struct.pack(">HHH", 60, 40, 0) + b"\x01e\x01k\x01"
    found = Message()
    found.inbound_header(read[1][1])
    assert (found.properties, found.body_size) == (properties, 10_000)
    assert b"".join(payload for kind, payload in read if kind == 3) == b"x" * 10_000


def test_frames_in_pieces_of_any_size_are_read_whole() -> None:
    wire = Wire()
    reader = Reader(wire)
    data = b"".join(delivered(b"\x00\x00", body) for body in (b"one", b"", b"three" * 100))
    for start in range(0, len(data), 7):
        wire.ours.sendall(data[start : start + 7])
        reader.read(1)
    assert [message.body for message in wire.messages] == [b"one", "", b"three" * 100]


def test_reading_in_vain_is_a_time_out_and_a_closed_line_is_told() -> None:
    wire = Wire()
    reader = Reader(wire)
    with pytest.raises(TimeoutError):
        reader.read(0.01)
    wire.ours.sendall(b"\x01\x00\x01\x00\x00\x00\x00X")
    with pytest.raises(ConnectionError, match="what is no frame"):
        reader.read(1)
    wire.ours.close()
    with pytest.raises(ConnectionError, match="closed the connection"):
        reader.read(1)


def _headers(*items: bytes) -> bytes:
    table = b"".join(items)
    return struct.pack(">HI", 0x2000, len(table)) + table


_DEEP = b""
for _ in range(5000):
    _DEEP = b"\x01aF" + struct.pack(">I", len(_DEEP)) + _DEEP


@pytest.mark.parametrize(
    "properties",
    [
        _headers(b"\x01aT" + struct.pack(">Q", 2**63)),
        _headers(b"\x01aT" + struct.pack(">Q", 10**15)),
        _headers(b"\x01a?"),
        _headers(b"\x01aS\x00\x00"),
        _headers(_DEEP),
        struct.pack(">H", 0x8000) + b"\x02\xff\xfe",
        b"\x80",
    ],
    ids=["no such year", "milliseconds", "unknown type", "cut short", "nested deeply", "no UTF-8", "no flags"],
)
def test_r10_properties_that_cannot_be_read_leave_the_line_whole(properties: bytes) -> None:
    plain = Wire(frame_handler)
    plain.ours.sendall(delivered(properties, b"body"))
    with pytest.raises(frames._WRONG):
        Reader(plain).read(1)
    wire = Wire()
    wire.ours.sendall(delivered(properties, b"body") + delivered(b"\x00\x00", b"next"))
    Reader(wire).read(1)
    bad, good = wire.messages
    assert (bad.body, good.body) == (b"body", b"next")
    assert bad.properties == {"application_headers": {UNREADABLE: "its properties or headers are not valid AMQP 0-9-1"}}


# ── dead letters ────────────────────────────────────────────────────────────────────────────────
def _dead(headers: dict[Any, Any], **properties: Any) -> dict[str, Any]:
    delivery = Delivery(tag=1, body=b"", properties=properties | {"application_headers": headers}, headers=headers)
    return dead_letters.properties_of(delivery, Answer(code=1000, refusal="why " * 1000), queue="q")


def test_a_dead_letter_keeps_what_it_came_with_and_says_why() -> None:
    found = _dead({"mine": 1, "CC": ["q"], "BCC": ["q"]}, message_id="m", user_id="u", expiration="1", timestamp=5)
    headers = found.pop("application_headers")
    assert found == {"message_id": "m", "timestamp": 5}
    assert len(headers.pop("x-hammy-reason")) == 2000
    assert headers.pop("x-hammy-refused-at")
    assert headers == {"mine": 1, "x-hammy-code": 1000, "x-hammy-queue": "q"}


@pytest.mark.parametrize(
    "headers", [{"a": "x" * 120_000}, {"a": object()}, {"a": 2**70}, {"x" * 300: 1}, {"a": Decimal(10) ** 40}]
)
def test_headers_that_cannot_be_written_again_are_left_out(headers: dict[str, Any]) -> None:
    kept = _dead(headers, message_id="m")["application_headers"]
    assert set(kept) == {
        "x-hammy-code", "x-hammy-reason", "x-hammy-queue", "x-hammy-refused-at", "x-hammy-headers",
    }  # fmt: skip


def test_a_dead_letter_goes_back_as_it_came() -> None:
    headers = {"mine": 1, "x-hammy-reason": "r", "x-death": [], "x-delivery-count": 20, "x-first-death-queue": "q"}
    delivery = Delivery(tag=1, body=b"", properties={"message_id": "m", "delivery_mode": 2}, headers=headers)
    assert dead_letters.revived(delivery) == {"message_id": "m", "application_headers": {"mine": 1}}
