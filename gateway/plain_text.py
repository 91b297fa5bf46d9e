"""Text from anywhere, made fit for where it goes (values only)."""

import re
import unicodedata

# Control characters, what ends a line or a paragraph, and halves of surrogate pairs.
_NO_TEXT = {"Cc", "Zl", "Zp", "Cs"}
# What no XML can hold, however it is written.
XML_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def is_one_line(text: str) -> bool:
    """Whether there is nothing in it that could end a header or a log line; text of any language and its spaces,
    joiners and marks are none such."""
    return text.isprintable() or _NO_TEXT.isdisjoint(map(unicodedata.category, text))


def storable(text: str) -> str:
    """As every database takes it: without NUL, and with a question mark for each half of a surrogate pair."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def on_one_line(text: str) -> str:
    """As a terminal and a log may show it: what would move the cursor, turn the writing round or begin a new line is
    written as its escape."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )
