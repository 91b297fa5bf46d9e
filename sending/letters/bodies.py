"""A letter's body as blocks, the same whether it came as text or as HTML: what the layout makes paragraphs of.

A block is ``{"kind": "paragraph", "runs": [run, …]}``, a heading (with ``level``), a rule, a list (``ordered``,
``items``: blocks each) or a table (``columns``, ``cells``: runs and ``heading`` each). A run is ``{"text": …}`` with
``bold`` or ``italic`` where it is so; its line feeds are line breaks.
"""

import re
from typing import Any

Run = dict[str, Any]
Block = dict[str, Any]

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufeff]")
_LONG_WORD = re.compile(r"[^\s\u200b]{48}(?=[^\s\u200b])")
_EMPTY_LINES = re.compile(r"\n[ \t]*\n\s*")


def printable(text: str) -> str:
    """The text as it can be set: line ends are line feeds, nothing unprintable, and very long words may be broken."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n\n")
    text = _UNPRINTABLE.sub("", text.expandtabs(4))
    return _LONG_WORD.sub(lambda word: f"{word[0]}\u200b", text)


def blocks_of_text(text: str) -> list[Block]:
    """Paragraphs between empty lines; single line ends stay where they are."""
    paragraphs = _EMPTY_LINES.split(printable(text).strip("\n"))
    return [
        {"kind": "paragraph", "runs": [{"text": "\n".join(line.rstrip() for line in paragraph.split("\n"))}]}
        for paragraph in paragraphs
        if paragraph.strip()
    ]
