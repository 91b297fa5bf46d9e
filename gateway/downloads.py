"""Files that others wrote, as the doors give them out: to be saved, never shown as a page."""

from collections.abc import Iterable
from typing import BinaryIO, TypeVar

from django.http import FileResponse, StreamingHttpResponse
from django.utils.http import content_disposition_header

R = TypeVar("R", bound=StreamingHttpResponse)

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
    return _that_can_do_nothing(response)


def table_to_be_saved(lines: Iterable[bytes], *, file_name: str) -> StreamingHttpResponse:
    """A table of ours (gateway.spreadsheets), streamed as it is made."""
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=file_name)
    return _that_can_do_nothing(response)


def _that_can_do_nothing(response: R) -> R:
    for name, value in _HEADERS.items():
        response.headers[name] = value
    return response
