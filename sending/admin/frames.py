"""Answers that hold what others wrote: they may be looked at or saved, and can do nothing."""

import io

from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase

from sending.mime import safe_file_name

# Nothing runs, nothing is fetched (a picture's address would tell the sender who reads), nothing is submitted.
_CLOSED = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"


def framed(html: str) -> HttpResponse:
    """An HTML body for a sandboxed frame of the console."""
    response = HttpResponse(html, content_type="text/html; charset=utf-8")
    response["Content-Security-Policy"] = f"{_CLOSED}; frame-ancestors 'self'"
    response["X-Frame-Options"] = "SAMEORIGIN"
    _keep_private(response)
    return response


def with_frame(response: HttpResponse) -> HttpResponse:
    """A page that shows such a frame: a link in it may not take the frame to another site."""
    response["Content-Security-Policy"] = "frame-src 'self'; frame-ancestors 'self'"
    return response


def download(content: bytes, file_name: str) -> FileResponse:
    """Bytes to be saved, never shown: the type they claim is not repeated."""
    response = FileResponse(
        io.BytesIO(content),
        as_attachment=True,
        filename=safe_file_name(file_name),
        content_type="application/octet-stream",
    )
    response["Content-Security-Policy"] = _CLOSED
    _keep_private(response)
    return response


def picture(png: bytes) -> HttpResponse:
    """A picture of ours, of what somebody wrote."""
    response = HttpResponse(png, content_type="image/png")
    response["Content-Security-Policy"] = _CLOSED
    response["Cache-Control"] = "private, no-store"
    _keep_private(response)
    return response


def _keep_private(response: HttpResponseBase) -> None:
    response["X-Content-Type-Options"] = "nosniff"
    response["Referrer-Policy"] = "no-referrer"
