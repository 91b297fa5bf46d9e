"""An HTML body as blocks: headings, paragraphs, lists, tables, bold and italic words and where links lead to. Pictures,
styles and scripts are left out: paper has no use for what is fetched, and a mail's layout is not a letter's."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from lxml import etree, html

from sending.letters.bodies import Block, Run, blocks_of_text, printable

_DROPPED = frozenset({"script", "style", "head", "template", "noscript", "iframe", "object", "svg", "math", "title"})
_CONTAINERS = {"address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div", "dl", "dt"}
_CONTAINERS |= {"fieldset", "figcaption", "figure", "footer", "form", "header", "html", "main", "nav", "p", "pre"}
_CONTAINERS |= {"caption", "hr", "li", "ol", "section", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"}
_BOLD, _ITALIC = frozenset({"b", "strong", "th"}), frozenset({"i", "em", "cite", "var"})
_HEADINGS = {f"h{level}": min(level, 3) for level in range(1, 7)}
_BLOCKS = frozenset(_CONTAINERS | set(_HEADINGS))
_SPACES = re.compile(r"[ \t\n\r\f]+")
_MOST_COLUMNS = 20
_DEEPEST = 100


def blocks_of_html(source: str) -> list[Block]:
    """The blocks of an HTML document or piece of one, however badly it is written."""
    # NUL would end the reading.
    text = source.replace("\x00", "")
    if not text.strip():
        return []
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True)
    root = html.document_fromstring(text.encode("utf-8", "replace"), parser=parser, ensure_head_body=True)
    if any(error.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for error in parser.error_log) or _is_too_deep(root):
        # Nested as no letter is: the reading ended there, and what a letter says must not be lost.
        words = _Words()
        words.feed(text)
        return blocks_of_text("".join(words.pieces))
    reader = _Reader()
    reader.read(root, bold=False, italic=False)
    return reader.finished()


def _is_too_deep(root: html.HtmlElement) -> bool:
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > _DEEPEST:
            return True
    return False


class _Words(HTMLParser):
    """Only what is said, a paragraph for each block."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._dropped = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._dropped += tag in _DROPPED
        self.pieces += ["\n\n"] if tag in _BLOCKS else ["\n"] if tag == "br" else []

    def handle_endtag(self, tag: str) -> None:
        self._dropped = max(0, self._dropped - (tag in _DROPPED))

    def handle_data(self, data: str) -> None:
        if not self._dropped:
            self.pieces.append(_SPACES.sub(" ", data))


