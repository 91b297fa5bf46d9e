"""Frames from the broker, read so that no message can end the line that brings it.

The broker does not look into properties and headers; the library raises what it finds wrong with them out of its
reading, the connection is lost with all that was under way, and the next one is brought the same message again.
"""

import struct
from collections.abc import Callable
from typing import Any

from amqp import AMQPError
from amqp.method_framing import frame_handler
from amqp.serialization import dumps

from gateway.amqp.delivery import UNREADABLE

_HEADER = 2
# Class, weight and body size; the properties follow.
_BEFORE_PROPERTIES = 12
_WRONG = (struct.error, ValueError, ArithmeticError, LookupError, RecursionError, TypeError, AMQPError)


def tolerant(connection: Any, callback: Callable[..., Any]) -> Callable[[Any], bool]:
    """The library's reader of frames; a message whose properties it cannot read comes with the header UNREADABLE
    instead of them, its body as it was."""
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
_REPLACEMENT = _ONLY_HEADERS + dumps("F", [{UNREADABLE: "its properties or headers are not valid AMQP 0-9-1"}])
