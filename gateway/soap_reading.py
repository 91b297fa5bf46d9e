"""A SOAP request's bytes as plain data, read by a hardened parser (contract hammy_common, "SOAP").

Everything that costs more than the bytes themselves is refused before or while they are parsed: document types (and
with them entities), deep nesting, very many tags or attributes. Nothing is fetched, included or validated.
"""

import codecs
import re
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

from lxml import etree

from gateway.errors import Code, Refusal, refuse

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_ENVELOPE_12 = "http://www.w3.org/2003/05/soap-envelope"
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


@dataclass(frozen=True, slots=True)
class Envelope:
    """One call: the operation's qualified name and what its ``<request>`` holds.

    ``fields`` are the children by their local names: text, or the same of a child that has children; a list where a
    name stands more than once. Empty elements are "".
    """

    operation: str
    fields: dict[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        """The operation's local name."""
        return self.operation.rpartition("}")[2]


def read_envelope(body: bytes, *, content_type: str = "") -> Envelope:
    """The call in a body; raises Refusal (1000) with a sentence of ours for what is none."""
    return _call(read_root(body, content_type=content_type))


def read_root(body: bytes, *, content_type: str = "") -> Any:
    """The root element of any XML document, read as hardened as an envelope; raises Refusal (1000) alike."""
    text = _decoded(body, content_type)
    _check_cost(text)
    # Everything a parser may do by itself is said here, for nobody's defaults are ours.
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, attribute_defaults=False,
        huge_tree=False, recover=False, remove_comments=True, remove_pis=True, strip_cdata=True, encoding="utf-8",
    )  # fmt: skip
    try:
        root = etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, UnicodeEncodeError):
        # What the parser says may quote the body.
        doubt = ", or holds a text of more than 10 MB" if len(text) > _LONGEST_TEXT else ""
        raise _malformed(_NOT_WELL_FORMED + doubt) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise _no_document_type()
    return root


def _decoded(body: bytes, content_type: str) -> str:
    """The body as text without its mark and declaration: by its mark, else its Content-Type, else its declaration."""
    declared = _DECLARED.match(body[:300].lstrip())
    header = Message()
    header["Content-Type"] = content_type
    charset = header.get_content_charset()
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
        raise _malformed("the encoding must be UTF-8 or UTF-16")
    try:
        text = body.decode(codec)
    except UnicodeDecodeError as error:
        raise _malformed(f"the body is not {codec.upper()}: byte {error.start}") from None
    text = text.removeprefix("\ufeff")
    if not text[:_LONGEST_SPACE].strip():
        raise _malformed("the body is empty")
    return text[found.end() :] if (found := _DECLARATION.match(text)) else text


def _check_cost(text: str) -> None:
    """Refuse what would cost a parser time or memory out of all proportion."""
    if text.count("<") > _MOST_TAGS:
        raise _malformed(f"the body holds more than {_MOST_TAGS} tags")
    position = 0
    for _ in range(_MOST_BEFORE_THE_ROOT):
        position = _SPACE.match(text, position).end()  # type: ignore[union-attr]
        end = "-->" if text.startswith("<!--", position) else "?>" if text.startswith("<?", position) else ""
        if not end:
            if text[position : position + 1].isspace():
                raise _malformed(f"the body holds more than {_LONGEST_SPACE} blanks before the envelope")
            break
        closed = text.find(end, position)
        if closed < 0:
            raise _malformed(_NOT_WELL_FORMED)
        position = closed + len(end)
    else:
        raise _malformed(f"the envelope must begin after {_MOST_BEFORE_THE_ROOT} comments at the latest")
    # Nothing else begins so before the first element, and document types stand nowhere else.
    if text.startswith("<!", position):
        raise _no_document_type()
    if len(text) > _LONGEST_TAG or text.count("=") > _MOST_ATTRIBUTES:
        _check_tags(text)


def _check_tags(text: str) -> None:
    # No < stands within a tag, so what lies between two of them begins with one whole tag.
    attributes = 0
    for piece in text.split("<"):
        if "=" not in piece or piece.startswith(("![CDATA[", "!--")):
            continue
        tag = _TAG.match(piece[:_LONGEST_TAG])
        if tag is None:
            if len(piece) > _LONGEST_TAG:
                raise _malformed(f"a tag is longer than {_LONGEST_TAG} characters")
            continue
        attributes += tag[0].count("=")
        if attributes > _MOST_ATTRIBUTES:
            raise _malformed(f"the body holds more than {_MOST_ATTRIBUTES} attributes")


def _call(root: Any) -> Envelope:
    if root.tag != f"{{{ENVELOPE}}}Envelope":
        is_newer = root.tag == f"{{{_ENVELOPE_12}}}Envelope"
        words = "the envelope must be of SOAP 1.1" if is_newer else "the body is no SOAP envelope"
        raise _malformed(f"{words}: {{{ENVELOPE}}}Envelope")
    if any(block.get(f"{{{ENVELOPE}}}mustUnderstand") in ("1", "true") for block in root.iterfind(_in("Header/*"))):
        raise _malformed("no header is understood here, and one says that it must be")
    bodies = root.findall(_in("Body"))
    if len(bodies) != 1 or len(bodies[0]) != 1:
        raise _malformed("the envelope must have one Body with one operation in it")
    operation = bodies[0][0]
    requests = [child for child in operation if _local(child) == "request"]
    if len(requests) > 1 or len(requests) < len(operation):
        raise _malformed(f"{_local(operation)} must hold one request and nothing else")
    fields = _plain(requests[0], 0) if requests else {}
    return Envelope(operation=operation.tag, fields=fields if isinstance(fields, dict) else {})


def _in(path: str) -> str:
    return "/".join(part if part == "*" else f"{{{ENVELOPE}}}{part}" for part in path.split("/"))


def _local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _plain(element: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        raise _malformed(f"the request is nested more than {_DEEPEST} levels deep")
    if not len(element):
        return "" if element.get(_NIL) in ("1", "true") else element.text or ""
    found: dict[str, Any] = {}
    for child in element:
        name, value = _local(child), _plain(child, depth + 1)
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found


def _malformed(sentence: str) -> Refusal:
    return refuse(Code.MALFORMED, sentence)


def _no_document_type() -> Refusal:
    return _malformed("a document type is not allowed")
