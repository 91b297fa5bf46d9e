"""Multipart requests (RFC 7578, RFC 2046 5.1), read piece by piece: what is uploaded goes to files as it comes, and
the one part that the door must read itself is held in memory.

What is wrong with single parts is told all at once; what makes the rest unreadable, or is too much, ends the reading.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser

from gateway.body import check_charset, check_encoding, media_type_of, parameters, pieces
from gateway.errors import Code, Problem, Refusal, refuse
from gateway.incoming import Incoming, StoredBytes, TooMany

MEDIA_TYPES = ("multipart/form-data", "multipart/mixed")
_LONGEST_BOUNDARY = 70
_LONGEST_HEADER = 4096
_MOST_HEADERS = 16
_LONGEST_NAME = 255
_RETRY_SECONDS = 60
_ONCE = ("Content-Disposition", "Content-Type", "Content-Transfer-Encoding", "Content-Encoding", "Content-Id")
_AS_IT_IS = ("binary", "7bit", "8bit")
# In the place of an upload with which something is wrong, so that nobody calls it missing too.
_REFUSED = StoredBytes(digest="", size=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much a request may bring: bytes in all, in one upload and in the held part; and how many parts."""

    request: int
    upload: int
    held: int
    parts: int


@dataclass(frozen=True, slots=True)
class Held:
    """The part that is held in memory. ``media_type`` and ``charset`` as it gave them, in lower case, or ""."""

    content: bytes
    media_type: str
    charset: str


@dataclass(slots=True)
class Received:
    """What came: ``uploads`` by the names of their parts, and the problems of single parts. ``held`` is None where
    that part is missing or among the problems. ``file_names`` are those that parts gave, as they gave them."""

    held: Held | None = None
    uploads: dict[str, StoredBytes] = field(default_factory=dict)
    file_names: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def is_multipart(request: HttpRequest) -> bool:
    """Whether ``read`` is for this request."""
    return media_type_of(request) in MEDIA_TYPES


def read(request: HttpRequest, incoming: Incoming, *, held: str, bounds: Bounds) -> Received:
    """The parts of a request, the one named ``held`` in memory and each other one in a file of ``incoming``.

    A part's name is that of its Content-Disposition, else its Content-ID. Raises 1000 for what is no multipart body
    (415 for its charset or encoding), 1002 (413) for more than ``bounds``, 9001 while uploads cannot be kept.
    """
    check_encoding(request)
    check_charset(request)
    return _Reader(_boundary(request), incoming, held, bounds).read(request)


def at_part(code: Code, sentence: str, name: str, *, status: int | None = None) -> Problem:
    """A problem with the part of this name."""
    return Problem(code=code, sentence=sentence, field=(_printable(name),), parameter=True, status=status)


class _Parser(PushMultipartParser):
    """Of parts that need be no fields of a form: what a part lacks is ours to say, with all else that is wrong."""

    def _create_segment(self, headerlist: list[tuple[str, str]]) -> MultipartSegment:
        return MultipartSegment(headerlist)


