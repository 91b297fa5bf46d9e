"""What every store is: a place that attachments come from, and that documents are archived to."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose documents are meant. ``client_id`` None is the house itself; ``folder`` is the client's own below the
    external root ("" = the whole root)."""

    client_id: int | None
    folder: str = ""
    sees_all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What is archived: ``part`` of a message is the position of an attachment, or "text" or "html" for its words.
    ``sending.blobs`` keeps the bytes too, under ``digest`` (SHA-256 in hex). ``metadata`` are the properties that
    travel with it, ``path`` is where the caller wants it (ARCHIVE_RELATIVE_PATH, without slashes at its ends)."""

    message_id: int
    part: str
    file_name: str
    media_type: str
    digest: str
    opener: Callable[[], BinaryIO] = field(repr=False)
    path: str = ""
    document_type: str = ""
    object_type: str = ""
    object_ref: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    user_name: str = ""


class StoreRefusal(Exception):
    """What is wrong with what the caller named, in a sentence for the caller. ``is_missing`` when it is simply not
    there (or not the caller's)."""

    def __init__(self, sentence: str, *, is_missing: bool = False) -> None:
        super().__init__(sentence)
        self.sentence, self.is_missing = sentence, is_missing


class Store(ABC):
    """One store. ``source_property`` is the control property that names a source in it."""

    name: ClassVar[str]
    source_property: ClassVar[str]
    # Whether ARCHIVE_RELATIVE_PATH means something to it.
    has_paths: ClassVar[bool] = False

    @abstractmethod
    def check(self, ref: str, owner: Owner) -> None:
        """Raise StoreRefusal unless ``ref`` names a document that may be read, OSError when that cannot be told."""

    @abstractmethod
    def open(self, ref: str, owner: Owner) -> BinaryIO:
        """Its bytes; raises like ``check``. What was checked may be another thing by now: this decides."""

    @abstractmethod
    def remove(self, ref: str, owner: Owner, *, digest: str) -> bool:
        """Take a source away, if it still is what was fetched (``digest``); whether it is gone now. Once or twice is
        the same. Raises OSError."""

    @abstractmethod
    def check_target(self, path: str, file_name: str, owner: Owner) -> None:
        """Raise StoreRefusal unless a document could be archived there."""

    @abstractmethod
    def keep(self, document: Document, owner: Owner) -> str:
        """Archive, durably; where it lies. Archiving the same document again changes nothing. Raises StoreRefusal when
        another one lies there, OSError when the store cannot be used at present."""

    def is_left_to_others(self, ref: str, message_ids: Collection[int]) -> bool:
        """Told that what these messages archived there is theirs no more: whether the store itself knows of other
        messages that it belongs to."""
        return False
