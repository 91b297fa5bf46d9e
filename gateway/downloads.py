"""Files that others wrote, as the doors give them out: to be saved, never shown as a page."""

from typing import BinaryIO

from django.http import FileResponse

# Whoever opens the address itself gets a file to save that can do nothing.
_HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def to_be_saved(content: BinaryIO, *, file_name: str, media_type: str, size: int) -> FileResponse:
    """An open file's bytes, streamed; ``file_name`` is one that any machine can keep, ``size`` in bytes."""
    response = FileResponse(content, as_attachment=True, filename=file_name, content_type=media_type)
    response.headers["Content-Length"] = str(size)
    for name, value in _HEADERS.items():
        response.headers[name] = value
    return response
