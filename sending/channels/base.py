"""What every channel is: values in (a letter to check, a parcel to hand over), an outcome out, never tables."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from io import BytesIO
from typing import Any, BinaryIO, ClassVar
from uuid import UUID

from gateway.errors import Problem
from sending.letter import Addressee, Letter


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """One mail server; ``security`` is "", "starttls" or "tls"."""

    host: str
    port: int
    security: str = ""
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One mailbox; ``name`` may be empty."""

    address: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosure:
    """An attachment: its bytes and how they are named. ``opener`` stands for ``content`` where they may be many, and
    raises OSError when they cannot be read."""

    file_name: str
    media_type: str
    content: bytes = b""
    opener: Callable[[], BinaryIO] | None = None
    is_certified: bool = False
    may_go_uncertified: bool = False

    def open(self) -> BinaryIO:
        """The bytes from their beginning, to be closed by who asked."""
        return self.opener() if self.opener else BytesIO(self.content)

    def read(self) -> bytes:
        """All bytes at once."""
        if not self.opener:
            return self.content
        with self.opener() as file:
            return file.read()


@dataclass(frozen=True, slots=True, kw_only=True)
class WebPush:
    """What a browser is told (RFC 8030): ``endpoint``, ``p256dh`` and ``auth`` are its subscription's, ``private_key``
    the one it trusts (32 bytes, base64url). ``time_to_live`` is in seconds; ``urgency`` and ``topic`` may be empty."""

    endpoint: str
    p256dh: str
    auth: str = field(repr=False)
    private_key: str = field(repr=False)
    payload: bytes
    time_to_live: int
    urgency: str = ""
    topic: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A rendered message, complete: a channel needs nothing else to hand it over.

    ``is_certified``: it is to carry a signature. ``batch`` is the number of the print run that it belongs to, for
    channels that gather (``Channel.is_gathering``). ``facts`` are what became known while it was made ready, kept with
    what its hand-over comes to; ``unsigned`` among them names what goes without a signature, and why.
    """

    message_id: int
    uuid: UUID
    created_at: datetime
    subject: str = ""
    text: str = ""
    html: str = ""
    sender: Address
    recipient: Address
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: Address | None = None
    enclosures: tuple[Enclosure, ...] = ()
    list_unsubscribe: str = ""
    is_certified: bool = False
    postal_address: str = ""
    letter_type: str = ""
    has_reply_envelope: bool = False
    has_payment_slip: bool = False
    partner_ref: str = ""
    letter_source: str = ""
    letter_data: Mapping[str, Any] = field(default_factory=dict)
    batch: str = ""
    web_push: WebPush | None = None
    facts: Mapping[str, str | int] = field(default_factory=dict)


class NotReady(Exception):
    """What keeps a message from being made ready or handed over, in words for people; ``is_lasting`` when trying again
    will not help."""

    def __init__(self, words: str, *, is_lasting: bool) -> None:
        super().__init__(words)
        self.words, self.is_lasting = words, is_lasting

    @property
    def outcome(self) -> "Outcome":
        """The outcome that it comes to."""
        return Outcome(kind=OutcomeKind.FAILED if self.is_lasting else OutcomeKind.RETRY, words=self.words)


class OutcomeKind(StrEnum):
    """How a hand-over ended.

    SENT: the other side has it. RETRY: this message was refused for now. FAILED: refused for good.
    UNCERTAIN: it may or may not have it, and only a person or a setting can say. LATER: nothing was wrong with
    the message, the lane was not ready (unreachable, throttled): no attempt is spent and the lane rests. THROTTLED:
    the same, for this message and its like alone: the others of the lane go on.
    """

    SENT = "SENT"
    RETRY = "RETRY"
    FAILED = "FAILED"
    UNCERTAIN = "UNCERTAIN"
    LATER = "LATER"
    THROTTLED = "THROTTLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """``words`` are the other side's own (or our reason); ``recipients`` maps each address to what became of it;
    ``facts`` are what is worth keeping with the event: pages, a file's name, a digest. ``after`` is how many seconds
    are to pass before the next try, where the other side says so. ``gone`` is the address at which nobody is any more.
    """

    kind: OutcomeKind
    words: str = ""
    recipients: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str | int] = field(default_factory=dict)
    after: float = 0.0
    gone: str = ""


class Channel(ABC):
    """One way out. A worker process keeps one instance, and with it its open connection.

    ``takes_letters``: doors that take letters offer it. ``most_at_once``: so many parcels are handed over side by side,
    which only a repeatable channel can do. ``is_repeatable``: handing the same parcel over twice is the same as once,
    since what it goes to is ours and knows it again; a worker's death then leaves nothing in doubt. ``is_gathering``:
    its parcels belong to numbered batches. ``reads_enclosures``: it needs their bytes, which are then read before
    anything is begun. ``raw_type`` is the media type of what ``raw`` gives. ``signs_letter``: what it makes of a
    certified parcel (``Parcel.is_certified``) carries a signature; ``signs_all``: one over all that is enclosed, too,
    of whatever type. ``archives_all``: it is an archive, and takes every attachment to its target.
    ``minds_suppressions``: it writes to e-mail addresses that may be suppressed. ``goes_by_post``: it writes to postal
    addresses, and an e-mail address that a letter has besides is not where it goes.
    """

    name: ClassVar[str]
    takes_letters: ClassVar[bool] = True
    most_at_once: ClassVar[int] = 1
    is_repeatable: ClassVar[bool] = False
    is_gathering: ClassVar[bool] = False
    reads_enclosures: ClassVar[bool] = True
    raw_type: ClassVar[str] = "message/rfc822"
    signs_letter: ClassVar[bool] = False
    signs_all: ClassVar[bool] = False
    archives_all: ClassVar[bool] = False
    minds_suppressions: ClassVar[bool] = False
    goes_by_post: ClassVar[bool] = False

    @abstractmethod
    def check(self, letter: Letter) -> Iterable[Problem]:
        """Everything this channel demands of a letter that it lacks, fields in the core's names."""

    @abstractmethod
    def recipient_problems(self, to: Letter | Addressee) -> Iterable[Problem]:
        """What ``check`` says that depends on to whom the letter goes; of letters that are alike but for that, only
        this is asked each time. No demand depends on its properties."""

    @abstractmethod
    def hand_over(self, parcel: Parcel) -> Outcome:
        """Hand the parcel to the outside, at most once; never raises for what the outside does."""

    def hand_over_all(self, parcels: Iterable[Parcel]) -> Iterator[tuple[Parcel, Outcome]]:
        """Hand over up to ``most_at_once`` of these side by side, each with what it came to as soon as it did. The next
        is taken only when there is room for it; who stops asking gets no word of those that are under way."""
        for parcel in parcels:
            yield parcel, self.hand_over(parcel)

    def raw(self, parcel: Parcel, *, date: datetime) -> bytes:
        """What goes out for the parcel, byte for byte, when handed over at ``date``; empty where that says nothing."""
        return b""

    def close(self) -> None:
        """Let go of what was kept open between parcels."""
