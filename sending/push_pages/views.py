"""The files that pages and browsers fetch, as they lie here."""

from functools import cache
from hashlib import sha256
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import condition, require_safe

_FOLDER = Path(__file__).parent
_MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
_FILES = frozenset({"hammy-push.js", "hammy-push-worker.js", "demo.html", "demo.js", "demo.css"})
# Pages of other sites name them without a version, so that they must be asked for anew before long.
_CACHE_CONTROL = "public, max-age=300"
# The page asks the server that it is told of, and has no icon.
_MAY = "default-src 'self'; img-src 'self' data:; connect-src *; frame-ancestors 'none'"


@cache
def _read(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()


def _etag(request: HttpRequest, name: str) -> str | None:
    return f'"{sha256(_read(name)).hexdigest()[:32]}"' if name in _FILES else None


@require_safe
@condition(etag_func=_etag)
def shown(request: HttpRequest, name: str) -> HttpResponse:
    """One of the files; others are not there."""
    if name not in _FILES:
        raise Http404
    response = HttpResponse(_read(name), content_type=f"{_MEDIA_TYPES[Path(name).suffix]}; charset=utf-8")
    response.headers["Cache-Control"] = _CACHE_CONTROL
    response.headers["Content-Security-Policy"] = _MAY
    # A site of ours may let its worker serve all of its pages.
    response.headers["Service-Worker-Allowed"] = "/"
    return response
