"""What every payload is: values in, bytes out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from jobs.undone import Undone
from notifications.states import EventKind


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What happened to a job: ``status``, ``failure`` and ``reason`` as it ended ("" while it goes on), ``job_name``
    its jobIdFs, ``undone`` what it did not carry out."""

    kind: EventKind
    at: datetime
    job_id: int | None
    job_uuid: UUID | None
    job_name: str = ""
    status: str = ""
    failure: str = ""
    reason: str = ""
    undone: Sequence[Undone] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How the receiver wants it: ``format`` DEFAULT, JSON or XML, and a naming convention of the contract."""

    format: str
    naming: str = ""


class Payload(ABC):
    """One shape of body. The same news in the same style give the same bytes, at each try."""

    name: ClassVar[str]

    @abstractmethod
    def content_type(self, style: Style) -> str:
        """Of the body, and of the answer that is asked for."""

    @abstractmethod
    def body(self, news: News, style: Style) -> bytes:
        """The bytes to be sent."""
