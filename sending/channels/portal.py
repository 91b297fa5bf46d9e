"""PORTAL: the message waits in its recipient's inbox (contract send_v2, "Channels"; read in sending.inbox)."""

from collections.abc import Iterator
from typing import ClassVar

from gateway.errors import Code, Problem
from sending.channels.base import Channel, Outcome, OutcomeKind, Parcel
from sending.channels.demands import address_problems, file_name_problems, line_problems, words_problems
from sending.letter import Addressee, Letter


class PortalChannel(Channel):
    """Inboxes of our own: what is SENT is in one, and nothing leaves the house."""

    name: ClassVar[str] = "PORTAL"
    is_repeatable: ClassVar[bool] = True
    reads_enclosures: ClassVar[bool] = False

    def check(self, letter: Letter) -> Iterator[Problem]:
        """Somebody's inbox, something to say, names of one line."""
        yield from words_problems(letter)
        yield from self.recipient_problems(letter)
        yield from line_problems(letter.from_name, "from_name")
        yield from file_name_problems(letter)

    def recipient_problems(self, to: Letter | Addressee) -> Iterator[Problem]:
        """An address or a partner, a name of one line."""
        if not to.recipient_email_address and not to.partner_ref:
            sentence = "required for PORTAL, unless partnerRef is given"
            yield Problem(code=Code.REQUIRED, sentence=sentence, field=("recipient_email_address",))
        yield from address_problems(to.recipient_email_address, "recipient_email_address")
        yield from line_problems(to.recipient_name, "recipient_name")

    def hand_over(self, parcel: Parcel) -> Outcome:
        """Nothing is left to be done: the inbox shows what is SENT."""
        return Outcome(kind=OutcomeKind.SENT, words="in the inbox")
