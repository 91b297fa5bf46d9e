"""An XML body's bytes as plain data, read by a hardened parser.

Everything that costs more than the bytes themselves is refused before or while they are parsed: document types (and
with them entities), deep nesting, very many tags or attributes. Nothing is fetched, included or validated.
"""

import codecs
import re
from copy import deepcopy
from dataclasses import dataclass, field
from email.message import Message
from functools import lru_cache
from html import escape
from typing import Any

from lxml import etree

from gateway.errors import Code, Refusal, refuse
from gateway.long_texts import LongTexts

_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"

_MOST_TAGS = 100_000
_MOST_ATTRIBUTES = 10_000
_LONGEST_TAG = 64 * 1024
_DEEPEST = 32
_MOST_BEFORE_THE_ROOT = 100
_LONGEST_SPACE = 1000
_NOT_WELL_FORMED = "the body is not well-formed XML"
# libxml2's own bound of one text; what it says of it may quote the body, as all that it says.
_LONGEST_TEXT = 10_000_000
# What clients of this contract may speak: Unicode, and the code pages of old Hungarian systems.
ENCODINGS = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "ascii", "iso8859-1", "iso8859-2", "cp1250", "cp1252")
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_DECLARATION = re.compile(r"\s{0,1000}<\?xml\s[^>]{0,200}?\?>")
_DECLARED = re.compile(rb"""^<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_SPACE = re.compile(r"\s{0,1000}+")
_TAG = re.compile(r"""[^>"']*+(?:(?:"[^"]*+"|'[^']*+')[^>"']*+)*+>""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Elements that are more than texts and children, by local name: those in ``as_xml`` keep what they hold as XML
    text; those in ``as_bytes`` hold base64, and are a LongText where that is long."""

    as_xml: frozenset[str] = frozenset()
    as_bytes: frozenset[str] = frozenset()


NO_SHAPE = Shape()


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed body."""

    root: Any
    shape: Shape
    codec: str
    long_texts: LongTexts = field(repr=False)

    def plain(self, element: Any, depth: int = 0) -> Any:
        """What an element holds: text, or its children by their local names, each in the same way; a list where a name
        stands more than once. Empty elements are ""."""
        if depth > _DEEPEST:
            raise malformed(f"the request is nested more than {_DEEPEST} levels deep")
        if not len(element):
            text = element.text
            if not text or element.get(_NIL) in ("1", "true"):
                return ""
            return self._text(element, text) if self.long_texts.texts else text
        if self.shape.as_xml and local(element) in self.shape.as_xml:
            return self._restored(_inner_xml(element))
        members: dict[str, Any] = {}
        for child in element:
            name, value = child.tag.rpartition("}")[2], self.plain(child, depth + 1)
            if name not in members:
                members[name] = value
            elif isinstance(members[name], list):
                members[name].append(value)
            else:
                members[name] = [members[name], value]
        return members

    def _text(self, element: Any, text: str) -> Any:
        found = self.long_texts.of(text) if local(element) in self.shape.as_bytes else None
        return self._restored(text) if found is None else found

    def _restored(self, text: str) -> str:
        try:
            return self.long_texts.restored(text, self.codec)
        except UnicodeDecodeError:
            raise malformed(_NOT_WELL_FORMED) from None


def read_document(body: bytes, *, content_type: str = "", shape: Shape = NO_SHAPE) -> Document:
    """The document in a body; raises Refusal (1000) with a sentence of ours for what is none."""
    body, codec = _as_8_bit(*_encoding(body, content_type))
    long_texts = LongTexts()
    if shape.as_bytes:
        # Counted first, for each tag costs the search for long texts a step.
        _check_count(body.count(b"<"))
    text = _decoded(long_texts.cut(body, shape.as_bytes), codec, long_texts)
    _check_cost(text)
    # Everything a parser may do by itself is said here, for nobody's defaults are ours.
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, attribute_defaults=False,
        huge_tree=False, recover=False, remove_comments=True, remove_pis=True, strip_cdata=True, encoding="utf-8",
    )  # fmt: skip
    doubt = ", or holds a text of more than 10 MB" if len(text) > _LONGEST_TEXT else ""
    try:
        data = text.encode()
        # One letter from beyond the plane makes it four times its size: not while the parser needs room, too.
        del text
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, UnicodeEncodeError):
        # What the parser says may quote the body.
        raise malformed(_NOT_WELL_FORMED + doubt) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise _no_document_type()
    return Document(root, shape, codec, long_texts)


