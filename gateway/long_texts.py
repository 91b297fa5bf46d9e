"""Base64 texts of an XML body that are too long for a parser: left where they lie, and decoded a piece at a time.

A token that nobody can guess stands for each in what is parsed. So a body's size is no multiple of itself in memory.
"""

import binascii
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

# Shorter ones cost a parser little.
LONG = 64 * 1024
_PIECE = 256 * 1024
_LONGEST_TAG = 1024
_SPACE = b" \t\r\n"
# Line ends as some writers of XML escape them; nothing else that is escaped may stand in base64.
_ESCAPED_SPACE = (b"&#13;", b"&#xD;", b"&#xd;", b"&#10;", b"&#xA;", b"&#xa;", b"&#9;", b"&#x9;")
_LONGEST_REFERENCE = 5


@dataclass(frozen=True, slots=True)
class LongText:
    """One text of a body, between two places there."""

    body: bytes = field(repr=False)
    start: int
    end: int

    def decoded(self) -> Iterator[bytes]:
        """What it says in base64, piece by piece; raises ValueError where it is none."""
        rest, start, is_padded = b"", self.start, False
        while start < self.end:
            end = min(start + _PIECE, self.end)
            if end < self.end and (reference := self.body.rfind(b"&", end - _LONGEST_REFERENCE + 1, end)) >= 0:
                end = reference
            fresh = _digits(self.body[start:end])
            if is_padded and fresh.strip(b"="):
                raise ValueError("something follows the padding")
            is_padded = is_padded or b"=" in fresh
            digits, start = rest + fresh, end
            whole = len(digits) - len(digits) % 4
            rest = digits[whole:]
            yield binascii.a2b_base64(digits[:whole], strict_mode=True)
        if rest:
            raise ValueError("the last digits are missing")


@dataclass(frozen=True, slots=True)
class LongTexts:
    """The long texts of one body by their tokens."""

    prefix: str = field(default_factory=lambda: f"text-{secrets.token_hex(16)}-", repr=False)
    texts: list[LongText] = field(default_factory=list)

    def cut(self, body: bytes, names: frozenset[str]) -> bytes:
        """The body with tokens for the long texts of elements that are called so, whatever their namespace."""
        if not names:
            return body
        head = re.compile(rb"(?:[\w.-]{1,100}:)?(?:%s)(?:\s[^<>]*)?(?<!/)>" % "|".join(sorted(names)).encode())
        kept, done = [], 0
        for start, end in _stretches(body):
            tag = head.match(body, start, start + _LONGEST_TAG)
            # What holds no bracket cannot end a comment or the like: all else is parsed as it was sent.
            if tag and end - tag.end() > LONG and body.find(b">", tag.end(), end) < 0:
                kept += [body[done : tag.end()], f"{self.prefix}{len(self.texts)}".encode()]
                self.texts.append(LongText(body, tag.end(), end))
                done = end
        return b"".join([*kept, body[done:]]) if kept else body

    def of(self, text: str) -> LongText | None:
        """The long text that ``text`` stands for."""
        number = text.removeprefix(self.prefix)
        return self.texts[int(number)] if number != text and number.isdecimal() else None

    def restored(self, text: str, codec: str) -> str:
        """``text`` as it was sent, where a token is only a part of it; raises UnicodeDecodeError."""
        if not self.texts or self.prefix not in text:
            return text

        def original(found: re.Match[str]) -> str:
            one = self.texts[int(found[1])]
            return one.body[one.start : one.end].decode(codec)

        return re.sub(re.escape(self.prefix) + r"(\d+)", original, text)

    def place(self, offset: int) -> int:
        """Where in the body stands what is at ``offset`` once the long texts are cut."""
        for number, one in enumerate(self.texts):
            if offset <= one.start:
                break
            offset += one.end - one.start - len(f"{self.prefix}{number}")
        return offset


def _stretches(body: bytes) -> Iterator[tuple[int, int]]:
    """Where more than LONG bytes stand without a ``<``; looks at each byte twice at most, and at few singly."""
    start = body.find(b"<") + 1
    while start and start + LONG < len(body):
        last = body.rfind(b"<", start, start + LONG)
        if last >= 0:
            start = last + 1
            continue
        end = body.find(b"<", start + LONG)
        if end < 0:
            return
        yield start, end
        start = end + 1


def _digits(piece: bytes) -> bytes:
    for space in _ESCAPED_SPACE:
        if b"&" not in piece:
            break
        piece = piece.replace(space, b"")
    return piece.translate(None, _SPACE)
