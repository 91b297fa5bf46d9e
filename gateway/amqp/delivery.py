"""What a queue brings, and what a face makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

# Set by ``frames`` on a message whose properties no reader understands: what is wrong with them.
UNREADABLE = "x-hammy-unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message as it came: bytes nobody decoded, properties and headers by their names in AMQP 0-9-1."""

    tag: int
    body: bytes = field(repr=False)
    properties: Mapping[str, Any] = field(default_factory=dict, repr=False)
    headers: Mapping[str, Any] = field(default_factory=dict, repr=False)
    is_redelivered: bool = False

    @classmethod
    def of(cls, message: Any) -> Self:
        """A message as the library brings it."""
        properties = message.properties
        return cls(
            tag=message.delivery_info["delivery_tag"],
            body=message.body or b"",
            properties=properties,
            headers=properties.get("application_headers") or {},
            is_redelivered=message.delivery_info["redelivered"],
        )

    def property(self, name: str) -> str:
        """A property that is text, without blanks around it; "" when it was not given."""
        value = self.properties.get(name)
        return value.strip() if isinstance(value, str) else ""

    def header(self, name: str) -> str:
        """A header that is text, or "": what is no text is nothing that a caller of ours sends."""
        value = self.headers.get(name)
        return value.strip() if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What becomes of a delivery: the answer's body, empty where there is none yet.

    ``refusal``: why what was asked is not done, "" when it is. A refused message of which nobody can be told is kept
    in the error queue; one that ``is_dead``, because nobody could read it or we failed over it, in any case.
    ``is_to_wait``: nothing was done and nothing is wrong with it; the same is to be tried again.
    """

    body: bytes = field(default=b"", repr=False)
    media_type: str = ""
    code: int = 0
    refusal: str = ""
    is_dead: bool = False
    is_to_wait: bool = False
