"""What differs between two versions, line by line."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

# Lines that are the same, shown before and after those that are not.
_AROUND = 3
# Comparing takes the longer, the more lines are alike.
MOST_LINES = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """``kind`` is same, removed, added or gap; the numbers are 0 where the line is not in that version."""

    kind: str
    text: str = ""
    old: int = 0
    new: int = 0

    @property
    def sign(self) -> str:
        """As every comparison writes it."""
        return {"removed": "−", "added": "+"}.get(self.kind, "")


def lines_between(old: str, new: str) -> list[Line] | None:
    """The lines that differ, with some around them; empty when nothing does, None when there are too many of them."""
    before, after = old.splitlines(), new.splitlines()
    if old == new:
        return []
    if len(before) + len(after) > MOST_LINES:
        return None
    found: list[Line] = []
    for group in SequenceMatcher(None, before, after).get_grouped_opcodes(_AROUND):
        if found:
            found.append(Line(kind="gap"))
        for tag, *bounds in group:
            found.extend(_lines(tag, before, after, *bounds))
    # Nothing but the ends of lines differs.
    return found or [Line(kind="gap")]


def _lines(
    tag: str, before: list[str], after: list[str], old: int, old_end: int, new: int, new_end: int
) -> Iterator[Line]:
    if tag == "equal":
        for index in range(old_end - old):
            yield Line(kind="same", text=before[old + index], old=old + index + 1, new=new + index + 1)
        return
    for index in range(old, old_end):
        yield Line(kind="removed", text=before[index], old=index + 1)
    for index in range(new, new_end):
        yield Line(kind="added", text=after[index], new=index + 1)
