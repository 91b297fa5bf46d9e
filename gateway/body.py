"""The body of a request, read with a bound and decoded strictly."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.utils import collapse_rfc2231_value
from itertools import islice
from math import isfinite
from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.http.request import UnreadablePostError

from gateway.answers import JSON, JSON_API
from gateway.errors import Code, Problem, Refusal, refuse

_FORM = "application/x-www-form-urlencoded"
_DEEPEST = 64
_PIECE = 256 * 1024
# An answer need not be as long as the worst request.
_MOST_PROBLEMS = 50


@dataclass(frozen=True, slots=True)
class JsonBody:
    """A decoded body and the media type it came as."""

    data: Any
    media_type: str


def media_type_of(request: HttpRequest) -> str:
    """The media type without parameters, in lower case; "" when none was sent."""
    return request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()


def read_json(request: HttpRequest, *, media_types: tuple[str, ...] = (JSON, JSON_API)) -> JsonBody:
    """The body as JSON (contract hammy_common, "REST").

    No Content-Type, or form-urlencoded that begins with ``{``, is JSON. Raises 1000 (415 for the media type, its
    charset or an encoded body) and 1002 (413 when it is larger than HAMMY_MAX_REQUEST_BYTES, decided before reading).
    """
    media_type = media_type_of(request)
    if media_type not in (*media_types, _FORM, ""):
        raise _unsupported(f"must be {' or '.join(media_types)}", "Content-Type")
    check_encoding(request)
    check_charset(request)
    body = read_body(request)
    if media_type in (_FORM, ""):
        if media_type and not body.lstrip().startswith(b"{"):
            raise _unsupported(f"must be {' or '.join(media_types)}", "Content-Type")
        media_type = JSON
    return JsonBody(decode_json(body), media_type)


def read_body(request: HttpRequest, *, most: int | None = None) -> bytes:
    """All bytes of the body, chunked ones too, never more than ``most``, or HAMMY_MAX_REQUEST_BYTES, of them."""
    most = settings.HAMMY_MAX_REQUEST_BYTES if most is None else min(most, settings.HAMMY_MAX_REQUEST_BYTES)
    try:
        if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
            return b"".join(pieces(request, most=most))
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        if length > most:
            raise _too_large(most)
        body = request.body
    except RequestDataTooBig as error:
        raise _too_large(most) from error
    except (UnreadablePostError, OSError, ValueError) as error:
        raise refuse(Code.MALFORMED, "the body could not be read") from error
    if len(body) < length:
        raise refuse(Code.MALFORMED, "the body ends before its Content-Length")
    return body


def pieces(request: HttpRequest, *, most: int) -> Iterator[bytes]:
    """The body as it comes, chunked ones too, never more than ``most`` bytes of it.

    Raises 1002 (413) for a larger one, before anything is read where Content-Length says so, and 1000 for one that
    cannot be read or ends too early (411 for one whose end nothing tells).
    """
    length = _length(request)
    if length is not None and length > most:
        raise _too_large(most)
    stream, size = request.META["wsgi.input"], 0
    end = most + 1 if length is None else length
    try:
        while size < end and (piece := stream.read(min(_PIECE, end - size))):
            size += len(piece)
            if size > most:
                raise _too_large(most)
            yield piece
    except (UnreadablePostError, OSError) as error:
        raise refuse(Code.MALFORMED, "the body could not be read") from error
    if length is not None and size < length:
        raise refuse(Code.MALFORMED, "the body ends before its Content-Length")


def decode_json(body: bytes) -> Any:
    """Strict JSON: UTF-8 without a mark, each key of an object once, finite numbers, texts that can be stored."""
    if not body or body.isspace():
        raise refuse(Code.MALFORMED, "the body is empty")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise refuse(Code.MALFORMED, f"the body is not UTF-8: byte {error.start}") from error
    if text.startswith("\ufeff"):
        raise refuse(Code.MALFORMED, "the body begins with a byte order mark, send UTF-8 without it")
    try:
        data = _DECODER.decode(text)
    except _Doubled:
        raise _doubled(text) from None
    except RecursionError as error:
        raise _too_deep() from error
    except json.JSONDecodeError as error:
        sentence = f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        raise refuse(Code.MALFORMED, sentence) from error
    except ValueError as error:
        # Python's own words about a number of thousands of digits are for programmers.
        words = "a number has too many digits" if "int_max_str_digits" in str(error) else str(error)
        raise refuse(Code.MALFORMED, f"the body is not JSON: {words}") from error
    if text.count("{") + text.count("[") > _DEEPEST:
        _check_depth(data)
    # Only an escape can bring these in: raw ones are no JSON, or no UTF-8. Megabytes of base64 hold none at all.
    suspicious = "\\" in text and ("\\u0000" in text or "\\ud" in text or "\\uD" in text)
    if suspicious and (problems := list(islice(_unstorable(data), _MOST_PROBLEMS))):
        raise Refusal(problems)
    return data


def check_encoding(request: HttpRequest) -> None:
    """Raise 1000 (415) for a compressed body."""
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    if encoding not in ("", "identity"):
        raise _unsupported("must be absent or identity", "Content-Encoding")


def check_charset(request: HttpRequest) -> None:
    """Raise 1000 (415) for a charset that is not UTF-8."""
    for charset in parameters(request.META.get("CONTENT_TYPE", ""), "charset"):
        if charset.lower() not in ("utf-8", "utf8", "us-ascii"):
            raise _unsupported("the charset must be utf-8", "Content-Type")


def parameters(content_type: str, name: str) -> list[str]:
    """The values of a parameter of a Content-Type, as often as it is given; raises 1000 (415)."""
    if ";" not in content_type:
        return []
    header = Message()
    header["Content-Type"] = content_type
    try:
        given = header.get_params(failobj=[])
    except ValueError as error:
        raise _unsupported("its parameters cannot be read", "Content-Type") from error
    return [collapse_rfc2231_value(value) for key, value in given[1:] if key.lower() == name]


def _length(request: HttpRequest) -> int | None:
    """How long the body says it is; None where it ends with its last chunk."""
    if "chunked" not in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        try:
            return int(request.META.get("CONTENT_LENGTH") or 0)
        except ValueError as error:
            raise refuse(Code.MALFORMED, "the body could not be read") from error
    # Django gives an empty body where there is no Content-Length. A server that cannot tell where the chunks end
    # does not set wsgi.input_terminated, and reading on would wait for ever.
    if not request.META.get("wsgi.input_terminated"):
        raise refuse(Code.MALFORMED, "required", "Content-Length", parameter=True, status=411)
    return None


class _Doubled(Exception):
    """A key stands twice in one object"""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise _Doubled
    return result


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text[:20]} is too large a number")
    return number


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite)
_KEEPING_PAIRS = json.JSONDecoder(object_pairs_hook=tuple)


def _doubled(text: str) -> Refusal:
    try:
        return Refusal(list(islice(_doubled_keys(_KEEPING_PAIRS.decode(text)), _MOST_PROBLEMS)))
    except RecursionError:
        return _too_deep()


def _doubled_keys(data: Any, path: tuple[str | int, ...] = ()) -> Iterator[Problem]:
    """Where keys stand twice, in a document whose objects were kept as tuples of pairs."""
    if isinstance(data, tuple):
        seen = set()
        for key, value in data:
            if key in seen:
                yield Problem(code=Code.MALFORMED, sentence="given twice in one object", field=(*path, key))
            seen.add(key)
            yield from _doubled_keys(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _doubled_keys(value, (*path, index))


def _check_depth(data: Any) -> None:
    level = [data]
    for _ in range(_DEEPEST):
        level = [item for item in level if isinstance(item, dict | list)]
        if not level:
            return
        level = [item for parent in level for item in (parent.values() if isinstance(parent, dict) else parent)]
    if any(isinstance(item, dict | list) for item in level):
        raise _too_deep()


def _unstorable(data: Any, path: tuple[str | int, ...] = ()) -> Iterator[Problem]:
    """Texts no database or mail can hold: NUL characters and halves of surrogate pairs."""
    if isinstance(data, str):
        if "\0" in data:
            yield Problem(code=Code.INVALID, sentence="must not contain NUL characters", field=path)
        elif any("\ud800" <= character <= "\udfff" for character in data):
            yield Problem(code=Code.INVALID, sentence="must not contain half of a surrogate pair", field=path)
    elif isinstance(data, dict):
        for key, value in data.items():
            if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in key):
                yield Problem(
                    code=Code.INVALID, sentence="a key must not contain NUL or half of a surrogate pair", field=path
                )
            yield from _unstorable(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _unstorable(value, (*path, index))


def _too_deep() -> Refusal:
    return refuse(Code.MALFORMED, f"the body is nested more than {_DEEPEST} levels deep")


def _too_large(most: int) -> Refusal:
    return refuse(Code.INVALID, f"the body is larger than {most} bytes", status=413)


def _unsupported(sentence: str, header: str) -> Refusal:
    return refuse(Code.MALFORMED, sentence, header, parameter=True, status=415)
