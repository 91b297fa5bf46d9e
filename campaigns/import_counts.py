"""What an import made of its lines so far: kept with the place that it goes on from, so that none is counted twice."""

from dataclasses import dataclass
from typing import Any

from campaigns.states import Duplicates


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Lines of an import's file: those that made a new recipient, changed one, were skipped as duplicates, and could
    not be taken."""

    new: int = 0
    changed: int = 0
    skipped: int = 0
    invalid: int = 0

    def plus(self, duplicates: Duplicates, *, new: int, good: int, invalid: int) -> "Counts":
        """With a portion of ``good`` and ``invalid`` lines, ``new`` of which made recipients. Where duplicates update,
        each of the others changed one, be it one that an earlier line of the file made."""
        is_changing = duplicates == Duplicates.UPDATE
        return Counts(
            new=self.new + new,
            changed=self.changed + (good - new if is_changing else 0),
            skipped=self.skipped + (0 if is_changing else good - new),
            invalid=self.invalid + invalid,
        )

    @property
    def sentence(self) -> str:
        """For logs and terminals."""
        return (
            f"new recipients: {self.new}, changed: {self.changed}, duplicates skipped: {self.skipped},"
            f" invalid lines: {self.invalid}"
        )

    def as_json(self) -> list[int]:
        """As a cursor keeps it."""
        return [self.new, self.changed, self.skipped, self.invalid]


def counts_in(cursor: Any) -> Counts | None:
    """The counts that an import's cursor holds; None in one that was written before they were kept."""
    if cursor is None:
        return Counts()
    if "counts" not in cursor:
        return None
    new, changed, skipped, invalid = cursor["counts"]
    return Counts(new=new, changed=changed, skipped=skipped, invalid=invalid)
