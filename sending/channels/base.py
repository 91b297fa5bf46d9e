"""What every channel is: values in (a letter to check, a parcel to hand over), an outcome out, never tables."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from gateway.errors import Problem
from sending.letter import Letter


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
    """An attachment's bytes and how they are named."""

    file_name: str
    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A rendered message, complete: a channel needs nothing else to hand it over."""

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


class OutcomeKind(StrEnum):
    """How a hand-over ended.

    SENT: the other side has it. RETRY: this message was refused for now. FAILED: refused for good.
    UNCERTAIN: it may or may not have it, and only a person or a setting can say. LATER: nothing was wrong with
    the message, the lane was not ready (unreachable, throttled): no attempt is spent and the lane rests.
    """

    SENT = "SENT"
    RETRY = "RETRY"
    FAILED = "FAILED"
    UNCERTAIN = "UNCERTAIN"
    LATER = "LATER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """``words`` are the other side's own (or our reason); ``recipients`` maps each address to what became of it."""

    kind: OutcomeKind
    words: str = ""
    recipients: Mapping[str, str] = field(default_factory=dict)


class Channel(ABC):
    """One way out. A worker process keeps one instance, and with it its open connection."""

    name: ClassVar[str]

    @abstractmethod
    def check(self, letter: Letter) -> Iterable[Problem]:
        """Everything this channel demands of a letter that it lacks, fields in the core's names."""

    @abstractmethod
    def hand_over(self, parcel: Parcel) -> Outcome:
        """Hand the parcel to the outside, at most once; never raises for what the outside does."""

    def raw(self, parcel: Parcel, *, date: datetime) -> bytes:
        """What goes out for the parcel, byte for byte, when handed over at ``date``; empty where that says nothing."""
        return b""

    def close(self) -> None:
        """Let go of what was kept open between parcels."""