class _Reader:
    """Gathers runs until a block ends."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.runs: list[Run] = []

    def finished(self) -> list[Block]:
        self.end("paragraph")
        return self.blocks

    def end(self, kind: str, **more: int) -> None:
        """The block at hand is complete; an empty one is none."""
        if runs := list(_tidied(self.runs)):
            self.blocks.append({"kind": kind, **more, "runs": runs})
        self.runs = []

    def say(self, text: str | None, *, bold: bool, italic: bool, keeps_spaces: bool = False) -> None:
        if text:
            shown = printable(text) if keeps_spaces else printable(_SPACES.sub(" ", text))
            self.runs.append(
                {"text": shown, **({"bold": True} if bold else {}), **({"italic": True} if italic else {})}
            )

    def read(self, element: html.HtmlElement, *, bold: bool, italic: bool, keeps_spaces: bool = False) -> None:
        """What an element says, in the style around it."""
        tag = element.tag if isinstance(element.tag, str) else ""
        if tag in _DROPPED:
            return
        if tag in _BLOCKS:
            self.end("paragraph")
        if tag in ("ul", "ol"):
            self._read_list(element, bold=bold, italic=italic)
        elif tag == "table":
            self._read_table(element)
        elif tag == "br":
            self.runs.append({"text": "\n"})
        elif tag == "hr":
            self.blocks.append({"kind": "rule"})
        else:
            bold, italic = bold or tag in _BOLD, italic or tag in _ITALIC
            keeps_spaces = keeps_spaces or tag == "pre"
            self.say(element.text, bold=bold, italic=italic, keeps_spaces=keeps_spaces)
            for child in element:
                self.read(child, bold=bold, italic=italic, keeps_spaces=keeps_spaces)
                self.say(child.tail, bold=bold, italic=italic, keeps_spaces=keeps_spaces)
            if tag == "a":
                self._name_target(element, bold=bold, italic=italic)
        if tag in _HEADINGS:
            self.end("heading", level=_HEADINGS[tag])
        elif tag in _BLOCKS:
            self.end("paragraph")

    def _name_target(self, element: html.HtmlElement, *, bold: bool, italic: bool) -> None:
        """On paper a link is what it says and where it leads."""
        target = (element.get("href") or "").strip()
        said = _SPACES.sub("", "".join(element.itertext()))
        shown = target.removeprefix("mailto:").removeprefix("tel:")
        if target.startswith(("http://", "https://", "mailto:", "tel:")) and said not in (shown, target):
            self.say(f" ({shown})", bold=bold, italic=italic)

    def _read_list(self, element: html.HtmlElement, *, bold: bool, italic: bool) -> None:
        items = []
        for child in element:
            inner = _Reader()
            inner.read(child, bold=bold, italic=italic)
            if blocks := inner.finished():
                items.append(blocks)
        if items:
            self.blocks.append({"kind": "list", "ordered": element.tag == "ol", "items": items})

    def _read_table(self, element: html.HtmlElement) -> None:
        """A table of data as one, a table that only arranges (others, or blocks, within) as what its cells say."""
        rows = [
            row
            for row in element.iter("tr")
            if next(row.iterancestors("table")) is element and any(cell.tag in ("td", "th") for cell in row)
        ]
        widths = [sum(cell.tag in ("td", "th") for cell in row) for row in rows]
        columns = max(widths, default=0)
        if (
            columns < 2
            or columns > _MOST_COLUMNS
            or next(element.iterdescendants("table", "ul", "ol", "h1"), None) is not None
        ):
            for row in rows:
                for cell in row:
                    self.read(cell, bold=False, italic=False)
                    self.end("paragraph")
            return
        cells = []
        for row in rows:
            said = [cell for cell in row if cell.tag in ("td", "th")]
            cells += [{"heading": cell.tag == "th", "runs": _cell(cell)} for cell in said]
            cells += [{"heading": False, "runs": []}] * (columns - len(said))
        self.blocks.append({"kind": "table", "columns": columns, "cells": cells})


def _cell(element: html.HtmlElement) -> list[Run]:
    inner = _Reader()
    inner.read(element, bold=False, italic=False)
    runs: list[Run] = []
    for block in inner.finished():
        runs += [{"text": "\n"}] if runs else []
        runs += [
            {name: value for name, value in run.items() if name != "bold" or element.tag != "th"}
            for run in block.get("runs", ())
        ]
    return runs


def _tidied(runs: list[Run]) -> Iterator[Run]:
    """Without spaces at the block's ends, round line breaks and twice in a row."""
    at_start = True
    kept: list[Run] = []
    for run in runs:
        text = run["text"]
        if at_start or text == "\n":
            text = text.lstrip(" ") if at_start else text
        if text == "\n" and kept:
            kept[-1] = {**kept[-1], "text": kept[-1]["text"].rstrip(" ")}
        if text:
            kept.append({**run, "text": text})
            at_start = text[-1] in " \n"
    while kept and not kept[-1]["text"].strip(" \n"):
        kept.pop()
    while kept and not kept[0]["text"].strip(" \n"):
        kept.pop(0)
    if kept:
        kept[-1] = {**kept[-1], "text": kept[-1]["text"].rstrip(" \n")}
    yield from (run for run in kept if run["text"])