def local(element: Any) -> str:
    """An element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def malformed(sentence: str) -> Refusal:
    """For what is not the XML that it should be."""
    return refuse(Code.MALFORMED, sentence)


def _encoding(body: bytes, content_type: str) -> tuple[bytes, str]:
    """The body without its mark, and how it is encoded: by its mark, else its Content-Type, else its declaration."""
    declared = _DECLARED.match(body[:300].lstrip())
    charset = _charset(content_type)
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            body, name = body[len(mark) :], encoding
            break
    else:
        wide = {b"<\0": "utf-16-le", b"\0<": "utf-16-be"}.get(body[:2])
        name = wide or charset or (declared[1].decode() if declared else "utf-8")
    try:
        codec = codecs.lookup(name).name
    except LookupError:
        codec = ""
    if codec not in ENCODINGS:
        raise malformed("the encoding must be UTF-8 or UTF-16")
    return body, codec


# Every call of a client says the same, and reading it would cost as much as a fifth of a letter's checking.
@lru_cache(maxsize=100)
def _charset(content_type: str) -> str | None:
    header = Message()
    header["Content-Type"] = content_type
    return header.get_content_charset()


def _as_8_bit(body: bytes, codec: str) -> tuple[bytes, str]:
    """The body in an encoding in which each character of markup and base64 is one byte."""
    if not codec.startswith("utf-16"):
        return body, codec
    return _decoded(body, codec, LongTexts()).encode(), "utf-8"


def _decoded(body: bytes, codec: str, long_texts: LongTexts) -> str:
    """The body as text without its declaration."""
    try:
        text = body.decode(codec)
    except UnicodeDecodeError as error:
        raise malformed(f"the body is not {codec.upper()}: byte {long_texts.place(error.start)}") from None
    text = text.removeprefix("\ufeff")
    if not text[:_LONGEST_SPACE].strip():
        raise malformed("the body is empty")
    return text[found.end() :] if (found := _DECLARATION.match(text)) else text


def _check_count(tags: int) -> None:
    if tags > _MOST_TAGS:
        raise malformed(f"the body holds more than {_MOST_TAGS} tags")


def _check_cost(text: str) -> None:
    """Refuse what would cost a parser time or memory out of all proportion."""
    _check_count(text.count("<"))
    position = 0
    for _ in range(_MOST_BEFORE_THE_ROOT):
        position = _SPACE.match(text, position).end()  # type: ignore[union-attr]
        end = "-->" if text.startswith("<!--", position) else "?>" if text.startswith("<?", position) else ""
        if not end:
            if text[position : position + 1].isspace():
                raise malformed(f"the body holds more than {_LONGEST_SPACE} blanks before its first element")
            break
        closed = text.find(end, position)
        if closed < 0:
            raise malformed(_NOT_WELL_FORMED)
        position = closed + len(end)
    else:
        raise malformed(f"the first element must begin after {_MOST_BEFORE_THE_ROOT} comments at the latest")
    # Nothing else begins so before the first element, and document types stand nowhere else.
    if text.startswith("<!", position):
        raise _no_document_type()
    if len(text) > _LONGEST_TAG or text.count("=") > _MOST_ATTRIBUTES:
        _check_tags(text)


def _check_tags(text: str) -> None:
    # No < stands within a tag, so what lies between two of them begins with one whole tag.
    attributes = 0
    pieces = iter(text.split("<"))
    next(pieces)
    for piece in pieces:
        # A name without end is no cheaper than attributes without end.
        is_plain = "=" not in piece and (len(piece) <= _LONGEST_TAG or ">" in piece[:_LONGEST_TAG])
        if is_plain or piece.startswith(("![CDATA[", "!--")):
            continue
        tag = _TAG.match(piece[:_LONGEST_TAG])
        if tag is None:
            if len(piece) > _LONGEST_TAG:
                raise malformed(f"a tag is longer than {_LONGEST_TAG} characters")
            continue
        attributes += tag[0].count("=")
        if attributes > _MOST_ATTRIBUTES:
            raise malformed(f"the body holds more than {_MOST_ATTRIBUTES} attributes")


def _inner_xml(element: Any) -> str:
    """What an element holds as XML that stands by itself: with the namespaces it needs and no others."""
    parts = [escape(element.text or "", quote=False)]
    for child in element:
        apart = deepcopy(child)
        apart.tail = None
        etree.cleanup_namespaces(apart)
        parts += [etree.tostring(apart, encoding="unicode"), escape(child.tail or "", quote=False)]
    return "".join(parts).strip()


def _no_document_type() -> Refusal:
    return malformed("a document type is not allowed")