class _Reader:
    """One request on its way in."""

    def __init__(self, boundary: str, incoming: Incoming, held: str, bounds: Bounds) -> None:
        # Sizes and numbers of parts are counted here, where they can be told by the part's name.
        self._parser = _Parser(boundary, max_header_size=_LONGEST_HEADER, max_header_count=_MOST_HEADERS)
        self._incoming = incoming
        self._held = held
        self._bounds = bounds
        self._names: set[str] = set()
        self._count = 0
        self._received = Received()

    def read(self, request: HttpRequest) -> Received:
        events = self._events(request)
        for segment in events:
            self._count += 1
            if self._count > self._bounds.parts:
                raise refuse(Code.INVALID, f"more than {self._bounds.parts} parts", status=413)
            # What is left of a part is read over, so that the next event is the next part.
            rest = _until_none(events)
            self._take(segment, rest)
            for _ in rest:
                pass
        return self._received

    def _events(self, request: HttpRequest) -> Iterator[Any]:
        """A segment, its pieces and None for each part."""
        try:
            for piece in pieces(request, most=self._bounds.request):
                yield from self._parser.parse(piece)
        except ParserLimitReached as error:
            sentence = f"part {self._count + 1}: a header is longer than {_LONGEST_HEADER} bytes"
            if "count" in str(error):
                sentence = f"part {self._count + 1}: more than {_MOST_HEADERS} headers"
            raise refuse(Code.INVALID, sentence, status=413) from error
        except MultipartError as error:
            words = str(error.args[0])
            words = f"{words[0].lower()}{words[1:]}".replace("segment", "part")
            raise refuse(Code.MALFORMED, f"the body is no multipart: {words}") from error
        try:
            self._parser.close()
        except MultipartError as error:
            raise refuse(Code.MALFORMED, "the body ends before its last boundary") from error

    def _take(self, segment: MultipartSegment, body: Iterator[bytes]) -> None:
        name = segment.name or segment.header("Content-Id", "").strip().removeprefix("<").removesuffix(">")
        if not name or len(name) > _LONGEST_NAME or not name.isprintable():
            sentence = f"part {self._count} must have a name: one line of at most {_LONGEST_NAME} characters"
            self._received.problems.append(Problem(code=Code.MALFORMED, sentence=sentence))
            return
        problems = list(_problems(segment, name))
        if name in self._names:
            problems.append(at_part(Code.INVALID, "is the name of two parts", name))
        self._names.add(name)
        self._received.problems += problems
        if problems:
            if name != self._held:
                self._received.uploads.setdefault(name, _REFUSED)
        elif name == self._held:
            content = self._in_memory(name, body)
            self._received.held = Held(content, segment.content_type or "", (segment.charset or "").lower())
        else:
            self._received.uploads[name] = self._in_file(name, body)
            if segment.filename:
                self._received.file_names[name] = segment.filename

    def _in_memory(self, name: str, body: Iterator[bytes]) -> bytes:
        content = bytearray()
        for piece in body:
            content += piece
            if len(content) > self._bounds.held:
                raise _too_large(name, self._bounds.held)
        return bytes(content)

    def _in_file(self, name: str, body: Iterator[bytes]) -> StoredBytes:
        try:
            return self._incoming.receive(body, most=self._bounds.upload)
        except TooMany:
            raise _too_large(name, self._bounds.upload) from None
        except OSError as error:
            sentence = "the uploads cannot be kept at present; send the request again"
            problem = Problem(code=Code.UNAVAILABLE, sentence=sentence)
            raise Refusal(problem, retry_after=_RETRY_SECONDS) from error


def _boundary(request: HttpRequest) -> str:
    given = parameters(request.META.get("CONTENT_TYPE", ""), "boundary")
    boundary = given[0] if len(given) == 1 else ""
    is_good = 0 < len(boundary) <= _LONGEST_BOUNDARY and boundary.isascii() and boundary.isprintable()
    if not is_good or boundary.endswith(" "):
        sentence = f"needs one boundary of 1 to {_LONGEST_BOUNDARY} printable ASCII characters"
        raise refuse(Code.MALFORMED, sentence, "Content-Type", parameter=True)
    return boundary


def _until_none(events: Iterator[Any]) -> Iterator[bytes]:
    for event in events:
        if event is None:
            return
        yield event


def _problems(segment: MultipartSegment, name: str) -> Iterator[Problem]:
    """What is wrong with a part by its headers."""
    given = [header for header, _ in segment.headerlist]
    for header in _ONCE:
        if given.count(header) > 1:
            yield at_part(Code.MALFORMED, f"{header} is given twice", name)
    if (segment.content_type or "").startswith("multipart/"):
        yield at_part(Code.MALFORMED, "a part must not be multipart itself", name, status=415)
    if segment.header("Content-Transfer-Encoding", "binary").strip().lower() not in _AS_IT_IS:
        sentence = f"Content-Transfer-Encoding must be absent or one of {', '.join(_AS_IT_IS)}"
        yield at_part(Code.MALFORMED, sentence, name, status=415)
    if segment.header("Content-Encoding", "identity").strip().lower() != "identity":
        yield at_part(Code.MALFORMED, "Content-Encoding must be absent or identity", name, status=415)


def _printable(name: str) -> str:
    return name if len(name) <= 100 else f"{name[:100]}…"


def _too_large(name: str, most: int) -> Refusal:
    return Refusal(at_part(Code.INVALID, f"is larger than {most} bytes", name, status=413))
