"""Multipart bodies written byte by byte, so that each can be wrong in its own way."""

NAME = "Content-Disposition: form-data; name="


def a_part(headers: str, content: bytes = b"") -> bytes:
    """What stands between two boundaries."""
    return f"{headers}\r\n\r\n".encode() + content


def a_body(*parts: bytes, boundary: bytes = b"X") -> bytes:
    """A whole body."""
    return b"".join(b"--%s\r\n%s\r\n" % (boundary, part) for part in parts) + b"--%s--\r\n" % boundary
