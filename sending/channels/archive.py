"""ARCHIVE: nothing is sent; attachments go to their archive targets (contract send_v2, "Channels")."""

from collections.abc import Iterator
from typing import ClassVar

from gateway.errors import Code, Problem
from sending.channels.base import Channel, Outcome, OutcomeKind, Parcel
from sending.letter import Addressee, Letter


class ArchiveChannel(Channel):
    """Letters that are done once they are archived, which is when they are made ready."""

    name: ClassVar[str] = "ARCHIVE"
    is_repeatable: ClassVar[bool] = True
    archives_all: ClassVar[bool] = True
    reads_enclosures: ClassVar[bool] = False

    def check(self, letter: Letter) -> Iterator[Problem]:
        """Something to archive, and where each of it goes; no words are needed, and no address."""
        if not letter.attachments:
            yield Problem(code=Code.REQUIRED, sentence="required on channel ARCHIVE", field=("attachments",))
        for index, attachment in enumerate(letter.attachments):
            if not attachment.archive_target:
                sentence = "ARCHIVE_TARGET is required on channel ARCHIVE"
                yield Problem(code=Code.REQUIRED, sentence=sentence, field=("attachments", index, "properties"))

    def recipient_problems(self, to: Letter | Addressee) -> Iterator[Problem]:
        """It goes to nobody."""
        return iter(())

    def hand_over(self, parcel: Parcel) -> Outcome:
        """There is nobody else to hand it to."""
        return Outcome(kind=OutcomeKind.SENT, words="archived")
