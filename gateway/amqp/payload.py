"""The body of a queue's message: inflated with a bound that acts while inflating, and its charset.

Contract send_v2, "AMQP": ``content_type`` says the format, ``content_encoding`` is a charset, gzip or deflate.
"""

import codecs
import zlib
from email.message import Message

from django.conf import settings

from gateway.amqp.delivery import Delivery
from gateway.errors import Code, Refusal, refuse
from gateway.xml_reading import ENCODINGS

_COMPRESSED = ("gzip", "x-gzip", "deflate")
_UTF_8 = ("utf-8", "ascii")


def media_type_of(delivery: Delivery) -> str:
    """The media type without parameters, in lower case; from the header Content-Type where the property is absent."""
    return _content_type(delivery).partition(";")[0].strip().lower()


def opened(delivery: Delivery) -> tuple[bytes, str]:
    """The body as it was before it was compressed, and its charset as Python calls it, "" where none is named.

    Raises 1002 (413) for more than HAMMY_MAX_REQUEST_BYTES before or after, 1000 for an encoding that is none.
    """
    most = settings.HAMMY_MAX_REQUEST_BYTES
    if len(delivery.body) > most:
        raise _too_large(most)
    compression, charset = "", ""
    for name in filter(None, (part.strip().lower() for part in delivery.property("content_encoding").split(","))):
        if name in _COMPRESSED and not compression:
            compression = name
        elif name != "identity":
            if charset or name in _COMPRESSED:
                raise _no_encoding()
            charset = _codec(name, "content_encoding")
    if not charset and ";" in (content_type := _content_type(delivery)):
        header = Message()
        header["Content-Type"] = content_type
        named = header.get_content_charset()
        charset = _codec(named, "content_type") if named else ""
    return (_inflated(delivery.body, compression, most) if compression else delivery.body), charset


def as_utf_8(body: bytes, charset: str) -> bytes:
    """The same text in UTF-8; raises 1000 where it is not what its charset says."""
    if charset in ("", *_UTF_8):
        return body
    try:
        return body.decode(charset).encode()
    except UnicodeError as error:
        raise refuse(Code.MALFORMED, f"the body is not {charset.upper()}") from error


def _content_type(delivery: Delivery) -> str:
    return delivery.property("content_type") or delivery.header("Content-Type") or delivery.header("content-type")


def _codec(name: str, place: str) -> str:
    try:
        codec = codecs.lookup(name).name
    except (LookupError, ValueError):
        codec = ""
    if codec not in ENCODINGS:
        raise _no_encoding() if place == "content_encoding" else _no_charset(place)
    return codec


def _inflated(body: bytes, compression: str, most: int) -> bytes:
    if compression == "deflate":
        # RFC 9110 means zlib's format by it; some senders leave its two bytes and checksum away.
        is_zlib = len(body) > 1 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0
        bits = zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS
    else:
        bits = 16 + zlib.MAX_WBITS
    inflating = zlib.decompressobj(bits)
    try:
        found = inflating.decompress(body, most + 1)
    except zlib.error as error:
        raise refuse(Code.MALFORMED, f"the body is not {compression}", "content_encoding", parameter=True) from error
    if len(found) > most:
        raise _too_large(most)
    if not inflating.eof or inflating.unused_data:
        words = "ends too early" if not inflating.eof else "goes on after its end"
        raise refuse(Code.MALFORMED, f"the {compression} body {words}", "content_encoding", parameter=True)
    return found


def _too_large(most: int) -> Refusal:
    return refuse(Code.INVALID, f"the body is larger than {most} bytes", status=413)


def _no_encoding() -> Refusal:
    return refuse(
        Code.MALFORMED, "must be a charset (utf-8), gzip or deflate, or one of each", "content_encoding", parameter=True
    )


def _no_charset(place: str) -> Refusal:
    return refuse(Code.MALFORMED, "the charset must be UTF-8 or UTF-16", place, parameter=True)
