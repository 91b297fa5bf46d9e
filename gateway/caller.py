"""Who is calling, whatever the face: the value that every service takes first."""

from dataclasses import dataclass
from typing import Self

from gateway.errors import Code, refuse

RIGHTS = (
    "send",
    "jobs.read",
    "jobs.run",
    "schedules",
    "notifications",
    "portal",
    "campaigns",
    "see_all",
    "act_for_users",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A client, the user named beside it, and what both may do.

    ``client_id`` is None for the house itself (console, commands, beat), which sees everything.
    """

    client_id: int | None
    client_name: str = ""
    user_name: str = ""
    rights: frozenset[str] = frozenset()
    request_id_unique: bool = True
    from_address: str = ""
    from_name: str = ""
    sender_domains: tuple[str, ...] = ()
    client_uuid: str = ""
    # Below the external root; "" = all of it.
    external_folder: str = ""
    # Of one multipart request; None = as many as the site takes.
    max_upload_bytes: int | None = None

    @classmethod
    def house(cls, user_name: str = "") -> Self:
        """The organisation's own people and machinery."""
        return cls(client_id=None, user_name=user_name, rights=frozenset(RIGHTS))

    @property
    def sees_all(self) -> bool:
        return self.client_id is None or "see_all" in self.rights

    @property
    def actor(self) -> str:
        """How an event names who did it: ``client/user``."""
        return "/".join(filter(None, (self.client_name, self.user_name)))

    def require(self, right: str) -> None:
        """Raise 2002 unless the caller holds ``right``."""
        if right not in self.rights:
            raise refuse(Code.FORBIDDEN, f"the client lacks the right {right}")
