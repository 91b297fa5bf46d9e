"""Frames of AMQP 0-9-1, many at a time, and so that no message can end the line that brings it.

The library reads and writes a message in a dozen calls of the system; it understands what is read here, and what is
written here is what it would write (docs/adr/0023-queues-are-read-below-kombu.md).
"""

import struct
from collections.abc import Callable, Mapping
from typing import Any

from amqp import AMQPError, Message
from amqp.method_framing import frame_handler
from amqp.serialization import dumps

from gateway.amqp.delivery import UNREADABLE

_METHOD, _HEADER, _BODY = 1, 2, 3
_END = b"\xce"
_FRAME = struct.Struct(">BHI")
_BASIC = 60
_PUBLISH = struct.Struct(">HHH")
_CONTENT = struct.Struct(">HHQ")
# Kind, channel and size before, one byte after.
_OVERHEAD = 8
_MANDATORY = 1
_PIECE = 256 * 1024
# Class, weight and body size; the properties follow.
_BEFORE_PROPERTIES = 12
_WRONG = (struct.error, ValueError, ArithmeticError, LookupError, RecursionError, TypeError, AMQPError)


def tolerant(connection: Any, callback: Callable[..., Any]) -> Callable[[Any], bool]:
    """The library's reader of frames; a message whose properties it cannot read comes with the header UNREADABLE
    instead of them, its body as it was.

    The broker does not look into properties and headers. What the library finds wrong with them ends the connection
    with all that is under way, and the next one is brought the same message again."""
    read: Callable[[Any], bool] = frame_handler(connection, callback)

    def on_frame(frame: Any) -> bool:
        kind, channel, payload = frame
        if kind != _HEADER:
            return read(frame)
        try:
            return read(frame)
        except _WRONG:
            # Nothing came of it yet: the same message is still waiting for its properties.
            return read((kind, channel, payload[:_BEFORE_PROPERTIES] + _REPLACEMENT))

    return on_frame


# The properties of a message that has headers and nothing else.
_ONLY_HEADERS = struct.pack(">H", 0x2000)
_REPLACEMENT = _ONLY_HEADERS + dumps("F", ({UNREADABLE: "its properties or headers are not valid AMQP 0-9-1"},))


class Reader:
    """Reads what a connection has to say in large pieces. Once it has begun, nobody else may."""

    def __init__(self, connection: Any) -> None:
        self._connection, self._socket = connection, connection.transport.sock
        self._rest = b""

    def read(self, seconds: float) -> None:
        """Have the library understand all whole frames that have come; TimeoutError when nothing does in time."""
        self._socket.settimeout(seconds)
        try:
            piece = self._socket.recv(_PIECE)
        finally:
            # What is written takes the time it takes.
            self._socket.settimeout(None)
        if not piece:
            raise ConnectionError("the broker closed the connection")
        data = self._rest + piece
        place, length = 0, len(data)
        while length - place >= _OVERHEAD:
            kind, channel, size = _FRAME.unpack_from(data, place)
            end = place + _OVERHEAD + size
            if end > length:
                break
            if data[end - 1 : end] != _END:
                raise ConnectionError("the broker sent what is no frame")
            self._connection.on_inbound_frame((kind, channel, data[place + _OVERHEAD - 1 : end - 1]))
            place = end
        self._rest = data[place:]


def published(
    body: bytes,
    *,
    exchange: str,
    routing_key: str,
    properties: Mapping[str, Any],
    channel: int,
    frame_max: int,
) -> bytes:
    """A message as the frames that publish it on a channel, to be returned by the broker if nobody takes it."""
    method = _PUBLISH.pack(_BASIC, 40, 0) + dumps("sso", (exchange, routing_key, _MANDATORY))
    header = _CONTENT.pack(_BASIC, 0, len(body)) + _written(properties)
    most = frame_max - _OVERHEAD
    pieces = [body[start : start + most] for start in range(0, len(body), most)]
    frames = [(_METHOD, method), (_HEADER, header), *((_BODY, piece) for piece in pieces)]
    return b"".join(_FRAME.pack(kind, channel, len(part)) + part + _END for kind, part in frames)


def _written(properties: Mapping[str, Any]) -> bytes:
    flags, kinds, values = 0, "", []
    for place, (name, kind) in enumerate(Message.PROPERTIES):
        if (value := properties.get(name)) is not None:
            flags |= 0x8000 >> place
            kinds += kind
            values.append(value)
    return struct.pack(">H", flags) + dumps(kinds, tuple(values))
