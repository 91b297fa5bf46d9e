"""The XML data of a letter as values for its template (contract send_v2, field xmlData)."""

import re
from collections.abc import Mapping
from itertools import islice
from typing import Any, cast

from lxml import etree

from gateway.plain_text import XML_FORBIDDEN

LONGEST = 2 * 1024 * 1024
DEEPEST = 100
MOST_ELEMENTS = 10_000
MOST_ATTRIBUTES = 10_000
# The parser notices a refusal of ours only at the end of what it was fed.
CHUNK = 4 * 1024
ROOT_TAG = "<xmlData>"
# Where a child stood in its parent's text; no XML text holds this character.
CHILD = "\0"

DECLARATION = re.compile(r"\s*<\?xml\s[^>]*\?>")
MARKUP_DECLARATION = re.compile(r"<!(?:--|\[CDATA\[|DOCTYPE|ENTITY)", re.IGNORECASE)
ATTRIBUTE = re.compile(r"=\s*[\"']")
SCHEMA_INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}"


def parse_xml_data(text: str) -> dict[str, Any]:
    """The elements of ``text`` by their local names, as texts, lists and mappings; nothing given is ``{}``.

    An element that holds only text is that text; one with children or attributes is a mapping of its children's names,
    ``@name`` for each attribute and ``#text`` for its own text, trimmed. Siblings of one name are a list. So
    ``<DATA><no>7</no><sum unit="HUF">100</sum></DATA>`` is reached as ``xmlData.DATA.no``, ``xmlData.DATA.sum``
    (printed, such a mapping is its text) and ``xmlData.DATA.sum["@unit"]``. Several elements may stand side by side.

    ValueError, in a sentence for the client, for what is no well-formed XML, for any document type or entity, and
    beyond 2 Mi characters, 10,000 elements, 10,000 attributes or 100 levels.
    """
    if len(text) > LONGEST:
        raise ValueError(f"xmlData is longer than {LONGEST:,} characters.")
    text = text.removeprefix("\ufeff")
    if not text.strip():
        return {}
    forbidden = XML_FORBIDDEN.search(text)
    if forbidden:
        raise ValueError(f"xmlData holds the character U+{ord(forbidden.group()):04X}, which XML does not allow.")
    if _has_document_type(text):
        raise ValueError("xmlData may not hold a document type or entity declaration.")
    if any(islice(ATTRIBUTE.finditer(text), MOST_ATTRIBUTES, None)):
        raise ValueError(f"xmlData holds more than {MOST_ATTRIBUTES:,} attributes.")
    # The declaration's encoding is about bytes that were decoded long ago. Blanks keep lines and columns true.
    declaration = DECLARATION.match(text)
    if declaration:
        text = re.sub(r"[^\n]", " ", declaration.group()) + text[declaration.end() :]
    builder = _Builder()
    parser = etree.XMLParser(
        # lxml asks for a comment method in its types only.
        target=cast(Any, builder),
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        document = f"{ROOT_TAG}{text}</xmlData>".encode()
        for start in range(0, len(document), CHUNK):
            parser.feed(document[start : start + CHUNK])
        parser.close()
    except etree.XMLSyntaxError as error:
        line, column = error.position
        column -= len(ROOT_TAG) if line == 1 else 0
        raise ValueError(f"xmlData is not well-formed XML (line {line}, column {max(column, 1)}).") from None
    return builder.result


def _has_document_type(text: str) -> bool:
    """Whether a document type or entity is declared; inside a comment or CDATA section those are mere text."""
    position = 0
    while found := MARKUP_DECLARATION.search(text, position):
        end = {"<!--": "-->", "<![CDATA[": "]]>"}.get(found.group().upper())
        if end is None:
            return True
        position = text.find(end, found.end())
        if position < 0:
            return False
    return False


class _Builder:
    """Turns the parser's events into values; it stops the parser as soon as there is too much."""

    def __init__(self) -> None:
        self._open: list[tuple[str, dict[str, Any], list[str]]] = []
        # Less the root that we add.
        self._elements = -1
        self.result: dict[str, Any] = {}

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._elements += 1
        if self._elements > MOST_ELEMENTS:
            raise ValueError(f"xmlData holds more than {MOST_ELEMENTS:,} elements.")
        if len(self._open) > DEEPEST:
            raise ValueError(f"xmlData is nested more than {DEEPEST} levels deep.")
        content = {
            f"@{_local(name)}": value for name, value in attributes.items() if not name.startswith(SCHEMA_INSTANCE)
        }
        self._open.append((_local(tag), content, []))

    def data(self, text: str) -> None:
        self._open[-1][2].append(text)

    def end(self, tag: str) -> None:
        name, content, texts = self._open.pop()
        if not self._open:
            if not content or "".join(texts).replace(CHILD, "").strip():
                raise ValueError("xmlData must consist of XML elements, with no text beside them.")
            self.result = content
            return
        value: Any = "".join(texts)
        if content:
            own_text = " ".join(filter(None, (part.strip() for part in value.split(CHILD))))
            value = content | ({"#text": own_text} if own_text else {})
        self._open[-1][2].append(CHILD)
        siblings = self._open[-1][1]
        if name not in siblings:
            siblings[name] = value
        elif isinstance(siblings[name], list):
            siblings[name].append(value)
        else:
            siblings[name] = [siblings[name], value]

    def close(self) -> None:
        """The parser asks for it; the result lies in ``result``."""


def _local(name: str) -> str:
    return name.rpartition("}")[2]
