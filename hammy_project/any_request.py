"""The request as Django builds it, whatever its Content-Type says."""

import codecs
from functools import lru_cache
from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.utils.http import parse_header_parameters

# A client says the same each time; only a boundary of parts is another one in each request.
_LONGEST_REMEMBERED = 100


class AnyRequest(WSGIRequest):
    """A request whose Content-Type cannot be read has none for Django, which would let its error out of the application
    before anybody could answer. Who reads the body says what is wrong."""

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        given = meta.get("CONTENT_TYPE", "")
        read = _remembered if len(given) <= _LONGEST_REMEMBERED else _read
        self.content_type, params, encoding = read(given)
        self.content_params = dict(params)
        if encoding:
            # Not by the property, which looks for what was read with another one: nothing was yet.
            self._encoding = encoding


def _read(given: str) -> tuple[str, dict[str, str], str]:
    """The media type, its parameters, and their charset where there is such a one."""
    try:
        media_type, params = parse_header_parameters(given)
        charset = params.get("charset", "")
        encoding = charset if charset and _is_known(charset) else ""
    except (ValueError, LookupError):
        return "", {}, ""
    return media_type, params, encoding


def _is_known(charset: str) -> bool:
    try:
        codecs.lookup(charset)
    except LookupError:
        return False
    return True


_remembered = lru_cache(maxsize=100)(_read)
